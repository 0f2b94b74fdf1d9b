"""A small sample of `python -m tests.faults`: real processes, killed and gone on with.

| mutant | fails |
|---|---|
| rows after the checkpoint stay | test_killed_within_a_write_and_resumed |
| a half-written checkpoint counts | test_killed_within_a_write_and_resumed |
| the lock of a dead process holds | test_killed_within_a_write_and_resumed |
"""

import pytest

import train
from experiment.setup import cli
from experiment.setup import config as run_config
from tests.faults import kills
from tests.faults.runs import SMALL, Place, digests


@pytest.fixture(scope="module")
def place(tmp_path_factory, compiled, quick_compilation):
    place = Place(tmp_path_factory.mktemp("faults"))
    place.environment["JAX_COMPILATION_CACHE_DIR"] = str(compiled)
    place.environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"
    return place


@pytest.fixture(scope="module")
def whole(place):
    """What a run comes to that nothing happened to, in this process."""
    folder = place.path / "base"  # as `place.base()`, for who needs it later
    cli.register()
    config = run_config.load(cli.composed("train", [*SMALL, f"run_dir={folder}"]))
    assert train.start(config) == 0
    return digests(folder)


@pytest.mark.parametrize(
    "faults",
    [
        ("in-save:2=kill",),
        pytest.param(("in-save:2=kill", "in-row:30=kill"), marks=pytest.mark.faults),
    ],
)
def test_killed_within_a_write_and_resumed(place, whole, faults):
    folder = place.path / f"killed_{len(faults)}"
    for fault in faults:
        assert place.train(*place.go_on(folder), fault=fault).status == 137
    ended = place.train(*place.go_on(folder))
    assert ended.status == 0, ended
    assert digests(folder) == whole


def test_a_full_disk_ends_with_status_4_and_a_sentence(place):
    folder = place.path / "full"
    ended = place.train(*SMALL, f"run_dir={folder}", fault="in-save:3=full")
    assert ended.status == 4, ended
    assert ended.errors.count("\n") == 1 and "No space left" in ended.errors
    assert (folder / "checkpoints" / "100").exists()


@pytest.mark.faults
def test_every_fault_is_survived(place):
    counts = [
        kills.random_kills(place, 2, 4, seed=100),
        kills.chosen_kills(place, 1, seed=1),
        kills.stopped(place, 2, seed=1),
        kills.full_disk(place, kills.SIZES[::2]),
        kills.second_owners(place, 2),
    ]
    for count in counts:
        assert count.survived == count.trials > 0, count
