"""When the learners are saved, and what is said when they cannot be read.

| mutant | fails |
|---|---|
| Orbax may raise what it likes | test_a_damaged_checkpoint_is_refused |
"""

import pytest

from experiment.errors import InputError
from experiment.run import checkpoints as checkpoints_module
from experiment.run.checkpoints import Checkpoints


def test_checkpoints_come_at_log_points_and_two_are_kept(go, monkeypatch):
    saved, save = [], Checkpoints.save

    def note(self, update, learners):
        saved.append(update)
        save(self, update, learners)

    monkeypatch.setattr(Checkpoints, "save", note)
    _, folder = go("run")
    assert saved == [9, 18, 23]  # every 7, rounded up to log points; and the end
    assert checkpoints_module.KEPT == 2
    assert {path.name for path in folder.checkpoints.iterdir()} == {"18", "23"}


@pytest.mark.usefixtures("swept")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_checkpoint_is_refused(go):
    _, folder = go("run")
    for path in (folder.checkpoints / "23").rglob("*"):
        if path.is_file():
            path.write_bytes(b"garbage")
    with pytest.raises(InputError, match=r"checkpoints/23 cannot be read") as refusal:
        go("run", resume=True)
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("swept")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_checkpoint_of_another_size_is_refused(go, make_config):
    go("run")
    with pytest.raises(InputError, match="another configuration"):
        go("run", "num_seeds=3", resume=True)
