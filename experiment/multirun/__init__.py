"""Many runs from one command: what is left of them to do, and who runs them where.

May import `experiment.run` and what that may import."""
