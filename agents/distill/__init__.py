"""Algorithm Distillation: configuration, sources, histories, objective, agent.

May import `agents.acting`, `s5rl` and `envs.contract`; no other agent."""
