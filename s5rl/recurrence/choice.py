"""Which way computes the states: what can serve, and what was measured.

"auto" looks up the largest measurement, of its platform and form, that has no more of
T and of B * P than what is asked for, and takes the fastest way there that can serve.
Where there is none it takes "sequential" on a CPU, and elsewhere "associative", for its
depth. `why` tells the reasons against every other way.
"""

import logging
from functools import cache
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp

WAYS = ("associative", "sequential", "kernel")
METHODS = (*WAYS, "auto")
LOG = logging.getLogger(__name__)


class Measured(NamedTuple):
    """How long each way took: forward, and forward with gradients if that is known."""

    platform: str
    form: str  # "real", "complex" (arrays of complex64) or "planar"
    shape: tuple[int, int, int]  # [T, B, P]
    microseconds: dict[str, tuple[float, float | None]]


# `a` is [P]. CPU: benchmarks/README.md (AMD EPYC, 2 cores, jax 0.10.2).
#
# GPU: one H200, jax 0.11.2, by prototypes of the kernel and not yet by the one that
# stands in kernel.py. Complex arrays are split into planes for it and joined again.
# Beside planes stand the other ways over complex64.
MEASURED = (
    Measured(
        "cpu",
        "complex",
        (1024, 8, 128),
        {"associative": (3_300, 28_800), "sequential": (2_100, 7_100)},
    ),
    Measured(
        "cpu",
        "complex",
        (128, 64, 128),
        {"associative": (2_500, 30_500), "sequential": (1_600, 7_900)},
    ),
    Measured(
        "cpu",
        "complex",
        (1024, 64, 128),
        {"associative": (103_000, 307_000), "sequential": (39_000, 155_000)},
    ),
    Measured(
        "gpu",
        "complex",
        (1024, 64, 128),
        {
            "associative": (219, 401),
            "sequential": (37_600, 87_800),
            "kernel": (242, None),
        },
    ),
    Measured(
        "gpu",
        "planar",
        (1024, 8, 128),
        {"associative": (58, None), "kernel": (42, None)},
    ),
    Measured(
        "gpu",
        "planar",
        (1024, 64, 128),
        {
            "associative": (219, 401),
            "sequential": (37_600, 87_800),
            "kernel": (78, 179),
        },
    ),
)


class Device(NamedTuple):
    """Where a program is going to run, as far as is known when it is traced."""

    platform: str  # "cpu", "gpu" or "tpu"
    capability: str | None = None  # of a GPU: "9.0"; "gfx90a" where it is not NVIDIA's


class Choice(NamedTuple):
    """The way to take, and what speaks against each of the others."""

    way: str
    reasons: dict[str, str]


def why(shape: tuple[int, ...], dtype, device: Device | None = None) -> str:
    """What `method="auto"` takes and why, a line for each way.

    Args:
      shape: of the inputs: [T, B, P], or planar [T, B, 2, P].
      dtype: that the states are computed in.
      device: by default the one that JAX computes on.
    """
    choice = choose(shape, dtype, device)
    against = [f'not "{way}": {reason}' for way, reason in choice.reasons.items()]
    kind = f"{_form(shape, dtype)} {jnp.dtype(dtype).name} {[*shape]}"
    return "\n  ".join([f'"auto" takes "{choice.way}" for {kind}', *against])


def choose(shape: tuple[int, ...], dtype, device: Device | None = None) -> Choice:
    """The fastest way that can serve, as measured; arguments as `why`."""
    return _choose(tuple(shape), jnp.dtype(dtype), device or _device())


