"""A learner that was kept acts as it did, and nothing damaged is taken for one.

| mutant | fails |
|---|---|
| the first learner is kept, whichever is asked for | test_it_acts_as_in_its_run |
| `behaviour` of an agent reads `extra` | test_acting_reads_what_is_kept |
| arrays are cut in another order | test_it_acts_as_in_its_run |
| digests of arrays and files are not compared | test_damage_is_told |
| the configuration is not compared | test_another_configuration_is_refused |
| `resume=` goes on from nothing | test_it_cannot_be_gone_on_with |
"""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import agents
import experiment
import train
from experiment import entry, keep
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent
from tests.experiment import untrained

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of two learners the second is said to be the better."""
    path = tmp_path_factory.mktemp("runs") / "run"
    return untrained.run(path, 2, *untrained.ROOM)


@pytest.fixture(scope="module")
def kept(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "best"
    assert keep.main([f"run={run}", f"out={path}"]) == 0
    return path


@pytest.fixture
def copy(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "copy")


def actions(trained, steps=12):
    """Of 5 lanes that see noise, some of which reset."""
    key = jax.random.key(1)
    (size,) = trained.env.observation_space(trained.env_params).shape
    carry, found = trained.initial_carry(5), []
    for _ in range(steps):
        key, obs_key, reset_key, act_key = jax.random.split(key, 4)
        obs = jax.random.normal(obs_key, (5, size))
        reset = jax.random.bernoulli(reset_key, 0.1, (5,))
        carry, action = trained.act(carry, obs, reset, act_key, greedy=False)
        found.append(action)
    return np.stack(found), carry


def test_it_acts_as_in_its_run(run, kept):
    ours, best, other = (
        actions(experiment.load(str(path), seed=seed))
        for path, seed in ((kept, 0), (run, 1), (run, 0))
    )
    jax.tree.map(np.testing.assert_array_equal, ours, best)
    assert any(
        (a != b).any()
        for a, b in zip(*map(jax.tree.leaves, (ours, other)), strict=True)
    )
    summary = json.loads((kept / "summary.json").read_text())
    assert summary["kept"] == {"seed": 1, "setting": None, "update": 7}
    assert summary["final_return"] == 0.25
    whole = json.loads((run / "manifest.json").read_text())
    assert json.loads((kept / "manifest.json").read_text()) == whole
    assert RunFolder(kept).load_config().schedule.num_seeds == 1


@pytest.mark.parametrize("name", sorted(agents.AGENTS))
def test_acting_reads_what_is_kept(name):
    """Nothing is computed: what were read of the rest would be missed in tracing."""
    told = ["agent.expert_share=0.3"] if name == "imitate" else []
    agent = build_agent(untrained.config("env=dark_room", f"agent={name}", *told))
    key = jax.random.key(0)
    learner = jax.eval_shape(agent.initialise, key)
    size = learner.situation.obs.shape[1:]
    obs = jax.ShapeDtypeStruct((2, *size), jnp.float32)

    def act(learner, obs, key):
        carry = agent.initial_carry(2)
        return agent.act(learner, carry, obs, jnp.ones(2, bool), key, False)

    kept = jax.eval_shape(act, learner.acting, obs, key)
    assert kept == jax.eval_shape(act, learner, obs, key)


def refusal(run, **options):
    with pytest.raises(experiment.errors.InputError) as caught:
        experiment.load(str(run), **options)
    return str(caught.value)


@pytest.mark.parametrize("name", ["policy/values/arrays", "policy/record.json"])
def test_damage_is_told(copy, name):
    data = bytearray((copy / name).read_bytes())
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    for wrong in (flipped, data[:-4], None):
        (copy / name).unlink()
        if wrong is not None:
            (copy / name).write_bytes(wrong)
        assert "is damaged: " in refusal(copy)


def test_a_record_that_lies_about_sizes_is_refused(copy):
    """Sealed anew, as whoever wants to mislead a reader would."""
    from experiment.run import records

    path = copy / "policy" / "record.json"
    content = json.loads(path.read_text())
    name = next(iter(content["values"]))
    for lie in ({"shape": [1, 2**40]}, {"dtype": "object"}):
        told = json.loads(json.dumps(content))
        told.pop("sha256")
        told["values"][name] |= lie
        told["sha256"] = records._seal(told)
        path.write_text(json.dumps(told))
        assert f"another configuration: {name} is " in refusal(copy)


def test_another_configuration_is_refused(copy):
    path = copy / "config.yaml"
    path.write_text(path.read_text().replace("features: 8", "features: 16"))
    assert "core.features was 8 and is 16" in refusal(copy)


def test_it_cannot_be_gone_on_with(kept):
    with pytest.raises(experiment.errors.InputError, match=f"init={kept}"):
        experiment.resume(str(kept))
    assert sorted(path.name for path in kept.iterdir()) == [
        "config.yaml", "manifest.json", "policy", "summary.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["out=x"], "run=DIR must say whose"),
        (["run={run}"], "out=DIR must say where"),
        (["run={run}", "out={run}"], "must not be there yet"),
        (["run={run}", "out={new}", "seed=2"], "seed must be one of 0, 1"),
        (["run={run}", "out={new}", "seed=-1"], "at least 0; got -1"),
        (["run={run}", "out={new}", "sed=1"], "did you mean 'seed'"),
    ],
)
def test_what_cannot_be_is_refused(arguments, said, run, tmp_path, capsys):
    given = [text.format(run=run, new=tmp_path / "new") for text in arguments]
    assert entry.status_of(lambda: keep.main(given)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_run_begins_from_it(kept, tmp_path):
    path = tmp_path / "begun"
    told = (*untrained.ROOM, "total_steps=2000", "num_seeds=2")
    told = (*told, f"init={kept}", f"run_dir={path}")
    assert train.start(untrained.config(*told)) == 0
    assert (path / "summary.json").exists()
