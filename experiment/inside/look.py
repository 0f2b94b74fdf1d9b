"""What a trained memory holds: `python evaluate.py run=RUN_DIR memory=true`.

`<run>/evaluations/memory-<time>/` holds states.csv (a row for each state of a layer
whose states decay each at a rate of its own), readout.csv (what a linear probe reads of
the start of an episode, step by step), recall.csv (what actions hang on, by lag), their
pictures, result.json and report.html. Every learner has numbers of its own.
"""

from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

import s5rl
from experiment import files
from experiment.evaluate.players import players
from experiment.inside import bits, figures, lags, probe, report, states, tables
from experiment.inside.bits import Bit
from experiment.inside.lags import Lags
from experiment.inside.played import Played, looked_at, play, walk
from experiment.inside.probe import Readout
from experiment.inside.states import States
from experiment.run.progress import waiting
from experiment.run.run_folder import RunFolder
from experiment.setup.building import computing
from experiment.setup.config import RunConfig
from experiment.setup.request import MemoryRequest
from experiment.setup.sections import EnvChoice


class Looked(NamedTuple):
    """What was found of one learner."""

    learner: int  # its number
    played: Played
    steps: np.ndarray  # [Q] at which memory was looked at
    layers: list[States | None]  # None of a layer without such states
    bits: list[Bit]
    readout: Readout | None  # None where there is no bit
    lags: Lags


def evaluate(
    folder: RunFolder, whole: RunConfig, env_choice: EnvChoice, request: MemoryRequest
) -> dict[str, Any]:
    """Plays, looks, prints and writes to `<run>/evaluations/memory-<time>/`.

    Returns:
      The result, as it stands in result.json.

    Raises:
      InputError: if there is no usable checkpoint, or the network cannot read the
        environment's observations or make its actions.
    """
    _, config, agent, (update, learners, seeds) = players(
        folder, whole, request.setting, env_choice
    )
    # Of all learners the same, so that they play the same starts: of a kind of its own.
    key = jax.random.fold_in(jax.random.key(request.seed), 0x3E3)
    looked = []
    for place, number in enumerate(seeds):
        learner = jax.tree.map(lambda x, place=place: x[place], learners.acting)
        said = f"looking into memory of learner {number}"
        with waiting(said), computing(config):
            looked.append(look(agent, learner, key, request, number))
    result = {
        "env": env_choice.name,
        "env_params": dict(env_choice.params),
        "core": config.core.name,
        "agent": config.agent.name,
        "checkpoint_update": update,
        "episodes": request.episodes,
        "seed": request.seed,
        "greedy": request.greedy,
        "steps": len(looked[0].played.inside),
        "cut": looked[0].played.cut,
        "learners": seeds,
        **tables.summary(looked),
    }
    time = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    path = folder.evaluations / f"memory-{time}"
    with waiting("drawing"), files.new_folder(path) as place:
        files.write_json(place / "result.json", result)
        tables.write(place, looked)
        pictures = figures.draw(place, looked, result)
        report.write(place / "report.html", looked, result, pictures)
    print("\n".join(report.sentences(looked, result)))
    print(f"written to {path}")
    return result


def look(
    agent: Any, learner: Any, key: jax.Array, request: MemoryRequest, number: int
) -> Looked:
    """Everything that is found of one learner; `key` is consumed."""
    played = play(agent, learner, key, request)
    core = agent.network.core
    parameters = learner.params["params"].get("core", {})  # of some memories, none
    modes = s5rl.modes(core, {"params": parameters})
    steps = looked_at(played)
    kept = [
        mode and states.lanes(len(mode.multiplier), len(steps), request.episodes)
        for mode in modes
    ]

    def see(carry, inside):
        layers = s5rl.layer_states(core, carry)
        few = [layer[:n] for layer, n in zip(layers, kept, strict=True) if n]
        return probe.products(carry, inside), few

    walked = jax.jit(partial(walk, agent, stride=played.stride, see=see))
    recording, whole = played.recording, jax.numpy.asarray(played.inside)
    grams, seen = jax.device_get(walked(learner, recording, whole))
    inside = played.inside[steps]
    left = iter(seen)
    layers = [
        mode and states.states(mode, next(left)[inside[:, :n]])
        for mode, n in zip(modes, kept, strict=True)
    ]
    found = bits.bits(played.recording)
    readout = None
    if found:
        labels = np.stack([bit.values for bit in found], axis=1)
        readout = probe.read_out(grams, inside, labels)
    known = lags.lags(agent, learner, played)
    return Looked(number, played, steps, layers, found, readout, known)
