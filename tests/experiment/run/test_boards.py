"""TensorBoard files that TensorBoard can read.

| mutant | fails |
|---|---|
| seeds write under one name | test_tensorboard_holds_every_number_of_every_seed |
| purge_step is `start` | test_a_resumed_run_purges_what_it_redoes |
| settings share a folder | test_settings_are_rows_of_the_hparams_tab |
| a setting has the values of another | test_settings_are_rows_of_the_hparams_tab |
"""

import errno
import os
import struct

import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from experiment.errors import MachineError
from experiment.run.boards import TensorBoard, note_settings
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


def write(folder, rows, *, start=0, num_seeds=None):
    learners = Learners(num_seeds or len(rows))
    board = TensorBoard(folder, start=start, learners=learners)
    board.write(rows, 100.0)
    board.close()


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
    board = TensorBoard(tmp_path, start=0, learners=Learners())

    def full(event):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(board._writer, "write_event", full)
    with pytest.raises(MachineError, match="No space left"):
        board.write(ROWS[:1], 1.0)
    board.close()


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


def hyperparameters(folder):
    """What the tab shows of a folder: values by key; None where it holds none."""
    for event in events(folder):
        for value in event.summary.value:
            if value.tag == "_hparams_/session_start_info":
                content = value.metadata.plugin_data.content
                return HParamsPluginData.FromString(content).session_start_info.hparams


@pytest.mark.parametrize("swept", [True, False])
def test_settings_are_rows_of_the_hparams_tab(make_config, tmp_path, swept):
    rates = [1e-4, 5e-2] if swept else [1e-3]
    key = "sweep.agent.learning_rate" if swept else "agent.learning_rate"
    config = make_config(f"{key}={rates if swept else rates[0]}".replace(" ", ""))
    came = [{"final_return": 0.5}, {"final_return": None}][: len(rates)]
    summary = {"env_steps": 60, "settings": came, "final_return": 0.5}
    board = TensorBoard(tmp_path, start=0, learners=Learners.of(config))
    note_settings(board, tmp_path, config, summary)
    board.close()
    own = tmp_path / "setting_0" if swept else tmp_path
    shown = hyperparameters(own)
    assert shown["agent.learning_rate"].number_value == rates[0]
    assert shown["core.name"].string_value == config.core.name
    assert "run_dir" not in shown and "wandb" not in shown
    assert scalars(own)[60, "final_return"] == 0.5
    if swept:  # and of the setting that has no return, and of the run, nothing
        assert hyperparameters(tmp_path) is None
        assert hyperparameters(tmp_path / "setting_1") is None
