"""`python -m envs`: what is listed and printed is what the environments do.

Mutants, and the test that fails for each:

    jax imported at the top of catalogue.py        answers_without_jax
    an unknown parameter is dropped                answers_without_jax
    aliases left out of the list                   every_name
    status 0 after an error                        refused_in_a_sentence
    the step limit of the defaults                 a_gif_has_a_frame
    one step too many is played                    a_gif_has_a_frame
    the action drawn with the step's key           hand_written_steps
    `step`'s observation, not the final one        hand_written_steps
    the last state is `step`'s                     the_last_state
    frames every 2 * stride steps                  evenly_spaced
    no state dropped                               evenly_spaced
    the last frame is not drawn                    a_gif_has_a_frame, evenly_spaced
    a sheet draws every frame                      a_sheet_shows
    rewards printed with two digits                add_up
    the previous action as (column, row)           battleship_says
    diamonds and clubs changed places              suits_are_those
    start and exit look alike                      words_tell_everything_apart
"""

import functools
import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

import envs
from envs.__main__ import main
from envs.drawing import gymnax as gymnax_render
from envs.popgym import table, words
from envs.show import catalogue, playback
from envs.suites.table import SUITES

pytestmark = pytest.mark.usefixtures("quick_compilation")

ROOT = Path(__file__).parents[3]
HEAVY = ("jax", "flax", "gymnax", "matplotlib", "PIL")
PROGRAM = f"""
import sys
from envs.__main__ import main
status = main(sys.argv[1:])
print(*[name for name in {HEAVY} if name in sys.modules], sep=",", file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--help"], 0, "python -m envs NAME"),
        (["popgym_battelship_easy"], 2, "did you mean 'popgym_battleship_easy'"),
        (["memory_chain", "memry_length=3"], 2, "did you mean 'memory_length'"),
    ],
)
def test_answers_without_jax(arguments, status, said):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    *errors, imported = done.stderr.splitlines()
    assert imported == "", imported
    assert said in (errors[0] if status else done.stdout)
    assert len(errors) == (1 if status else 0) and bool(done.stdout) == (status == 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["memory_chian", "memory_length=3"], "did you mean 'memory_chain'"),
        (["memory_chain", "seed"], "must be key=value; got 'seed'"),
        (["memory_chain", "seed=one"], "seed must be an integer of at least 0"),
        (["memory_chain", "steps=0"], "steps must be an integer of at least 1"),
        (["memory_chain", "out=film.mp4"], "out must end in .gif or .png"),
        (["memory_chain", "env.memory_length=0"], "must be positive; got 0"),
        (["gymnax/CartPole-v1", "gravty=1.0"], "did you mean 'gravity'"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments, said, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert said in err and err.startswith("error: ") and err.count("\n") == 1
    assert out == ""


def listed(text):
    """Columns of each line of the list, by name."""
    header, *rows = text.splitlines()
    assert tuple(header.split()) == catalogue.HEADER
    return [re.split(r"\s{2,}", row.strip(), maxsplit=6) for row in rows]


def test_every_name_is_listed_once_with_what_is_known_of_it(capsys):
    assert main([]) == 0
    rows = listed(capsys.readouterr().out)
    assert [row[0] for row in rows] == list(envs.names())
    table_of = {name: rest for name, *rest in rows}
    for name, want in {
        "memory_chain": ["3", "2", "101", "0", "1"],  # time left, query, one bit
        "t_maze": ["2", "2", "101", "0", "1"],  # cue, junction
        "popgym_battleship_easy": ["20", "64", "64", "-0.45", "1"],  # 2 + 8 + 8 + 2
        "popgym_position_only_pendulum_hard": ["5", "1 real", "100", "0.246", "0.813"],
        "gymnax/FrozenLake-misc": ["one of 16", "4", "100", "0.01", "-"],
        "gymnax/Breakout-MinAtar": ["10x10x4", "3", "1000", "0.39", "-"],
        "gymnax/MNISTBandit-bsuite": ["-", "-", "-", "-", "1"],
        "custom": ["-"] * 5,
    }.items():
        assert table_of[name][:5] == want, name
    for alias, name in table.ALIASES.items():
        *numbers, measures = table_of[alias]
        assert numbers == table_of[name][:5] and measures == f"another name of {name}"
    measured = {name: rest[-1] for name, rest in table_of.items()}
    for name, measures in measured.items():  # what is not ours may lack something
        of_suite = name.partition("/")[0] in SUITES or name == "projected_dmc"
        assert of_suite or "cannot be built" not in measures
    for name in set(envs.names()) - set(table.ALIASES):
        assert measured[name].startswith(envs.spec(name).measures)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("MemoryChain", ["gymnax/MemoryChain-bsuite"]),  # a part of a name
        ("gymnax/*swim*", ["gymnax/Swimmer-misc"]),
        ("popgym_battleship_?a*", ["popgym_battleship_easy", "popgym_battleship_hard"]),
    ],
)
def test_a_part_of_a_name_lists_what_has_it(pattern, found, capsys):
    assert main([pattern]) == 0
    assert [row[0] for row in listed(capsys.readouterr().out)] == found


SEED = 3
EPISODES = {  # name: parameters
    "popgym_minesweeper_easy": {},
    "popgym_position_only_pendulum_easy": {"max_steps_in_episode": 9},
}


@functools.cache
def by_hand(name):
    """An episode as gymnax's own loop plays it: `(obs, action, reward, flags)` each."""
    env, params = envs.make(name, **EPISODES[name])
    key, reset_key = jax.random.split(jax.random.key(SEED))
    _, state = env.reset(reset_key, params)
    rows = []
    while not rows or not (rows[-1][3] or rows[-1][4]):
        key, act_key, step_key = jax.random.split(key, 3)
        action = env.action_space(params).sample(act_key)
        _, state, reward, terminated, truncated, info = env.step(
            step_key, state, action, params
        )
        row = info["final_observation"], action, reward, terminated, truncated
        rows.append(jax.tree.map(np.asarray, row))
    return rows


