"""What a transfer evaluation does to memory. Free of JAX.

See `agents.acting.trials`.
"""

CONTROLS = ("none", "cleared", "swapped", "never_reset")  # "none" first
RANDOM = "random"  # uniformly random actions, in place of the policy's
