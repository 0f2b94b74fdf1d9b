"""An expert is trained once, gone on with if it was interrupted, and found again.

| mutant | fails |
|---|---|
| trained anew each time | test_an_expert_is_trained_once |
| another length of training shares the folder | test_an_expert_is_trained_once |
| the mean learner's return | test_an_expert_is_trained_once |
| played greedily alone | test_an_expert_is_trained_once |
| what is kept is believed | test_a_damaged_level_is_found_anew |
| an interrupted one starts again | test_an_interrupted_expert_is_gone_on_with |
| a policy of the learner best when drawn | test_its_policy_is_of_the_learner_* |
| learners that diverged are not left out | test_its_policy_is_of_the_learner_* |
| evaluated as it was asked for, not as it was settled | test_one_is_trained_and_plays |
"""

import json

import jax
import numpy as np
import pytest

from experiment.errors import OK, InputError
from experiment.evaluate import experts
from experiment.run.run_folder import RunFolder

NAME, PARAMS = "control/pendulum_swingup", {"max_steps_in_episode": 50}


@pytest.fixture
def calls(monkeypatch):
    """Training and playing that only say that they were asked."""
    calls = []

    def train(agent, config, folder, *, resume):
        calls.append(("train", config, folder.path, resume))
        folder.path.mkdir(parents=True, exist_ok=True)
        status = calls.status
        if not resume:
            folder.create(config)
        if status == OK:
            folder.write_summary({})
        return status

    def evaluate(folder, config, env_choice, request):
        assert env_choice.name == NAME and dict(env_choice.params) == PARAMS
        calls.append(("play", config, folder.path, request.greedy))
        seen = [6.0, 2.0, 5.0] if request.greedy else [1.0, 7.0, 3.0]
        return {"mean_return_per_seed": seen}

    class Calls(list):
        status = OK

    calls = Calls()
    monkeypatch.setattr(experts, "build_agent", lambda config: None)
    monkeypatch.setattr(experts, "train", train)
    monkeypatch.setattr(experts.evaluation, "evaluate", evaluate)
    return calls


def level(folder, steps=80_000):
    return experts.level(NAME, PARAMS, total_steps=steps, folder=folder)


def test_an_expert_is_trained_once(calls, tmp_path):
    assert level(tmp_path) == level(tmp_path) == 7.0
    assert [call[0] for call in calls] == ["train", "play", "play"]
    assert {call[3] for call in calls[1:]} == {False, True}
    _, config, path, _ = calls[0]
    assert config.env.name == NAME and config.core.name == "mlp"
    assert config.schedule.total_steps == 80_000
    assert json.loads((path / "expert.json").read_text())["expert"] == 7.0
    level(tmp_path, steps=160_000)
    assert calls[3][0] == "train" and calls[3][2] != path
    assert path.parent == calls[3][2].parent == tmp_path


@pytest.mark.usefixtures("quick_compilation")
def test_one_is_trained_and_plays(tmp_path):
    """Nothing is put in the place of training or of playing."""
    asked = (NAME, {"max_steps_in_episode": 5})
    sizes = {"total_steps": 64 * 128, "folder": tmp_path}
    with jax.numpy_rank_promotion("allow"):  # distrax's Gaussians need it
        found = experts.level(*asked, **sizes)
        action = experts.policy(*asked, **sizes)(np.zeros(3, np.float32))
    (kept,) = tmp_path.glob("*/expert.json")
    returns = json.loads(kept.read_text())
    assert found == returns["expert"] == max(returns["drawn"] + returns["likeliest"])
    assert np.isfinite(action).all() and np.shape(action) == (1,)


def test_an_interrupted_expert_is_gone_on_with(calls, tmp_path):
    calls.status = 130
    with pytest.raises(SystemExit) as stopped:
        level(tmp_path)
    assert stopped.value.code == 130
    calls.status = OK
    assert level(tmp_path) == 7.0
    assert [(call[0], call[3]) for call in calls] == [
        ("train", False),
        ("train", True),
        ("play", False),
        ("play", True),
    ]


def test_an_expert_that_only_has_to_be_played(calls, tmp_path):
    level(tmp_path)
    (calls[0][2] / "expert.json").unlink()
    assert RunFolder(calls[0][2]).summary.exists()
    assert level(tmp_path) == 7.0
    assert [call[0] for call in calls] == ["train", *["play"] * 4]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "[7.0]", "{}", '{"expert": null}', '{"expert": "7"}', "\0" * 100,
     '{"expert": true}', '{"expert": NaN}', '{"expert": Infinity}', "[" * 10**5,
     '{"expert": 1' + "0" * 400 + "}", "\udcff", "7" * 5000, "x" * 2**21],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_damaged_level_is_found_anew(calls, tmp_path, capsys, text):
    """It follows from what is in the folder, so nothing is lost."""
    level(tmp_path)
    played = calls[0][2] / "expert.json"
    whole = played.read_bytes()
    played.write_bytes(text.encode("utf-8", "surrogatepass"))
    capsys.readouterr()
    assert level(tmp_path) == 7.0
    assert [call[0] for call in calls] == ["train", *["play"] * 4]
    said = capsys.readouterr().err
    assert said.startswith(f"{played} is damaged and made anew: ")
    assert said.count("\n") == 1 and played.read_bytes() == whole
    assert level(tmp_path) == 7.0 and not capsys.readouterr().err


def test_a_level_that_is_no_file_is_refused(calls, tmp_path):
    """Nothing that is not ours is replaced."""
    level(tmp_path)
    played = calls[0][2] / "expert.json"
    played.unlink()
    played.mkdir()
    with pytest.raises(InputError, match=r"expert\.json cannot be written"):
        level(tmp_path)


@pytest.mark.parametrize("sick, best", [(None, 0), (0, 1)])
def test_its_policy_is_of_the_learner_best_by_likeliest_actions(
    calls, tmp_path, monkeypatch, sick, best
):
    """One that diverged plays no more, and the others keep their numbers."""
    asked = []
    monkeypatch.setattr(
        experts.teachers, "policy", lambda run, seed: asked.append(seed)
    )
    level(tmp_path)
    path = calls[0][2]
    if sick is not None:
        found = experts.divergence.Divergence(sick, 3, "loss", 2)
        learners = {"w": np.zeros((3, 1))}
        experts.divergence.keep(path / "diverged", found, learners, {})
        returns = {"drawn": [7.0, 3.0], "likeliest": [6.0, 5.0], "expert": 7.0}
        (path / "expert.json").write_text(json.dumps(returns))
    experts.policy(NAME, PARAMS, total_steps=80_000, folder=tmp_path)
    assert asked == [best] and [call[0] for call in calls] == ["train", "play", "play"]
