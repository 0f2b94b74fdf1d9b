"""A run from the outside: configuration, folder, metrics, checkpoints, plots."""
