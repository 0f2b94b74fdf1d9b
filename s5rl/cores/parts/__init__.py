"""What memories are built of: blocks, convolutions, cells. May import `s5rl.recurrence`
and `s5rl.ssm`, and nothing of `s5rl.cores` beside it.
"""
