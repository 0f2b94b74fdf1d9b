"""Playing what was trained: episodes, transfer, experts, and what they show.

May import `experiment.run` and what that may import."""