def settled(method: str, shape: tuple[int, ...], dtype) -> str:
    """The way that `method` stands for, of inputs like these.

    Args:
      method: one of `METHODS`.
      shape: as of `why`.
      dtype: that the states are computed in.

    Raises:
      ValueError: if the method is not known, or cannot serve here.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}; got {method!r}.")
    if method == "auto":
        return choose(shape, dtype).way
    if refused := refusal(method, dtype):
        raise ValueError(f'method="{method}" cannot serve: {refused}.')
    return method


def refusal(way: str, dtype, device: Device | None = None) -> str | None:
    """Why a way cannot serve at all, or None if it can.

    Args:
      way: one of `WAYS`.
      dtype: that the states are computed in.
      device: by default the one that JAX computes on.
    """
    if way != "kernel":
        return None
    platform, capability = device or _device()
    if jnp.finfo(dtype).bits > 32:
        return f"it computes in float32, not in {jnp.dtype(dtype).name}"
    if platform not in ("cpu", "gpu"):
        return f"it is written for CUDA (and interpreted on CPUs), not for {platform}"
    if platform == "gpu" and capability is not None:
        if not capability.replace(".", "").isdigit():
            return f"it is written for CUDA, not for {capability}"
        if float(capability) < 8:
            return f"Triton wants a compute capability of 8.0, and here is {capability}"
    return _missing()


@cache
def _missing() -> str | None:
    try:
        import s5rl.recurrence.kernel  # noqa: F401
    except (ImportError, AttributeError) as error:  # a backend that JAX says will go
        return f"this JAX ({jax.__version__}) has no Pallas for Triton: {error}"
    return None


def _device() -> Device:
    default = getattr(jax.config, "jax_default_device", None)
    device = default or jax.devices()[0]
    if isinstance(device, str):
        device = jax.devices(device)[0]
    platform = "gpu" if device.platform == "cuda" else device.platform
    return Device(platform, getattr(device, "compute_capability", None))


@cache
def _choose(shape: tuple[int, ...], dtype, device: Device) -> Choice:
    form, platform = _form(shape, dtype), device.platform
    cannot = {way: refusal(way, dtype, device) for way in WAYS}
    reasons = {way: reason for way, reason in cannot.items() if reason}
    row = _nearest(platform, form, shape)
    times = row.microseconds if row else {}
    times = {way: time for way, time in times.items() if way not in reasons}
    best = _fastest(times) or ("sequential" if platform == "cpu" else "associative")
    for way in WAYS:
        if way != best and way not in reasons:
            reasons[way] = _slower(way, best, row, form, platform)
    choice = Choice(best, {way: reasons[way] for way in WAYS if way in reasons})
    LOG.info("%s %s %s on %s: %s", form, dtype, shape, device, choice)
    return choice


def _fastest(times: dict[str, tuple[float, float | None]]) -> str | None:
    """With gradients, where that is known of all."""
    forward = {way: time for way, (time, _) in times.items()}
    trained = {way: time for way, (_, time) in times.items() if time is not None}
    compared = trained if trained.keys() == forward.keys() else forward
    return min(compared, key=compared.__getitem__, default=None)


def _slower(way: str, best: str, row: Measured | None, form: str, platform: str) -> str:
    if way == "kernel" and platform == "cpu":
        return "a CPU interprets it, slower than every other way"
    if row is None or not {way, best} <= row.microseconds.keys():
        return f"not measured on {platform} over {form} arrays of this size or smaller"
    times = [
        " and ".join(
            "unknown" if us is None else f"{us:,}" for us in row.microseconds[w]
        )
        for w in (way, best)
    ]
    return (
        f"{times[0]} us forward and with gradients at {[*row.shape]}, "
        f'"{best}" {times[1]}'
    )


def _nearest(platform: str, form: str, shape: tuple[int, ...]) -> Measured | None:
    length, channels = shape[0], shape[1] * shape[-1]
    rows = [
        row
        for row in MEASURED
        if (row.platform, row.form) == (platform, form)
        and row.shape[0] <= length
        and row.shape[1] * row.shape[2] <= channels
    ]
    return max(rows, key=lambda row: prod(row.shape), default=None)


def _form(shape: tuple[int, ...], dtype) -> str:
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return "complex"
    return "planar" if len(shape) == 4 else "real"
