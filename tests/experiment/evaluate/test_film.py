"""`evaluate.py film=true` draws what the learner itself does.

| mutant | fails |
|---|---|
| actions are drawn at random | test_it_is_the_learner_that_plays |
| memory is not passed on | test_it_is_the_learner_that_plays |
| the reward of the step before is written | test_it_is_the_learner_that_plays |
| `trials=` is dropped | test_it_is_the_learner_that_plays |
| a trial's last step counts for the one before | test_parts_are_trials |
| one frame in two is left out | test_every_moment_is_a_frame |
| the first rows only are drawn | test_every_moment_is_a_frame |
| the class's name stands above a picture | test_a_picture_has_one_count |
| steps of the meta-episode are counted | test_a_picture_has_one_count, test_steps_are |
| of a trial that was cut, a length is said | test_steps_are_counted |
"""

import csv
import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import envs
import evaluate
import experiment
from envs.drawing import picture
from envs.show import parts, playback, words
from experiment.evaluate import film as films
from tests.experiment import untrained

pytestmark = pytest.mark.usefixtures("quick_compilation")

TRIALS, STEPS = 3, 4
GAMES = [name for name in envs.names() if name.startswith("popgym_")]
DRAWN = [
    *("memory_chain", "t_maze", "dark_key_to_door", "meta_bandit", "meta_cartpole"),
    *("meta_tabular_mdp", "projected_control", "random_control", "random_world"),
    *(name for name in envs.names() if name.startswith("control/")),
    *(name for name in GAMES if name.endswith("_easy")),
    *("gymnax/CartPole-v1", "gymnax/Acrobot-v1", "gymnax/MountainCar-v0"),
    *("gymnax/Pendulum-v1", "gymnax/FourRooms-misc", "gymnax/PointRobot-misc"),
    "gymnax/Breakout-MinAtar",
]


@pytest.fixture
def film(call):
    """`(run, *arguments) -> (folder, result, rows, printed)`."""

    def film(run, *arguments):
        status, printed, errors = call(evaluate, f"run={run}", "film=true", *arguments)
        assert status == 0, errors
        folder = Path(printed.split(" written to ")[1].strip())
        result = json.loads((folder / "result.json").read_text())
        with (folder / "steps.csv").open() as file:
            rows = list(csv.DictReader(file))
        return folder, result, rows, printed

    return film


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "room"
    return untrained.keep(path, *untrained.ROOM)


@pytest.fixture(scope="module")
def filmed(room, tmp_path_factory):
    """A film of three trials, memory and all: `(folder, result, rows)`."""
    evaluate.evaluate(
        {
            "run": str(room), "film": True, "trials": TRIALS, "seed": 5,
            "memory_norm": True,
        }
    )  # fmt: skip
    (folder,) = (room / "evaluations").iterdir()
    with (folder / "steps.csv").open() as file:
        rows = list(csv.DictReader(file))
    return folder, json.loads((folder / "result.json").read_text()), rows


def test_it_is_the_learner_that_plays(room, filmed):
    """Played again by hand: seed and actions say all; the learner would do the same."""
    _, _, rows = filmed
    trained = experiment.load(str(room))
    env, params = envs.make("dark_room", num_trials=TRIALS, trial_steps=STEPS, size=3)
    key, reset_key = jax.random.split(jax.random.key(5))
    obs, state = jax.jit(env.reset)(reset_key, params)
    carry, opens = trained.initial_carry(1), jnp.ones(1, bool)
    step = jax.jit(env.step)
    assert len(rows) == TRIALS * STEPS
    paid = [float(row["reward"]) for row in rows]
    assert 0 < sum(paid) < len(paid)  # or nothing would be seen of when it was paid
    for row in rows:
        key, act_key, step_key = jax.random.split(key, 3)
        carry, action = trained.act(carry, obs[None], opens, act_key, greedy=False)
        opens = jnp.zeros(1, bool)
        assert int(row["action"]) == int(action[0])
        norm = np.sqrt(sum(float((x**2).sum()) for x in jax.tree.leaves(carry)))
        np.testing.assert_allclose(float(row["memory"]), norm, rtol=1e-4)
        obs, state, reward, *_ = step(step_key, state, action[0], params)
        assert float(row["reward"]) == float(reward)


