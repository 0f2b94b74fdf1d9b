"""Histories of learners on the disk: the format, reading a few at a time, writing.

May import `experiment.setup`, and what stands below it."""
