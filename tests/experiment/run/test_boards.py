"""TensorBoard files that TensorBoard can read, and W&B when it is asked for.

| mutant | fails |
|---|---|
| seeds write under one name | test_tensorboard_holds_every_number_of_every_seed |
| purge_step is `start` | test_a_resumed_run_purges_what_it_redoes |
| finish is not called | test_wandb_is_told_everything |
"""

import errno
import os
import struct
import sys
import types

import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from experiment.errors import MachineError
from experiment.run.boards import Boards
from experiment.run.learners import Learners

ROWS = [
    {
        "env_steps": 60,
        "update": 3,
        "seed": seed,
        "loss/value": 0.5 + seed,
        "episode/return": value,
    }
    for seed, value in enumerate([None, 2.0])
]


def events(folder):
    """TFRecord: length (8 bytes), its checksum (4), an Event, its checksum (4)."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            found.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return found


def scalars(folder):
    return {
        (event.step, value.tag): value.simple_value
        for event in events(folder)
        for value in event.summary.value
    }


def write(folder, rows, *, start=0, wandb="off", num_seeds=None):
    config, seeds = {"seed": 1}, num_seeds or len(rows)
    boards = Boards(
        folder, wandb=wandb, config=config, start=start, learners=Learners(seeds)
    )
    boards.write(rows, 100.0)
    boards.close()


def test_tensorboard_holds_every_number_of_every_seed(tmp_path):
    write(tmp_path, ROWS)
    assert scalars(tmp_path) == {
        (60, "time/steps_per_second"): 100.0,
        (60, "loss/value/seed_0"): 0.5,
        (60, "loss/value/seed_1"): 1.5,
        (60, "episode/return/seed_1"): 2.0,
    }


def test_a_single_seed_needs_no_suffix(tmp_path):
    write(tmp_path, ROWS[:1])
    assert (60, "loss/value") in scalars(tmp_path)


def test_a_seed_keeps_its_name_when_the_others_diverged(tmp_path):
    write(tmp_path, ROWS[1:], num_seeds=2)
    assert (60, "loss/value/seed_1") in scalars(tmp_path)


def test_a_full_disk_is_told_and_hangs_nobody(tmp_path, monkeypatch):
    boards = Boards(tmp_path, wandb="off", config={}, start=0, learners=Learners())

    def full(event):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(boards._writer, "write_event", full)
    with pytest.raises(MachineError, match="No space left"):
        boards.write(ROWS[:1], 1.0)
    boards.close()


def test_a_resumed_run_purges_what_it_redoes(tmp_path):
    """TensorBoard hides points at and after the step of a session's start.

    Those at the checkpoint itself were drawn before it and are not drawn again.
    """
    write(tmp_path / "fresh", ROWS)
    write(tmp_path / "resumed", ROWS, start=60)
    starts = [
        [e.step for e in events(tmp_path / name) if e.HasField("session_log")
         and e.session_log.status == SessionLog.START]
        for name in ("fresh", "resumed")
    ]  # fmt: skip
    assert starts == [[], [61]]


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_wandb_is_told_everything(tmp_path, monkeypatch, mode):
    calls = []
    run = types.SimpleNamespace(
        log=lambda points, step: calls.append(("log", points, step)),
        finish=lambda: calls.append(("finish",)),
    )
    stub = types.ModuleType("wandb")
    stub.init = lambda **options: calls.append(("init", options)) or run
    monkeypatch.setitem(sys.modules, "wandb", stub)
    write(tmp_path / "run" / "tensorboard", ROWS, wandb=mode)
    (_, options), (_, points, step), last = calls
    assert options["mode"] == mode and options["config"] == {"seed": 1}
    assert options["name"] == "run" and options["dir"] == str(tmp_path / "run")
    assert step == 60 and points["loss/value/seed_1"] == 1.5
    assert last == ("finish",)


def test_wandb_is_not_even_imported_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # importing it raises
    write(tmp_path, ROWS)
