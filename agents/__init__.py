"""Learning algorithms. Each has `initialise`, `update` and `evaluate`."""
