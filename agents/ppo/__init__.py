"""Proximal policy optimisation: its configuration, agent and objective.

May import `agents.acting`, `s5rl` and `envs.contract`; no other agent."""
