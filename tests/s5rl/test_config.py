"""Configurations check themselves, and say what they wanted and what they got.

mutant                         | the test that failed: test_…
------------------------------ | ----------------------------------------
dt_min and dt_max not compared | s5_refuses_what_cannot_work
blocks do not count            | s5_refuses_what_cannot_work
NaN passes for positive        | s5_refuses_what_cannot_work
not frozen                     | configurations_are_values
sizes may be of any size       | no_size_is_beyond_what_can_be_traced
num_states is not halved       | states_are_halved_by_conjugate_symmetry
legs_ptd's pairs are halved    | s5_refuses_what_cannot_work
the module imports jax         | a_command_line_need_not_wait_for_jax
"""

import dataclasses
import subprocess
import sys

import pytest

from s5rl import GRUConfig, LSTMConfig, MLPConfig, S5Config
from s5rl.config import CORE_CONFIGS


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"state_size": 10, "blocks": 4},
            r"state_size \(10\).*multiple of 8.*blocks \(4\)",
        ),
        ({"state_size": 7}, r"state_size \(7\).*multiple of 2.*conjugate pairs"),
        (
            {"state_size": 7, "blocks": 2, "conjugate_symmetry": False},
            r"state_size \(7\) must be a multiple of 2: blocks \(2\) must be whole",
        ),
        ({"dt_min": 0.2, "dt_max": 0.1}, r"dt_min \(0.2\).*dt_max \(0.1\)"),
        ({"dt_min": 0.0}, "dt_min must be positive; got 0.0"),
        ({"dt_max": float("nan")}, "dt_max must be positive; got nan"),
        ({"num_layers": 0}, "num_layers must be positive; got 0"),
        ({"blocks": -1}, "blocks must be positive; got -1"),
        ({"state_size": 0}, "state_size must be positive; got 0"),
        ({"discretization": "euler"}, "discretization.*zoh, bilinear; got 'euler'"),
        ({"c_init": "zeros"}, "c_init.*lecun_normal, complex_normal; got 'zeros'"),
        ({"activation": "relu"}, "activation.*half_glu1.*got 'relu'"),
        ({"norm": "batch"}, "norm must be one of pre, post, none; got 'batch'"),
        ({"method": "scan"}, "method.*associative, sequential, kernel; got 'scan'"),
        ({"dtype": "float16"}, "dtype.*float32, bfloat16; got 'float16'"),
        ({"init": "legs"}, "init.*hippo_n, legs_ptd, .*fourier; got 'legs'"),
        ({"epsilon": 0.0}, "epsilon must be positive; got 0.0"),
        (
            {"init": "legs_ptd", "conjugate_symmetry": True},
            "legs_ptd.*conjugate_symmetry must be false or left out; got True",
        ),
        (
            {"init": "legs_ptd", "c_init": "complex_normal"},
            "legs_ptd.*c_init must be lecun_normal; got complex_normal",
        ),
        (
            {"init": "s4d_lin", "state_size": 7, "conjugate_symmetry": False},
            r"state_size \(7\).*multiple of 2.*conjugate pairs",
        ),
    ],
)
def test_s5_refuses_what_cannot_work(options, says):
    with pytest.raises(ValueError, match=says):
        S5Config(**options)


def sizes():
    """Every core's integers that must be positive, each by (core, name)."""
    for core, config in CORE_CONFIGS.items():
        for field in dataclasses.fields(config):
            if type(field.default) is int and field.default > 0:
                yield core, field.name


@pytest.mark.parametrize(("core", "name"), [*sizes()])
def test_no_size_is_beyond_what_can_be_traced(core, name):
    with pytest.raises(ValueError, match=f"{name}.* at most 65,536; got 1,000,000,000"):
        CORE_CONFIGS[core](**{name: 10**9})


@pytest.mark.parametrize(
    ("core", "name", "least"),
    [
        *(("window_attention", "window", 2), ("seqboat", "window", 2)),
        *(("frame_stack", "frames", 2), ("rglru", "mlp_expansion", 0)),
    ],
)
def test_what_has_a_least_size_refuses_less(core, name, least):
    CORE_CONFIGS[core](**{name: least})
    with pytest.raises(ValueError, match=f"{name} must be at least {least}; got"):
        CORE_CONFIGS[core](**{name: least - 1})


@pytest.mark.parametrize("config", [GRUConfig, LSTMConfig, MLPConfig])
def test_the_others_refuse_no_layers(config):
    with pytest.raises(ValueError, match="num_layers must be positive; got 0"):
        config(num_layers=0)


@pytest.mark.parametrize("config", [S5Config, GRUConfig, LSTMConfig, MLPConfig])
def test_configurations_are_values(config):
    assert config() == config() and hash(config()) == hash(config())
    assert config(num_layers=3) != config(num_layers=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config().num_layers = 3


def test_states_are_halved_by_conjugate_symmetry():
    assert S5Config(state_size=12).num_states == 6
    assert S5Config(state_size=12, conjugate_symmetry=False).num_states == 12
    # An odd size, and blocks that do not pair, can work with all states kept.
    odd = S5Config(state_size=9, blocks=3, conjugate_symmetry=False)
    assert odd.num_states == 9


def test_a_command_line_need_not_wait_for_jax():
    code = "import sys, s5rl.config; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
