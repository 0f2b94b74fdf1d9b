"""What a card can do, asked in few minutes: `python -m benchmarks.gpu`.

`questions` lists what is asked, in order of value; `laws`, `methods`, `training` and
`rollout` compute the answers, each in a process of its own; `coordinator` lets them
compile side by side and time one after another; `science` trains in the background.
"""
