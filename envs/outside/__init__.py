"""Between Gymnasium and us: its environments stepped on the host from our agents, and
ours for its users. Stands on `envs.contract`; only the registry calls it."""