@functools.cache
def played(name):
    env, params = envs.make(name, **EPISODES[name])
    return list(playback.play(env, params, seed=SEED, max_steps=1000))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", EPISODES)
def test_an_episode_is_the_one_of_hand_written_steps(name):
    moments = played(name)
    total = 0.0
    for moment, want in zip(moments[1:], by_hand(name), strict=True):
        got = (moment.obs, moment.action, moment.reward)
        for mine, theirs in zip(got, want[:3], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)
        assert (moment.terminated, moment.truncated) == tuple(map(bool, want[3:]))
        total += float(want[2])
    assert moments[-1].total == pytest.approx(total)
    assert [moment.time for moment in moments] == list(range(len(moments)))


@pytest.mark.parametrize("name", EPISODES)
def test_the_last_state_is_where_it_ended_and_not_the_next_beginning(name):
    for moment in played(name):
        assert int(moment.state.time) == moment.time
    assert moment.ended


@pytest.mark.parametrize("at_most", [2, 5, 8])
def test_frames_are_evenly_spaced_and_never_too_many(at_most):
    for length in range(1, 40):
        recording = playback.Recording(at_most)
        for time in range(length):
            recording.add(playback.Moment(time, obs=None, state=time))
        times = [moment.time for moment in recording.frames()]
        assert times[0] == 0 and times[-1] == length - 1 and len(times) <= at_most
        assert set(np.diff(times[:-1])) <= {recording.stride}
        assert times[-1] - times[-2] <= recording.stride if length > 1 else True
        # As many as fit: with half the stride there would have been too many.
        halved = len(range(0, length - 1, max(1, recording.stride // 2))) + 1
        assert recording.stride == 1 or halved > at_most
        kept = [m.time for m in recording.moments if m.state is not None]
        assert kept == times


def steps(text):
    """The lines of the steps: `(step, reward)`, and the return at the end."""
    lines = re.findall(r"^ +(\d+)  .*?([-+][\d.e-]+|0)$", text, re.MULTILINE)
    (total,) = re.findall(r"^return (\S+) after", text, re.MULTILINE)
    return [(int(step), float(reward)) for step, reward in lines], float(total)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", EPISODES)
def test_printed_rewards_add_up_to_the_printed_return(name, capsys, tmp_path):
    given = [f"{key}={value}" for key, value in EPISODES[name].items()]
    assert main([name, *given, f"seed={SEED}", f"out={tmp_path / 'sheet.png'}"]) == 0
    rewards, total = steps(capsys.readouterr().out)
    hand = [float(step[2]) for step in by_hand(name)]
    assert [step for step, _ in rewards] == list(range(len(hand)))
    np.testing.assert_allclose([reward for _, reward in rewards], hand, rtol=1e-5)
    assert total == pytest.approx(sum(hand), rel=1e-5)


def test_a_gif_has_a_frame_for_each_moment_until_the_episode_is_left(capsys, tmp_path):
    out = tmp_path / "new" / "chain.gif"
    given = ["env.memory_length=9", "steps=5", f"out={out}"]
    assert main(["memory_chain", *given]) == 0
    said = capsys.readouterr().out
    assert "at most 10 steps" in said and "(the episode goes on" in said
    assert len(steps(said)[0]) == 5 and f"6 of 6 moments drawn: {out}" in said
    with Image.open(out) as film_:
        assert film_.n_frames == 6 and film_.size == (320, 380)


def test_a_sheet_shows_sixteen_moments(capsys, tmp_path, monkeypatch):
    drawn = []
    render = gymnax_render.render
    monkeypatch.setattr(
        gymnax_render, "render", lambda *args: drawn.append(args) or render(*args)
    )
    out = tmp_path / "sheet.png"
    given = ["memory_length=30", f"out={out}"]
    assert main(["memory_chain", *given]) == 0
    assert "16 of 32 moments drawn" in capsys.readouterr().out
    assert len(drawn) == 17  # one more to see whether it can be drawn
    with Image.open(out) as sheet:
        assert sheet.size == (4 * 326 + 6, 4 * 386 + 6)


def test_battleship_says_where_it_shot():
    env, params = envs.make("popgym_battleship_easy")
    board = np.zeros((8, 8), bool)
    board[3, 5] = True
    obs, state = env.state_from({"board": board}, params)
    assert words.observation(env, np.asarray(obs), first=True) == "miss  start"
    obs, *_ = env.step_env(jax.random.key(0), state, 3 * 8 + 5, params)
    said = words.observation(env, np.asarray(obs), first=False)
    assert said == "hit  after (3, 5)" and words.action(env, 29) == "(3, 5)"


@pytest.mark.parametrize("family", table.FAMILIES)
def test_words_tell_everything_apart(family):
    """Labels are read back from their one-hots; no two actions are called the same."""
    env, _ = envs.make(f"popgym_{family}_easy", previous_action=False)
    if not env.label_axes:
        return
    actions = {words.action(env, i) for i in range(env.num_actions)}
    assert len(actions) == env.num_actions
    axes = env.label_axes
    if family.startswith("labyrinth"):  # its last entry repeats the previous action
        axes = axes[:-1]
    labels = {
        tuple(value if i == place else 0 for i in range(len(env.label_axes)))
        for place, size in enumerate(axes)
        for value in range(size)
    }
    said = {
        words.observation(env, np.asarray(env.encode(np.array(label))), first=False)
        for label in labels
    }
    assert len(said) == len(labels)


def test_suits_are_those_of_popgym():
    """popgym deals spades, diamonds, clubs, hearts ("s", "d", "c", "h")."""
    env, params = envs.make("popgym_repeat_first_easy")
    suits = np.arange(52) % 4
    obs, state = env.state_from({"suits": suits}, params)
    said = []
    for action in range(4):
        said.append(words.observation(env, np.asarray(obs), first=action == 0)[0])
        obs, state, *_ = env.step_env(jax.random.key(0), state, action, params)
    assert "".join(said) == "\N{BLACK SPADE SUIT}\N{BLACK DIAMOND SUIT}" + (
        "\N{BLACK CLUB SUIT}\N{BLACK HEART SUIT}"
    )
