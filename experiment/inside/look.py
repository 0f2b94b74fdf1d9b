"""What a trained memory holds: `python evaluate.py run=RUN_DIR memory=true`.

`<run>/evaluations/memory-<time>/` holds states.csv (a row for each state of a layer
whose states decay each at a rate of its own), readout.csv (what a linear probe reads of
the start of an episode, step by step), recall.csv (what actions hang on, by lag), their
pictures, result.json, manifest.json and report.html. Every learner has its own numbers.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import s5rl
from experiment import files
from experiment.errors import InputError
from experiment.evaluate.players import players
from experiment.inside import bits, figures, lags, probe, report, states, tables, words
from experiment.inside.found import Looked
from experiment.inside.played import STEPS, first_episodes, looked_at, walk
from experiment.run import manifest
from experiment.run.progress import waiting
from experiment.run.run_folder import RunFolder
from experiment.setup import needs
from experiment.setup.building import computing
from experiment.setup.config import RunConfig
from experiment.setup.request import MemoryRequest
from experiment.setup.sections import EnvChoice


def evaluate(
    folder: RunFolder, whole: RunConfig, env_choice: EnvChoice, request: MemoryRequest
) -> dict[str, Any]:
    """Plays, looks, prints and writes to `<run>/evaluations/memory-<time>/`.

    Returns:
      The result, as it stands in result.json.

    Raises:
      InputError: if there is no usable checkpoint, the network cannot read the
        environment's observations or make its actions, or it has no memory.
    """
    _, config, agent, (_, learners, seeds), facts = players(
        folder, whole, request.setting, env_choice
    )
    if not jax.tree.leaves(agent.initial_carry(1)):
        raise InputError(
            f"memory=true looks into what an agent remembers; core={config.core.name} "
            "remembers nothing."
        )
    needs.check_played(
        config,
        agent,
        jax.tree.map(lambda x: x[:1], learners.acting),  # one after another
        {"episodes": request.episodes},
        {"steps": request.steps},
    )
    looked, looker = [], Looker(agent, request)
    for place, number in enumerate(seeds):
        learner = jax.tree.map(lambda x, place=place: x[place], learners.acting)
        said = f"looking into memory of learner {number}"
        with waiting(said), computing(config):
            looked.append(looker.look(learner, number))
    result = {
        **facts,
        "episodes": request.episodes,
        "seed": request.seed,
        "greedy": request.greedy,
        "steps": tables.length(looked),
        "cut": sum(one.played.cut for one in looked),
        "learners": seeds,
        **tables.summary(looked),
    }
    path = folder.new_evaluation("memory")
    with waiting("drawing"), files.new_folder(path) as place:
        files.write_json(place / "result.json", result)
        tables.write(place, looked)
        pictures = figures.draw(place, looked, result)
        made = manifest.record_evaluation(folder.manifest, place)
        report.write(place / "report.html", looked, result, pictures, made)
    print("\n".join(words.sentences(looked, result)))
    print(f"written to {path}")
    return result


class Looker:
    """Looks into one learner after another; what is compiled serves all of them."""

    def __init__(self, agent: Any, request: MemoryRequest):
        """Nothing is computed yet.

        Args:
          agent: of the run.
          request: what to play.
        """
        self._agent, self._request = agent, request
        self._core = agent.network.core
        self._record = jax.jit(
            partial(
                agent.record,
                num_episodes=request.episodes,
                num_steps=request.steps,
                greedy=request.greedy,
            )
        )
        walked = partial(walk, agent, see=self._see)
        self._walk = jax.jit(walked, static_argnames="stride")
        self._recall = jax.jit(agent.recall)

    def look(self, learner: Any, number: int) -> Looked:
        """Everything that is found of one learner, of this number in its run."""
        # The same key for all learners, so that they play the same starts; of a kind
        # of its own.
        key = jax.random.fold_in(jax.random.key(self._request.seed), 0x3E3)
        played = first_episodes(self._record(learner, key))
        inside, steps = jnp.asarray(played.inside), looked_at(played)
        grams, seen = jax.device_get(
            self._walk(learner, played.recording, inside, stride=played.stride)
        )
        layers = [
            None if mode is None or x is None else states.states(mode, x[at])
            for mode, x in zip(self._modes(learner), seen, strict=True)
            for at in [played.inside[steps][:, : 0 if x is None else x.shape[1]]]
        ]
        found, readout = bits.bits(played.recording), None
        if found:
            labels = np.stack([bit.values for bit in found], axis=1)
            readout = probe.read_out(grams, played.inside[steps], labels)
        known = lags.lags(partial(self._recall, learner), played)
        return Looked(number, played, steps, layers, found, readout, known)

    def _modes(self, learner: Any) -> list[Any]:
        own = learner.params["params"].get("core", {})  # of some memories, nothing
        return s5rl.modes(self._core, {"params": own})

    def _see(self, carry: Any, inside: jax.Array) -> tuple[jax.Array, list[Any]]:
        """What is kept of memory [N, ...] after a step: products, and states.

        States are of layers that have modes, of as many episodes as there is room for.
        """
        layers = s5rl.layer_states(self._core, carry)
        kept = []
        for layer, (kind, _) in zip(layers, self._core.parts(), strict=True):
            has = hasattr(kind, "modes")
            few = states.lanes(layer.shape[1], STEPS, len(inside)) if has else 0
            kept.append(layer[:few] if has else None)
        return probe.products(carry, inside), kept
