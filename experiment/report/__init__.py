"""What is drawn and written with: pages, panels, plots, statistics.

May import `experiment.errors`; it knows of no run."""
