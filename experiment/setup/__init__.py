"""From a command line to an agent: keys, help, configuration, building.

May import `agents`, `envs` and `s5rl` by name, and `experiment.errors`."""
