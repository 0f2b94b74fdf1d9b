"""A run while it goes on: its folder, checkpoints, metrics, progress, signals.

May import `experiment.setup` and `experiment.report`."""
