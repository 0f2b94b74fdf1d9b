"""What the README shows works, word for word."""

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_core_example_runs_and_says_its_shapes():
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(code, names)
    assert names["y"].shape == (1, 8, 128)  # the last line acts
    whole = names["core"].apply(
        names["variables"],
        names["core"].initial_carry(8),
        names["x"],
        names["reset"],
    )[1]
    assert whole.shape == (256, 8, 128)
    # Equal inputs, but lane 3 starts anew at t = 100: there it repeats its beginning.
    assert abs(whole[100, 3] - whole[0, 3]).max() < 1e-4
    assert abs(whole[100, 2] - whole[0, 2]).max() > 1e-2


def test_commands_name_real_environments_and_cores():
    import envs
    import s5rl

    for name in re.findall(r"env=([\w/-]+)", README):
        assert name in envs.names(), name
    for names in re.findall(r"core=([\w,]+)", README):
        assert set(names.split(",")) <= set(s5rl.core_names()), names
