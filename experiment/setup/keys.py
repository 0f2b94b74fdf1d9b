"""Which keys there are, and which one was meant.

A key that is not known is answered with the same key of another section, with what our
key is called elsewhere (`OTHER_NAMES`), or with the one most like it.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_type_hints

from envs import naming
from envs.naming import closest

# Beside a configuration: where compiled programs are kept (`experiment.compiled`).
CACHE = "compilation_cache"
CACHE_IS = "keeps compiled programs: on (in the user's cache folder), off or a folder"

# Ours, and what other programs call it. Without case and separators.
OTHER_NAMES = {
    "agent.discount": "gamma discountfactor discountrate",
    "agent.gae_lambda": "lambda lam gae gaelam tdlambda",
    "agent.td_lambda": "lambda lam qlambda lambdareturn",
    "agent.epsilon_start": "epsstart startepsilon startepsilongreedy epsinit "
    "initialepsilon explorationinitialeps",
    "agent.epsilon_end": "epsend epsfinish endepsilon finalepsilon epsfinal epsilon "
    "explorationfinaleps",
    "agent.epsilon_share": "epsdecay explorationfraction epsilondecay",
    "agent.learning_rate": "lr stepsize learnrate actorlr criticlr peaklr initlr",
    "agent.anneal_learning_rate": "anneallr lranneal lrschedule lrdecay lineardecay",
    "agent.entropy_coefficient": "entcoef entropycoef entropycost entropybeta "
    "entropyweight entropyregularization entcoeff entropybonus",
    "agent.value_coefficient": "vfcoef vfcoeff valuecoef valuelosscoef valuecost "
    "criticcoef vlosscoef baselinecost valueweight",
    "agent.clip_epsilon": "clip cliprange clipcoef clipeps clipratio clipparam "
    "ppoclip cliprho policyclip",
    "agent.value_clip_epsilon": "cliprangevf vfclip vfclipparam clipvloss valueclip",
    "agent.rollout_length": "numsteps nsteps unrolllength rolloutsteps horizon "
    "numrolloutsteps rolloutfragmentlength seqlen sequencelength stepsperenv",
    "agent.num_envs": "nenvs numworkers nworkers numactors nactors batchsize "
    "parallelenvs lanes numlanes",
    "agent.num_minibatches": "nminibatches nminibatch numminibatch minibatchsize "
    "minibatches",
    "agent.epochs": "updateepochs nepochs numepochs ppoepochs noptepochs kepochs "
    "numsgditer ppoepoch",
    "agent.max_grad_norm": "gradclip clipgrad clipgradnorm gradnorm gradientclip "
    "gradclipnorm maxgradientnorm",
    "agent.adam_epsilon": "adameps eps",
    "agent.normalize_advantage": "normadv normalizeadv normalizeadvantages "
    "advantagenormalization advnorm",
    "agent.normalize_obs": "normobs obsnorm normalizeobservations "
    "observationnormalization normalizeobservation normalizestates",
    "agent.scale_rewards": "normreward normalizereward normalizerewards rewardnorm "
    "rewardscaling scalereward rewardnormalization normalizereturns",
    "agent.value_loss": "valuelosstype criticloss vloss",
    "agent.foresight_weight": "auxweight auxiliaryweight predictionweight auxcoef "
    "auxlosscoef nextobsweight",
    "agent.value_bins": "numatoms natoms valueatoms numvaluebins",
    "core.features": "hiddensize hiddendim hidden dmodel modeldim width embeddim "
    "hiddenunits numunits rnnsize",
    "core.state_size": "dstate ssmsize ssmdim statedim nstate stateexpansion",
    "core.num_layers": "nlayers layers depth numblocks nlayer",
    "env": "envname envid environment task game gymid",
    "core": "model network rnn cell celltype rnntype arch architecture backbone",
    "agent": "algo algorithm alg method",
    "total_steps": "totaltimesteps timesteps numtimesteps totalenvsteps maxsteps "
    "maxtimesteps numenvsteps trainsteps steps numframes totalframes",
    "seed": "randomseed rng rngseed randomstate",
    "num_seeds": "nseeds seeds numruns numagents",
    "checkpoint_every": "savefreq saveevery saveinterval checkpointfreq "
    "checkpointfrequency checkpointinterval ckptfreq ckptevery",
    "precision": "matmulprecision jaxdefaultmatmulprecision tf32",
    "core.remat": "gradientcheckpointing rematerialize rematerialise checkpointing "
    "activationcheckpointing",
    "log_every": "loginterval logfreq logfrequency printfreq loggingsteps",
    CACHE: "cachedir compilecache compilationcachedir jaxcompilationcachedir jaxcache "
    "persistentcache cache",
    "wandb": "usewandb wandbmode track",
    "wandb_group": "wandbgroupname",
    "labels": "names legend",
    "runs": "run folders paths dirs",
    "init": "initfrom pretrained warmstart initialize loadfrom finetune",
    "agent.anchor_weight": "klcoef klcoeff klweight klpenalty kickstart",
    "run": "rundir path folder checkpoint load model",
    "resume": "restore checkpoint load fromcheckpoint continue",
    "out": "output outdir outputdir rundir savedir path folder",
    "run_dir": "expname runname name outdir output outputdir logdir savedir folder "
    "resultsdir out",
    "episodes": "nepisodes numepisodes evalepisodes nevalepisodes",
    "greedy": "deterministic argmax",
    "tasks": "numtasks ntasks",
    "trials": "numtrials ntrials",
}


def of(cls: type, section: str = "") -> tuple[str, ...]:
    """The keys of a configuration dataclass, with its section before them."""
    prefix = f"{section}." if section else ""
    return tuple(f"{prefix}{field.name}" for field in dataclasses.fields(cls))


def flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested data by its keys, "mesh.seeds"."""
    found = {}
    for key, value in section.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def are_text(cls: type) -> set[str]:
    """The fields whose values are text: kept as they were typed."""
    hints = get_type_hints(cls)
    return {name for name, kind in hints.items() if kind in (str, str | None)}


def meant(key: str, known: Iterable[str]) -> str | None:
    """The known key that an unknown one most likely stands for, if any does.

    Args:
      key: as it was written, with its section if it had one.
      known: with their sections; those of the key's own section first.
    """
    known = list(dict.fromkeys(known))
    section, _, leaf = key.rpartition(".")
    plain = _plain(leaf)
    alike = [name for name in known if _plain(name.rpartition(".")[2]) == plain]
    for names in (alike, [name for name in known if _is_called(name, plain)]):
        if names:
            return names[0]
    own = [name for name in known if name.rpartition(".")[0] == section]
    return _closest(leaf, own) or (_closest(leaf, known) if own else None)


def _is_called(name: str, plain: str) -> bool:
    return plain in OTHER_NAMES.get(name, "").split()


def _closest(leaf: str, known: Sequence[str]) -> str | None:
    leaves = {name.rpartition(".")[2]: name for name in reversed(known)}
    found = closest(leaf, [name.rpartition(".")[2] for name in known])
    return leaves[found] if found else None


def unknown(key: str, own: Sequence[str], elsewhere: Iterable[str] = ()) -> str:
    """What to say about a key that is not known.

    Args:
      key: with its section.
      own: what could stand there, with its section.
      elsewhere: keys of other sections.
    """
    found = meant(key, [*own, *elsewhere])
    guess = naming.meant(found)
    listed = ", ".join(name.rpartition(".")[2] for name in own)
    shown = key if len(key) <= 100 else f"{key[:100]}..."
    return f"unknown key {shown}{guess} Known: {listed}."


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
