"""What "auto" takes, and what it says of the ways that it does not.

mutant                                     | the test that failed: test_…
------------------------------------------ | -----------------------------------------
the smallest measurement decides           | nothing_measured_was_faster
forward decides though gradients are known | the_largest_measurement_within_the_…
B * P is not looked at                     | what_each_platform_takes
float64 is served                          | falls_back_from_a_kernel_that_cannot_…
a step of acting reaches the kernel        | the_kernel_runs_where_it_is_the_fastest
nothing is remembered                      | a_session_is_told_once_what_was_taken
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl import linear_recurrence
from s5rl.config.base import METHODS as CONFIGURED
from s5rl.recurrence import METHODS, choice, why
from s5rl.recurrence.choice import MEASURED, WAYS, Device, Measured, choose, refusal

CPU, H100, TPU = Device("cpu"), Device("gpu", "9.0"), Device("tpu")
SIZES = [(t, b, p) for t in (2, 128, 1024, 5000) for b in (1, 64) for p in (4, 256)]
FORMS = {"real": "float32", "complex": "complex64", "planar": "float32"}


def shaped(form, size):
    """The shape of inputs, and their dtype."""
    shape = (*size[:2], 2, size[2]) if form == "planar" else size
    return shape, jnp.dtype(FORMS[form])


@pytest.fixture
def fresh():
    """Nothing is remembered of this JAX or of its devices, before and after."""
    for remembered in (choice._choose, choice._missing):
        remembered.cache_clear()
    yield
    for remembered in (choice._choose, choice._missing):
        remembered.cache_clear()


@pytest.mark.parametrize("device", [CPU, H100, TPU], ids=lambda d: d.platform)
@pytest.mark.parametrize("form", FORMS)
def test_a_reason_speaks_against_every_other_way(device, form):
    for size in SIZES:
        way, reasons = choose(*shaped(form, size), device)
        assert reasons.keys() == {*WAYS} - {way} and all(reasons.values())
        text = why(*shaped(form, size), device)
        assert f'"auto" takes "{way}" for {form}' in text
        for other, reason in reasons.items():
            assert f'not "{other}": {reason}' in text


@pytest.mark.parametrize("form", FORMS)
def test_what_each_platform_takes(form):
    for size in SIZES:
        assert choose(*shaped(form, size), CPU).way == "sequential"
        assert choose(*shaped(form, size), TPU).way == "associative"
    small = shaped(form, (2, 64, 256)), shaped(form, (5000, 1, 4))
    assert {choose(*sizes, H100).way for sizes in small} == {"associative"}
    large = shaped(form, (2048, 64, 256))
    taken = "kernel" if form == "planar" else "associative"
    assert choose(*large, H100).way == taken


@pytest.mark.parametrize("row", MEASURED, ids=lambda r: f"{r.platform}-{r.form}")
def test_nothing_measured_was_faster(row):
    """With gradients where that is known of all, and forward where it is not."""
    taken = choose(
        *shaped(row.form, row.shape), {"cpu": CPU, "gpu": H100}[row.platform]
    )
    forward, with_gradients = zip(*row.microseconds.values(), strict=True)
    known = None not in with_gradients
    best = min(with_gradients if known else forward)
    assert row.microseconds[taken.way][known] == best
    others = row.microseconds.keys() - {taken.way}
    assert all("us forward" in taken.reasons[way] for way in others)


@pytest.mark.usefixtures("fresh")
def test_the_largest_measurement_within_the_shape_decides(monkeypatch):
    rows = [
        Measured("gpu", "real", (8, 2, 4), {"associative": (1, 2), "kernel": (2, 1)}),
        Measured("gpu", "real", (64, 2, 4), {"associative": (1, 2), "kernel": (1, 9)}),
        Measured("gpu", "real", (64, 9, 4), {"associative": (2, 9), "kernel": (1, 9)}),
        Measured("gpu", "real", (64, 64, 4), {"sequential": (1, 1)}),
    ]
    monkeypatch.setattr(choice, "MEASURED", tuple(rows))
    taken = {
        (8, 2, 4): "kernel",
        (63, 4, 2): "kernel",  # as many channels
        (64, 2, 4): "associative",
        (99, 8, 4): "associative",
        (7, 99, 4): "associative",  # nothing was
        (64, 64, 4): "sequential",
    }
    for size, way in taken.items():
        assert choose(*shaped("real", size), H100).way == way, size


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("device", "dtype", "says"),
    [
        (TPU, "float32", "written for CUDA .*not for tpu"),
        (Device("gpu", "gfx90a"), "float32", "written for CUDA, not for gfx90a"),
        (Device("gpu", "7.5"), "float32", "capability of 8.0, and here is 7.5"),
        (H100, "float64", "computes in float32, not in float64"),
        (CPU, "complex128", "computes in float32, not in complex128"),
        ("no Pallas", "float32", r"this JAX \(.*\) has no Pallas for Triton: "),
    ],
)
def test_falls_back_from_a_kernel_that_cannot_serve(monkeypatch, device, dtype, says):
    """And where it is asked for, refuses with the same sentence."""
    if device == "no Pallas":
        monkeypatch.setitem(sys.modules, "s5rl.recurrence.kernel", None)
        device = H100
    shape = (2048, 64, 2, 256)  # where an H100 would take the kernel
    way, reasons = choose(shape, dtype, device)
    assert way == ("sequential" if device == CPU else "associative")
    assert refusal("kernel", dtype, device) == reasons["kernel"]
    assert refusal("associative", dtype, device) is None
    monkeypatch.setattr(choice, "_device", lambda: device)
    with jax.enable_x64(True):
        a, b, carry = (jnp.ones(shape, dtype) for shape in [2, (4, 1, 2), (1, 2)])
        inputs = a, b, np.zeros((4, 1), bool), carry
        with pytest.raises(ValueError, match=f'method="kernel" cannot serve: .*{says}'):
            linear_recurrence(*inputs, method="kernel")
        linear_recurrence(*inputs)  # "auto"


@pytest.mark.usefixtures("fresh")
def test_the_kernel_runs_where_it_is_the_fastest(monkeypatch):
    def primitives(length):
        a, b, carry = jnp.ones(2), jnp.ones((length, 1, 2)), jnp.ones((1, 2))
        reset = np.zeros((length, 1), bool)
        traced = jax.make_jaxpr(lambda *x: linear_recurrence(*x))  # each time anew
        return str(traced(a, b, reset, carry))

    assert "pallas_call" not in primitives(4)
    row = Measured("cpu", "real", (1, 1, 1), {"sequential": (2, 2), "kernel": (1, 1)})
    monkeypatch.setattr(choice, "MEASURED", (row,))
    choice._choose.cache_clear()
    assert "pallas_call" in primitives(4) and "pallas_call" not in primitives(1)


def test_a_session_is_told_once_what_was_taken(caplog, fresh):
    with caplog.at_level("INFO", "s5rl"):
        for _ in range(2):
            choose((1024, 64, 2, 128), "float32", Device("gpu", "7.5"))
    assert len(caplog.records) == 1
    assert "associative" in caplog.text and "here is 7.5" in caplog.text


def test_configurations_know_every_method():
    assert sorted(CONFIGURED) == sorted(METHODS)
