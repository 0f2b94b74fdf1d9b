"""What is compared in training is what is said to be compared.

mutant                               | the test that failed: test_…
------------------------------------ | -----------------------------------------
the search stops one too low         | the_nearest_width_is_found
any width is near enough             | the_nearest_width_is_found
truncation is no end to a peer       | peers_get_five_values
a row's ratio is that of another     | the_table_has_every_figure
"""

import copy
import json

import jax
import jax.numpy as jnp
import pytest

from benchmarks import train, train_report
from benchmarks.peers import FiveValues
from benchmarks.width import matched


@pytest.mark.parametrize("target", [1_000, 5_000, 40_000, 90_000])
def test_the_nearest_width_is_found(target):
    """Beside looking at all of them."""

    def count(width):
        return 3 * width * width + 40 * width + 7

    found = matched("core", target, count)
    for unit in (8, 4):
        best = min(range(unit, 512, unit), key=lambda n: abs(count(n) - target))
        if abs(count(best) / target - 1) <= 0.1:
            assert found == best
            break
    with pytest.raises(ValueError, match=r"core: .* is nearest to 3\."):
        matched("core", 3, count)


def test_peers_get_five_values():
    class Six:
        spaces = "its own"

        def step(self, key, state, action, params):
            flags = jnp.array([True, False]), jnp.array([False, True])
            return "obs", "state", "reward", *flags, {"info": 1}

    env = copy.deepcopy(FiveValues(Six()))
    obs, state, reward, done, info = env.step(None, None, None, None)
    assert (obs, state, reward, info) == ("obs", "state", "reward", {"info": 1})
    assert done.tolist() == [True, True] and env.spaces == "its own"


def row(core, equal, length, steps, times, **more):
    sizes = {"T": length, "B": 64 // length, "repeat": 3, "features": 8}
    speed = {"steps_per_second": steps, "slowest": steps / 2, "fastest": steps * 2}
    facts = {"parameters": 1234, "compile_seconds": 2.0, "jax": "0", "device": "cpu"}
    row = {"core": core, "equal": equal, **sizes, **speed, **facts, "cpus": 2, **more}
    return row | {"times_s5": times}


def test_the_table_has_every_figure(tmp_path):
    rows = [
        row("s5", "width", 8, 1500.0, 1.0),
        row("gru", "width", 8, 3000.0, 2.0),
        row("s5", "width", 16, 2500.0, 1.0, compile_seconds=5.0),
        row("gru", "width", 16, 500.0, 0.2),
        row("s5", "parameters", 8, 1500.0, 1.0),
        row("gru", "parameters", 8, 750.0, 0.5, features=16, parameters=1200),
    ]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    train.main(["--draw", "--out", str(tmp_path)])
    lines = (tmp_path / "train.md").read_text().splitlines()
    assert "| s5 | 8 | 1,234 | 1.5 (1.00) | 2.5 (1.00) | 2.0 to 5.0 |" in lines
    assert "| gru | 8 | 1,234 | 3.0 (2.00) | 0.5 (0.20) | 2.0 to 2.0 |" in lines
    assert "| gru | 16 | 1,200 | 0.8 (0.50) | - | 2.0 to 2.0 |" in lines
    assert any("64 steps an update" in line for line in lines)
    assert (tmp_path / "train.png").stat().st_size > 1000
    assert path.read_text().count("\n") == len(rows)  # nothing was measured


def test_what_is_known_is_not_measured_again(tmp_path, monkeypatch):
    asked = []

    def measured(equal, length, **options):
        asked.append((equal, length))
        return [row("s5", equal, length, 1.0, 1.0)]

    monkeypatch.setattr(train, "measured", measured)
    monkeypatch.setattr(train, "draw", lambda path: None)
    flags = ["--lengths", "8", "16", "--out", str(tmp_path)]
    train.main(flags)
    assert asked == [(e, n) for n in (8, 16) for e in ("width", "parameters")]
    train.main([*flags, "--lengths", "16", "32"])
    assert asked[4:] == [("width", 32), ("parameters", 32)]


@pytest.mark.slow
@pytest.mark.lenient  # peers, if there are any
@pytest.mark.usefixtures("quick_compilation")
def test_a_short_run_measures_whole_updates(tmp_path, capsys):
    flags = ["--lengths", "4", "--steps", "16", "--features", "16", "--repeat", "1"]
    train.main([*flags, "--cores", "s5", "mlp", "--out", str(tmp_path)])
    rows = train_report.read(tmp_path / "train.jsonl")
    ours = [one for one in rows if one["core"] in ("s5", "mlp")]
    assert [(one["core"], one["equal"]) for one in ours] == [
        *(("s5", "width"), ("mlp", "width")),
        *(("s5", "parameters"), ("mlp", "parameters")),
    ]
    alike, (s5, mlp) = ours[:2], ours[2:]
    assert {one["features"] for one in alike} == {16}
    assert abs(mlp["parameters"] / s5["parameters"] - 1) <= 0.1
    assert mlp["features"] > 16
    for one in ours:
        assert one["steps_per_second"] > 0 and one["compile_seconds"] > 0
        assert one["B"] == 4 and "core.features" in one["arguments"]
    assert (tmp_path / "train.md").exists() and jax.devices()
