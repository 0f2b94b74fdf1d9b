"""Several runs side by side: what is read, compared, drawn and written.

May import `experiment.evaluate` and what that may import."""
