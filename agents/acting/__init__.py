"""What every agent shares: rollouts, policies, episodes, trials.

May import `s5rl` and `envs.contract`; no agent."""
