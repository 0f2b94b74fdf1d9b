"""The mathematics of state spaces: pure functions of arrays, and no modules.

May import `s5rl.recurrence`."""