def test_trials_add_up(filmed):
    _, result, rows = filmed
    (episode,) = result["episodes"]
    by_trial = [
        sum(float(row["reward"]) for row in rows if int(row["trial"]) == trial + 1)
        for trial in range(TRIALS)
    ]
    assert episode["trial_returns"] == by_trial
    assert episode["length"] == TRIALS * STEPS and episode["terminated"]
    assert episode["return"] == sum(by_trial) == float(rows[-1]["return"])
    assert {row["name"] for row in rows} <= {"stay", "up", "down", "left", "right"}


def test_every_moment_is_a_frame(filmed):
    folder, *_ = filmed
    with Image.open(folder / "film.gif") as gif:
        assert gif.n_frames == TRIALS * STEPS + 1
        width, height = gif.size
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.size == (4 * (width + 6) + 6, TRIALS * (height + 24 + 6) + 6)


def test_a_picture_has_one_count_and_the_name_that_was_asked_for(
    room, film, monkeypatch
):
    """The count is of the trial's steps, as on the sheet and in its rows."""
    said, captioned = [], picture.captioned
    monkeypatch.setattr(
        picture, "captioned", lambda *args: said.append(args[1:]) or captioned(*args)
    )
    film(room, f"trials={TRIALS}")
    assert {title for _, title in said} == {"dark_room"}
    counts = [
        re.match(r"trial \d+    step \d+ of \d+\b", lines[0])[0] for lines, _ in said
    ]
    want = [
        f"trial {trial}    step {step} of {STEPS}"
        for trial in range(1, TRIALS + 1)
        for step in range(1, STEPS + 1)
    ]
    assert counts == [f"trial 1    step 0 of {STEPS}", *want, *want]


def test_steps_are_counted_in_their_trial():
    recording = recorded([0] * 7, ends=(1, 5))
    said = [recording.step(moment) for moment in recording.moments]
    assert said[:3] == [*(f"trial 1    step {n} of 1" for n in (0, 1)),
                        "trial 2    step 1 of 4"]  # fmt: skip
    assert said[5:] == [
        "trial 2    step 4 of 4", "trial 3    step 1", "trial 3    step 2"
    ]  # fmt: skip
    alone = playback.Recording(10)
    for time in range(3):
        alone.add(playback.Moment(time, obs=None, state=time, terminated=time == 2))
    assert [alone.step(moment) for moment in alone.moments] == [
        "step 0 of 2", "step 1 of 2", "step 2 of 2"
    ]  # fmt: skip


def recorded(rewards, ends):
    """A meta-episode of made-up moments, whose trials end at these steps."""
    recording, trial = playback.Recording(1000), 0
    recording.add(playback.Moment(0, obs=None, state=0))
    for time, reward in enumerate(rewards, 1):
        ended = time in ends
        given = dict(action=np.int32(time % 2), reward=reward, trial=trial)
        recording.add(
            playback.Moment(time, obs=None, state=time, trial_ended=ended, **given)
        )
        trial += ended
    return recording


def test_parts_are_trials():
    found = parts.of([recorded([1, 2, 3, 4, 5, 6], ends=(1, 4, 6))])
    assert [part.earned for part in found] == [1, 9, 11]
    outcome = films._outcome(recorded([1, 2, 3, 4, 5, 6], ends=(1, 4, 6)).moments)
    assert outcome["trial_returns"] == [1, 9, 11]
    # Each decision stands beside what was seen when it was made.
    seen = [[before.state for before, _ in part.decisions] for part in found]
    assert seen == [[0], [1, 2, 3], [4, 5]]
    assert found[1].title(None) == "trial 2: return 9 in 3 steps; 0, 1, 0"


