"""What was written is what is read, a few rows at a time; and nothing else is.

| mutant | fails |
|---|---|
| lanes and steps not swapped | test_what_is_read_is_what_was_made |
| rows of the first shard only | test_what_is_read_is_what_was_made |
| every draw reads the same rows | test_a_program_reads_what_its_key_draws |
| seeds share their rows | test_a_program_reads_what_its_key_draws |
| files are not compared with their digests | test_a_folder_that_changed_is_refused |
| the digest of the run is not compared | test_a_folder_that_changed_is_refused |
| the digest is not kept with the run | test_a_run_knows_its_histories |
| another setting of the environment passes | test_a_run_knows_its_histories |
| num_trials is compared too | the same |
| tuples are no lists | test_what_is_told_of_settings_is_compared |
| settings that are not told are missed | the same |
| a trial is in the tenth of its beginning | test_returns_are_of_trials_that_ended |
| returns run on over a meta-episode's end | test_returns_are_of_trials_that_ended |
"""

import dataclasses
import json
import shutil
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import train
from agents.distill.record import History
from experiment.errors import InputError
from experiment.histories import __main__ as command
from experiment.histories.pinned import check_same_tasks, opened, pinned
from experiment.histories.stored import FIELDS, Stored, digest_of
from experiment.histories.write import by_tenth, of_tables, trial_returns, write
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config

pytestmark = pytest.mark.usefixtures("quick_compilation")

COUNT, SHARD, LENGTH = 10, 4, 7
KEYS = (
    *("agent=distill", "env=meta_bandit", "env.num_trials=3", "agent.source=ucb"),
    *(f"agent.num_envs={SHARD}", f"agent.rollout_length={LENGTH}", "core=gru"),
    *("agent.num_minibatches=2", "agent.encoder_sizes=[4]", "core.features=4"),
    *("core.num_layers=1", "agent.head_sizes=[]", "total_steps=140", "seed=3"),
)


def compose(*more):
    cli.register()
    return run_config.load(cli.composed("train", [*KEYS, *more]))


