"""Imitation of an expert that knows the task: configuration, answers, turns, teacher,
objective, agent.

May import `agents.acting`, `s5rl` and `envs.contract`; no other agent."""
