"""A trained learner as it plays, drawn: `python evaluate.py run=RUN_DIR film=true`.

`<run>/evaluations/film-<time>/` holds film.gif, sheet.png, steps.csv (a row for each
step: what was done and what it paid) and result.json. The seed and the actions are
enough to play the same episode again (`envs.show.playback.play` says with which keys).
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import envs
from envs.drawing import picture
from envs.show import film, parts, playback, words
from envs.show.playback import Moment, Recording
from experiment import files
from experiment.errors import InputError
from experiment.evaluate.players import players
from experiment.run import outcome
from experiment.run.progress import waiting
from experiment.run.run_folder import RunFolder
from experiment.setup.building import computing
from experiment.setup.config import RunConfig
from experiment.setup.request import FilmRequest
from experiment.setup.sections import EnvChoice, override_env

FRAMES = 256  # of a film, about; a meta-episode of Dark Room has 201 moments
TRIALS = "num_trials"  # a meta-environment's parameter


class Learned:
    """A learner as `envs.show.playback.Actor`: one lane of it."""

    def __init__(self, agent: Any, learner: Any, greedy: bool):
        """Nothing is computed yet.

        Args:
          agent: of the run.
          learner: one of its learners.
          greedy: the likeliest action instead of a drawn one.
        """
        self._agent, self._learner, self._greedy = agent, learner, greedy
        self.memory = agent.initial_carry(1)

    def act(self, memory: Any, obs: Any, opens: Array, key: Array) -> tuple[Any, Any]:
        """`(memory, action)`."""
        lane = jax.tree.map(lambda x: jnp.asarray(x)[None], obs)
        memory, action = self._agent.act(
            self._learner, memory, lane, opens[None], key, self._greedy
        )
        return memory, action[0]


def evaluate(
    folder: RunFolder, whole: RunConfig, env_choice: EnvChoice, request: FilmRequest
) -> dict[str, Any]:
    """Plays, draws and writes to `<run>/evaluations/film-<time>/`.

    Returns:
      The result, as it stands in result.json.

    Raises:
      InputError: if there is no usable checkpoint or no such learner, the network does
        not fit the environment, or nothing is there to draw with.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(
            "film=true draws with the package matplotlib, which is not installed; "
            'install it with pip install -e ".[train]".'
        )
    choice = _with_trials(env_choice, request)
    setting, config, agent, (_, learners, seeds), facts = players(
        folder, whole, request.setting, choice
    )
    number = request.learner
    if number is None:
        row = setting if whole.sweep else None
        best = outcome.best_of(folder, row, seeds)
        number = seeds[0] if best is None else best
    if number not in seeds:
        listed = ", ".join(map(str, seeds))
        raise InputError(
            f"learner must be one of {listed}, of {folder.path}; got {number}."
        )
    learner = jax.tree.map(lambda x: x[seeds.index(number)], learners)
    with waiting("playing"), computing(config):
        recordings = _played(agent, learner, request)
    result = {
        **facts,
        "learner": number,
        "seed": request.seed,
        "greedy": request.greedy,
        "episodes": [_outcome(recording.moments) for recording in recordings],
    }
    with waiting("drawing"):
        path = _write(folder, result, agent, recordings)
    for line in _lines(agent.env, recordings):
        print(line)
    print(f"film.gif, sheet.png and steps.csv written to {path}")
    return result


def _with_trials(choice: EnvChoice, request: FilmRequest) -> EnvChoice:
    if request.trials is None:
        return choice
    if not envs.spec(choice.name).splits:
        raise InputError(f"trials= is of meta-environments; {choice.name} is none.")
    return override_env(choice, {TRIALS: request.trials, "step_budget": None})


def _played(agent: Any, learner: Any, request: FilmRequest) -> list[Recording]:
    actor = Learned(agent, learner, request.greedy)
    recordings = []
    for episode in range(request.episodes):
        recording = Recording(max(2, FRAMES // request.episodes))
        for moment in playback.play(
            agent.env,
            agent.env_params,
            seed=request.seed + episode,
            max_steps=request.steps,
            actor=actor,
        ):
            shown = moment if request.memory_norm else replace(moment, memory=None)
            recording.add(shown)
        recordings.append(recording)
    return recordings


def _outcome(moments: Sequence[Moment]) -> dict[str, Any]:
    """What an episode paid, and each of its trials."""
    last = moments[-1]
    found = {
        "return": last.total,
        "length": last.time,
        "terminated": last.terminated,
        "truncated": last.truncated,
    }
    if last.trial is not None:
        trials = np.zeros(last.trial + 1)
        for moment in moments[1:]:
            trials[moment.trial or 0] += moment.reward or 0
        found["trial_returns"] = trials.tolist()
    return found


def _write(
    folder: RunFolder, result: dict[str, Any], agent: Any, recordings: list[Recording]
) -> Path:
    env, params = agent.env, agent.env_params
    path = folder.new_evaluation("film")
    frames = [
        frame
        for recording in recordings
        for frame in film.frames(env, params, recording, result["env"])
    ]
    with files.new_folder(path) as place:
        files.write_json(place / "result.json", result)
        files.write_csv(place / "steps.csv", _rows(env, recordings))
        picture.save(frames, place / "film.gif")
        sheet = parts.sheet(env, params, recordings, result["env"])
        sheet.save(place / "sheet.png")
    return path


def _rows(env: Any, recordings: list[Recording]) -> list[Sequence[Any]]:
    """Of steps.csv: an action of several numbers has them side by side in one cell."""
    columns = ("episode", "step", "trial", "action", "name", "reward", "return",
               "terminated", "truncated", "memory")  # fmt: skip
    rows: list[Sequence[Any]] = [columns]
    for episode, recording in enumerate(recordings, 1):
        for moment in recording.moments[1:]:
            done = np.ravel(moment.action)
            rows.append(
                (
                    episode,
                    moment.time,
                    "" if moment.trial is None else moment.trial + 1,
                    " ".join(repr(x.item()) for x in done),
                    words.action(env, moment.action),
                    moment.reward,
                    moment.total,
                    int(moment.terminated),
                    int(moment.truncated),
                    "" if moment.memory is None else moment.memory,
                )
            )
    return rows


def _lines(env: Any, recordings: list[Recording]) -> list[str]:
    """What is said of each part; of many, of the first and the last."""
    found = [part.title(env) for part in parts.of(recordings)]
    if len(found) > 20:
        found = [*found[:10], f"... {len(found) - 20} more ...", *found[-10:]]
    return found
