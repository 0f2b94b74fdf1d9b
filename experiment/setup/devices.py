"""How learners lie on several devices: what can be said, and what follows. No JAX.

    devices=8 num_seeds=2                 mesh of seeds x envs
                                          +---------+---------+---------+---------+
    learner 0, its lanes in 4 blocks      | 0       | 0       | 0       | 0       |
                                          +---------+---------+---------+---------+
    learner 1                             | 1       | 1       | 1       | 1       |
                                          +---------+---------+---------+---------+

Learners come first, for they have nothing to tell each other. What devices are left
share the lanes of each. A learner whose lanes are cut into blocks shuffles them within
their block, so the number of blocks is part of what a run computes, and is written into
its configuration when it begins. On how many devices they lie is not: a run goes on
with more devices, or fewer.
"""

from dataclasses import dataclass, field

ALL = "all"


@dataclass(frozen=True)
class MeshConfig:
    """Of what a run's mesh of devices is made."""

    seeds: int | None = None  # devices over which learners lie; null: as many as divide
    # blocks that the lanes of each learner are cut into, at most one a device; null: as
    # many as are of use, which is settled when the run begins
    envs: int | None = field(default=None, metadata={"unsaid": 1})

    def __post_init__(self):
        for name in ("seeds", "envs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")


@dataclass(frozen=True)
class Layout:
    """Where learners lie.

    Attributes:
      seeds: devices over which learners are spread.
      envs: devices over which the lanes of each are spread.
      blocks: that those lanes are cut into, a multiple of `envs`.
    """

    seeds: int
    envs: int
    blocks: int

    @property
    def devices(self) -> int:
        """How many are used."""
        return self.seeds * self.envs

    def __str__(self):
        lanes = f", the lanes of each over {self.envs}" if self.envs > 1 else ""
        cut = f" in {self.blocks} blocks" if self.blocks != self.envs else ""
        return f"learners over {self.seeds}{lanes}{cut}"


def check(
    mesh: MeshConfig, *, num_seeds: int, num_envs: int, num_minibatches: int
) -> None:
    """Refuses a mesh that cannot be made of a run's learners.

    Raises:
      ValueError: naming both numbers.
    """
    if mesh.seeds is not None and num_seeds % mesh.seeds:
        raise ValueError(
            f"num_seeds ({num_seeds}) must be a multiple of mesh.seeds ({mesh.seeds}): "
            "as many learners lie on each device."
        )
    if mesh.envs is not None and not _cuts(mesh.envs, num_envs, num_minibatches):
        raise ValueError(
            f"agent.num_envs ({num_envs}) must be a multiple of mesh.envs "
            f"({mesh.envs}) times agent.num_minibatches ({num_minibatches}): a "
            "minibatch has as many lanes of each block."
        )


def layout(
    mesh: MeshConfig,
    available: int,
    *,
    num_seeds: int,
    num_envs: int,
    num_minibatches: int,
) -> Layout:
    """Where learners lie on so many devices; `mesh` has passed `check`.

    Raises:
      ValueError: if what was said by hand takes more devices than there are.
    """
    if mesh.seeds is not None and mesh.seeds > available:
        raise ValueError(
            f"mesh.seeds ({mesh.seeds}) must not be more than the devices of the run "
            f"({available})."
        )
    seeds = mesh.seeds or _largest(num_seeds, available)
    left = available // seeds
    blocks = mesh.envs
    if blocks is None:
        blocks = max(
            count
            for count in range(1, left + 1)
            if _cuts(count, num_envs, num_minibatches)
        )
    return Layout(seeds, _largest(blocks, left), blocks)


def _cuts(blocks: int, num_envs: int, num_minibatches: int) -> bool:
    return num_envs % (blocks * num_minibatches) == 0


def _largest(number: int, most: int) -> int:
    """Its largest divisor that is not above `most`."""
    return max(n for n in range(1, min(number, most) + 1) if number % n == 0)