class Anything:
    """Stands for an agent whose sources do anything; compiles at once."""

    env = SimpleNamespace(num_actions=10, num_trials=3)

    def histories(self, key):
        keys = jax.random.split(key, 3)
        t = jnp.broadcast_to(jnp.arange(LENGTH)[:, None], (LENGTH, SHARD))
        return History(
            obs=jax.random.normal(keys[0], (LENGTH, SHARD, 14)),
            reset=t % 3 == 0,
            action=jax.random.randint(keys[1], (LENGTH, SHARD), 0, 10),
            reward=jax.random.normal(keys[2], (LENGTH, SHARD)),
            trial_ended=t >= 0,  # of a bandit, every pull
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of histories, and the histories themselves, [N, L, ...]."""
    path, config = tmp_path_factory.mktemp("histories") / "some", compose()
    agent, key = Anything(), jax.random.key(3)
    write(of_tables(agent, config), config, path, COUNT)
    shards = [agent.histories(jax.random.fold_in(key, n)) for n in range(3)]
    whole = {
        field: np.concatenate([np.swapaxes(getattr(x, field), 0, 1) for x in shards])
        for field in FIELDS
    }
    whole = {field: x[:COUNT] for field, x in whole.items()}
    return SimpleNamespace(path=path, whole=whole, config=config)


def test_what_is_read_is_what_was_made(made):
    stored = Stored(made.path)
    assert (stored.count, stored.length) == (COUNT, LENGTH)
    index = np.array([9, 0, 4, 4, 7])
    for length in (LENGTH, 5):
        found = stored.rows(index, length)
        for field in FIELDS:
            wanted = made.whole[field][index, :length]
            np.testing.assert_array_equal(found[field], wanted, err_msg=field)
    assert found["action"].dtype == np.uint8 and found["obs"].dtype == np.float32
    facts = stored.facts
    assert facts["env"]["name"] == "meta_bandit" and facts["source"]["source"] == "ucb"
    first = trial_returns(made.whole, 3)
    np.testing.assert_allclose(facts["returns"], first.mean(0), atol=1e-6)


def test_a_program_reads_what_its_key_draws(made):
    stored, keys = Stored(made.path), jax.random.split(jax.random.key(1), 2)
    read = jax.jit(jax.vmap(lambda key: stored.read(key, 6, 5)))
    found, again = read(keys), read(keys)
    jax.tree.map(np.testing.assert_array_equal, found, again)
    for seed, key in enumerate(keys):
        index = jax.random.randint(key, (6,), 0, COUNT, jnp.int32)
        for field in FIELDS:
            wanted = np.swapaxes(made.whole[field][index, :5], 0, 1)
            np.testing.assert_array_equal(found[field][seed], wanted, err_msg=field)
    assert found["action"].dtype == jnp.int32
    assert (found["action"][0] != found["action"][1]).any()


def test_a_folder_that_changed_is_refused(made, tmp_path):
    digest = digest_of(made.path)
    Stored(made.path, digest)

    def copy(name):
        return shutil.copytree(made.path, tmp_path / name)

    path = copy("bit")
    data = bytearray((path / "00001.reward.npy").read_bytes())
    data[-1] ^= 1
    (path / "00001.reward.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"00001.reward.npy .* it was changed"):
        Stored(path)
    path = copy("gone")
    (path / "00002.obs.npy").unlink()
    with pytest.raises(InputError, match=r"00002.obs.npy cannot be read"):
        Stored(path)
    path = copy("facts")
    facts = json.loads((path / "histories.json").read_text())
    (path / "histories.json").write_text(json.dumps({**facts, "seed": 4}))
    Stored(path)  # as good as any, but another
    with pytest.raises(InputError, match=f"of digest {digest[:12]}; it has"):
        Stored(path, digest)
    for change in ({"format": 9}, {"count": 0}, {"files": {}}, {"shard": "x"}):
        (path / "histories.json").write_text(json.dumps({**facts, **change}))
        with pytest.raises(InputError, match=r"histories\.json"):
            Stored(path)
    (path / "histories.json").write_text("[")
    with pytest.raises(InputError, match="cannot be read"):
        Stored(path)
    with pytest.raises(InputError, match="cannot be read"):
        Stored(tmp_path / "nowhere")


def test_a_run_knows_its_histories(made):
    config = compose(f"agent.histories={made.path}")
    known = pinned(config)
    assert known.agent.options.histories_digest == digest_of(made.path)
    assert pinned(known) == known and opened(known).count == COUNT
    assert pinned(made.config) == made.config and opened(made.config) is None
    other = dataclasses.replace(known.agent.options, histories_digest="0" * 64)
    agent = dataclasses.replace(known.agent, options=other)
    with pytest.raises(InputError, match="of digest 000000000000; it has"):
        opened(dataclasses.replace(known, agent=agent))
    with pytest.raises(InputError, match=r"have 7 steps, and .* asks for 8"):
        opened(compose(f"agent.histories={made.path}", "agent.rollout_length=8"))
    with pytest.raises(InputError, match="are of meta_bandit, and this run is of dark"):
        opened(compose(f"agent.histories={made.path}", "env=dark_room"))
    with pytest.raises(InputError, match=r"env.num_arms=10, and this run has .*=4"):
        opened(compose(f"agent.histories={made.path}", "env.num_arms=4"))
    assert opened(compose(f"agent.histories={made.path}", "env.num_trials=9"))
    with pytest.raises(InputError, match=r"agent.histories=.* cannot be read"):
        pinned(compose("agent.histories=nowhere"))


def test_what_is_told_of_settings_is_compared():
    own = {"law": "permutation", "train_bodies": ("reacher_easy",)}
    check_same_tasks("data", {}, own)
    check_same_tasks("data", {"train_bodies": ["reacher_easy"], "other": 1}, own)
    wanted = r"env.law='orthogonal', and this run has env.law='permutation'"
    with pytest.raises(InputError, match=wanted):
        check_same_tasks("data", {"law": "orthogonal"}, own)


@pytest.mark.parametrize("env", ["dark_room", {"name": "dark_room", "params": [1]}])
def test_a_folder_of_no_environment_is_refused(made, env, tmp_path):
    shutil.copytree(made.path, tmp_path / "data")
    path = tmp_path / "data" / "histories.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"env": env}))
    with pytest.raises(InputError, match=r"histories.json cannot be read"):
        Stored(tmp_path / "data")


def test_returns_are_of_trials_that_ended():
    lanes = {
        "reward": np.array([[1, 2, 3, 4, 5, 6.0], [1, 1, 1, 1, 1, 1]]),
        "trial_ended": np.array([[0, 1, 0, 1, 1, 0], [0, 0, 0, 1, 0, 0]], bool),
        "reset": np.array([[1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0]], bool),
    }
    found = trial_returns(lanes, 3)
    np.testing.assert_array_equal(found, [[3, 7, np.nan], [4, np.nan, np.nan]])
    np.testing.assert_array_equal(trial_returns(lanes, 1), [[3], [4]])
    found = by_tenth(lanes)  # the reset's new trial is one as any other
    tenth, total = np.argwhere(np.isfinite(found))[:, 1], found[np.isfinite(found)]
    np.testing.assert_array_equal(tenth, [1, 5, 6, 5])
    np.testing.assert_array_equal(total, [3, 7, 5, 4])


def test_the_command_refuses_what_cannot_be(made, tmp_path):
    out = f"out={tmp_path / 'new'}"
    for given, said in (
        ([*KEYS], "out=DIR must say"),
        ([*KEYS, f"out={made.path}"], "must not be there yet"),
        ([*KEYS, out, "count=0"], "count must be a positive integer; got 0"),
        ([*KEYS, out, "agent.histories=x"], "without agent.histories"),
        ([*KEYS, out, "every=2"], "every=K is of learners .* Got every=2"),
        ([out, "agent=ppo", "env=meta_bandit", "every=0"], r"every must be .*; got 0"),
        ([out, "agent=ppo"], "memory_chain has no trials in one"),
    ):
        with pytest.raises(InputError, match=said):
            command.main(given)
    assert command.main(["--help"]) == 0


@pytest.mark.slow
def test_a_run_on_stored_histories_goes_on_as_if_never_stopped(made, tmp_path):
    more = [f"agent.histories={made.path}", "num_seeds=2", "checkpoint_every=2"]
    folders = [RunFolder(tmp_path / name) for name in ("whole", "parts")]
    for folder in folders:
        config = compose(*more, f"run_dir={folder.path}")
        assert train.start(config) == 0
    newest = max(folders[1].checkpoints.iterdir(), key=lambda path: int(path.name))
    shutil.rmtree(newest)
    folders[1].summary.unlink()
    assert train.resume({"resume": str(folders[1].path)}) == 0
    one, other = (folder.metrics.read_bytes() for folder in folders)
    assert one == other and b"source/reward" in one
    kept = tmp_path / "kept"
    shutil.copytree(made.path, kept)
    moved = compose(*more[1:], f"agent.histories={kept}", f"run_dir={tmp_path / 'm'}")
    assert train.start(moved) == 0
    shutil.rmtree(kept)
    with pytest.raises(InputError, match="cannot be read"):
        train.resume({"resume": str(tmp_path / "m"), "total_steps": 280})
