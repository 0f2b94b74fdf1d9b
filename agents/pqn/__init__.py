"""Parallelised Q-networks, PQN(lambda): configuration, network, agent and objective.

May import `agents.acting`, `s5rl` and `envs.contract`; no other agent."""
