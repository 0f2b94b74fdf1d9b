"""What a trained memory holds: time scales, what can be read out, what actions hang on.

May import `experiment.evaluate` and what that may import."""