def test_trials_of_one_decision_are_parts_together():
    found = parts.of([recorded(range(100), ends=range(1, 101))])
    assert len(found) == 15 and len(found[0].decisions) == 7
    assert (
        found[1].title(None)
        == "trial 8 to 14: return 70 in 7 steps; 0, 1, 0, 1, 0, 1, 0"
    )
    assert sum(part.earned for part in found) == sum(range(100))


def test_each_episode_is_drawn_as_itself():
    """Over time, where nothing else can draw it: every row is of its own episode."""

    def episode(*seen):
        recording = playback.Recording(10)
        for time, value in enumerate(seen):
            given = dict(action=np.int32(0), reward=1.0) if time else {}
            obs = np.array([value, value**2], np.float32)
            recording.add(playback.Moment(time, obs=obs, state=time, **given))
        return recording

    def rows(*episodes):
        image = np.asarray(parts.sheet(object(), None, episodes, "name"))
        return np.split(image[: len(image) // 2 * 2], 2)

    one, two, other = episode(0, 1, 2), episode(5, 1, 7), episode(9, 0, 3)
    both = rows(one, two)
    np.testing.assert_array_equal(both[0], rows(one, other)[0])
    np.testing.assert_array_equal(both[1], rows(other, two)[1])
    assert (both[1] != rows(one, other)[1]).any()


def test_where_trials_begin_and_end_is_kept():
    recording = playback.Recording(10)
    for moment in recorded([0] * 99, ends=range(7, 99, 7)).moments:
        recording.add(moment)
    kept = {moment.time for moment in recording.moments if moment.state is not None}
    assert {*range(7, 99, 7)} | {*range(6, 98, 7)} <= kept and len(kept) < 40


def test_what_was_done_is_told_shortly():
    env, _ = envs.make("dark_room")
    done = [np.int32(action) for action in (1, 4, 4, 0, 0, 0)]
    assert words.did(env, done) == "up, right \u00d72, stay \u00d73"
    assert words.did(env, done * 9) == "stay \u00d727, right \u00d718, up \u00d79"
    bodies = [np.float32([1, -3]), np.float32([0, 0])]
    assert words.did(env, bodies) == "mean size of actions 1.00"


@pytest.mark.slow
def test_several_episodes_stand_in_a_row_each(tmp_path, film):
    run = untrained.keep(tmp_path / "run", "env=memory_chain", "env.memory_length=3")
    folder, result, rows, printed = film(run, "episodes=2", "seed=3")
    assert [row["episode"] for row in rows] == ["1"] * 4 + ["2"] * 4
    assert [episode["length"] for episode in result["episodes"]] == [4, 4]
    assert "episode 2: return " in printed
    with Image.open(folder / "film.gif") as gif:
        assert gif.n_frames == 10
        height = gif.size[1]
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.size[1] == 2 * (height + 30) + 6
    alone = film(run, "seed=4")[2]
    assert [row["action"] for row in alone] == [row["action"] for row in rows[4:]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["transfer=true"], "two evaluations"),
        (["film=1"], "film must be true or false"),
        (["tasks=5"], "set transfer=true"),
        (["trials=0"], "trials must be at least 1; got 0"),
        (["learner=1"], "learner must be one of 0"),
        (["episodes=0"], "episodes must lie in [1, 100]; got 0"),
    ],
)
def test_what_cannot_be_is_refused(arguments, said, room, refused):
    film = [] if arguments[0].startswith("film") else ["film=true"]
    assert said in refused(evaluate, f"run={room}", *film, *arguments)


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_every_family_gives_a_film(name, tmp_path, film):
    run = untrained.keep(tmp_path / "run", f"env={name}")
    folder, _, rows, _ = film(run, "steps=4")
    with Image.open(folder / "film.gif") as gif:
        assert len(rows) <= gif.n_frames <= len(rows) + 1
        frames = []
        for at in range(gif.n_frames):
            gif.seek(at)
            frames.append(np.asarray(gif.convert("RGB"))[: -picture.CAPTION])
    assert any((frame != frames[0]).any() for frame in frames[1:])
    with Image.open(folder / "sheet.png") as sheet:
        assert np.asarray(sheet).std() > 10
