"""Meta-environments: several trials of one hidden task."""
