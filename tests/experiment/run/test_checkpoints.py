"""Which checkpoint counts, and what is said of those that do not.

| mutant | fails |
|---|---|
| a damaged checkpoint is an error | test_the_newest_that_is_whole_counts |
| the update is not in the record | test_a_renamed_checkpoint_is_not_another |
| the record's own digest is not compared | test_a_record_that_was_changed_* |
| values are not digested | test_values_are_held_by_their_own_digests |
| restoring renames whoever reads | test_a_reader_changes_nothing |
| damaged ones are renamed though none is whole | test_none_whole_is_said_* |
| no leftovers are removed | test_leftovers_* |
| a save that fails leaves its folder | test_a_full_disk_is_told_and_older_ones_stay |
| Orbax's errors pass | test_a_really_full_disk_is_told |
| a save happens in place | test_a_kill_in_a_save_leaves_what_was_there |
| nothing is brought to the disk | test_everything_is_on_the_disk_* |
| what vanishes is damaged | test_a_checkpoint_that_the_run_removes_* |
| arrays come as Orbax has them | test_what_was_saved_is_read |
| the wanted sharding is ignored | test_any_device_reads_what_any_wrote |
| generators are not compared | test_another_generator_is_refused |
| every key is free; none is | test_an_edited_configuration_*; test_what_decides_* |
| a new key counts always; never | test_a_key_that_came_later_* |
| a newer format is damage | test_a_newer_format_is_refused |
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiment import faults
from experiment.errors import InputError, MachineError
from experiment.run import checkpoints as checkpoints_module
from experiment.run import records
from experiment.run.checkpoints import Checkpoints, NoCheckpoint

ROOT = Path(__file__).parents[3]


def learners_of(update: int):
    """Of every type that a learner may hold, nothing and random keys among them."""
    return {
        "w": jnp.arange(24.0).reshape(8, 3) + update,
        "half": jnp.full((8,), update, jnp.bfloat16),
        "complex": jnp.full((2,), update + 1j, jnp.complex64),
        "count": (jnp.int32(update), jnp.array([True, False])),
        "nothing": jnp.zeros((0, 3)),
        "key": jax.random.split(jax.random.key(update), 8),
    }


LIKE = jax.eval_shape(lambda: learners_of(0))


def assert_same(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture
def three(tmp_path):
    """A folder to which three checkpoints were saved: 5, 7 and 30."""
    store = Checkpoints(tmp_path / "checkpoints")
    for update in (5, 7, 30):
        store.save(update, learners_of(update))
    store.close()
    return tmp_path / "checkpoints"


def damage(checkpoint: Path) -> None:
    path = next((checkpoint / "values" / "d").iterdir())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def restored(folder: Path, **more):
    return Checkpoints(folder).restore(LIKE, **more)


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


def test_what_was_saved_is_read(three):
    store = Checkpoints(three)
    assert store.steps == [7, 30]
    update, learners = store.restore(LIKE)
    assert update == 30
    assert_same(learners, learners_of(30))


def test_names_that_are_no_numbers_of_updates_are_nobodys(three):
    for name in ("031", "thirty", "40.damaged", "-3"):
        (three / name).mkdir()
    (three / "50").write_text("a file")
    assert restored(three)[0] == 30


def test_the_newest_that_is_whole_counts(three, capsys):
    damage(three / "30")
    update, learners = restored(three, own=True)
    assert update == 7
    assert_same(learners, learners_of(7))
    (said,) = capsys.readouterr().out.splitlines()
    assert "30 is damaged (values/d/" in said
    assert said.endswith("set aside as 30.damaged; the one of update 7 is used.")
    assert {path.name for path in three.iterdir()} == {"7", "30.damaged"}
    Checkpoints(three).save(30, learners_of(30))
    damage(three / "30")
    assert restored(three, own=True)[0] == 7
    assert {path.name for path in three.iterdir()} == {
        "7", "30.damaged", "30.damaged-2",
    }  # fmt: skip


def test_a_record_that_is_no_file_is_not_waited_for(three):
    record = three / "30" / "record.json"
    record.unlink()
    os.mkfifo(record)
    assert restored(three)[0] == 7


@pytest.mark.parametrize("name", ["record.json", "values", "values/manifest.ocdbt"])
def test_what_is_missing_is_damage(three, name):
    path = three / "30" / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert restored(three)[0] == 7


def test_a_renamed_checkpoint_is_not_another(three):
    (three / "30").rename(three / "31")
    assert restored(three)[0] == 7


@pytest.mark.parametrize("change", [{"format": 9}, {"config": {"seed": 1}}])
def test_a_record_that_was_changed_is_damaged(three, make_config, change):
    """And neither of a newer format nor of another configuration."""
    path = three / "30" / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert Checkpoints(three, make_config()).restore(LIKE)[0] == 7


def test_values_are_held_by_their_own_digests(three):
    """Whatever the files' digests say: here they are those of other values."""
    shutil.rmtree(three / "30" / "values")
    shutil.copytree(three / "7" / "values", three / "30" / "values")
    content = json.loads((three / "30" / "record.json").read_text())
    content["files"] = records.digest_files(three / "30" / "values")
    seal(three / "30", content)
    assert restored(three)[0] == 7


def seal(checkpoint: Path, content: dict) -> None:
    content.pop("sha256")
    content["sha256"] = records._seal(content)
    (checkpoint / "record.json").write_text(json.dumps(content))


def test_a_reader_changes_nothing(three, capsys):
    """The run may be somebody else's, and going on."""
    damage(three / "30")
    (three / "44.new").mkdir()
    before = everything(three)
    assert restored(three)[0] == 7
    assert "30 is damaged" in capsys.readouterr().out
    assert everything(three) == before and (three / "44.new").exists()


def test_a_read_only_folder_is_read(three, monkeypatch, capsys):
    def refuse(self, target):
        raise PermissionError

    damage(three / "30")
    monkeypatch.setattr(Path, "rename", refuse)
    assert restored(three, own=True)[0] == 7
    assert "(values/d/" in capsys.readouterr().out


def test_none_whole_is_said_and_stays_said(three):
    """Or the run would begin anew the second time, over what was there."""
    damage(three / "7")
    damage(three / "30")
    for _ in range(2):
        with pytest.raises(InputError, match=r"none is whole: 30 \(values/d/") as said:
            restored(three, own=True)
        assert not isinstance(said.value, NoCheckpoint)
        assert "7 (values/d/" in str(said.value) and "\n" not in str(said.value)
    assert {path.name for path in three.iterdir()} == {"7", "30"}


def test_no_checkpoint_is_another_thing_than_a_damaged_one(tmp_path):
    with pytest.raises(NoCheckpoint, match="no checkpoint in"):
        restored(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "30.damaged").mkdir()
    with pytest.raises(InputError, match=r"none is whole: 30\.damaged"):
        restored(tmp_path)


def test_a_checkpoint_that_the_run_removes_meanwhile_is_not_missed(three, monkeypatch):
    """Read by one process while another trains."""
    read = records.read

    def removed_first(path, update):
        if update == 30:
            monkeypatch.setattr(records, "read", read)
            store = Checkpoints(three)
            store.save(31, learners_of(31))
            store.save(32, learners_of(32))
        return read(path, update)

    monkeypatch.setattr(records, "read", removed_first)
    assert restored(three)[0] == 32


@pytest.mark.parametrize(
    "name", ["31.new", "29.old", "31.orbax-checkpoint-tmp", "31.orbax-checkpoint-tmp-7"]
)
@pytest.mark.parametrize("how", ["restore", "save"])
def test_leftovers_do_not_count_and_are_removed(three, name, how):
    shutil.copytree(three / "30", three / name)
    assert restored(three)[0] == 30
    if how == "restore":
        restored(three, own=True)
    else:
        Checkpoints(three).save(31, learners_of(31))
    assert not (three / name).exists()


def test_everything_is_on_the_disk_before_the_name_counts(three, monkeypatch):
    synced, fsync, rename = set(), os.fsync, Path.rename

    def note(handle):
        synced.add(os.stat(handle).st_ino)
        fsync(handle)

    def check(self, target):
        if self.name == "31.new":
            found = {path.stat().st_ino for path in [self, *self.rglob("*")]}
            assert len(found) > 10 and found <= synced
            synced.clear()
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "rename", check)
    Checkpoints(three).save(31, learners_of(31))
    assert three.stat().st_ino in synced


def test_a_full_disk_is_told_and_older_ones_stay(three, monkeypatch):
    """After the values are written and before they count."""
    before = everything(three)
    monkeypatch.setenv(faults.VARIABLE, "in-save=full")
    monkeypatch.setattr(faults, "_passed", type(faults._passed)())
    with pytest.raises(MachineError, match=r"31 cannot be saved: No space left"):
        Checkpoints(three).save(31, learners_of(31))
    assert everything(three) == before
    assert {path.name for path in three.iterdir()} == {"7", "30"}
    Checkpoints(three).save(31, learners_of(31))  # each fault happens once
    assert restored(three)[0] == 31


def test_a_really_full_disk_is_told(three):
    """Orbax's own writes fail: here, no file may pass 400 bytes."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "import jax\n"
        "from experiment.errors import MachineError\n"
        "from experiment.run.checkpoints import Checkpoints\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))\n"
        "try:\n"
        "    Checkpoints(Path(sys.argv[1])).save(31, {'w': jax.numpy.arange(999.0)})\n"
        "except MachineError as error:\n"
        "    print(error)\n"
    )
    before = everything(three)
    said = child(program, str(three))
    assert "31 cannot be saved: File too large." in said and said.count("\n") == 1
    assert everything(three) == before


def test_a_kill_in_a_save_leaves_what_was_there(three):
    before = everything(three)
    program = (
        "import sys\n"
        "from tests.experiment.run.test_checkpoints import *\n"
        "Checkpoints(Path(sys.argv[1])).save(31, learners_of(31))\n"
    )
    child(program, str(three), status=-signal.SIGKILL, S5RL_FAULT="in-save=kill")
    assert {path.name for path in three.iterdir()} == {"7", "30", "31.new"}
    assert restored(three, own=True)[0] == 30
    assert everything(three) == before


def child(program: str, *arguments: str, status: int = 0, **environment: str) -> str:
    """What a Python of its own prints; it must print nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_a_gpus_checkpoint_is_read_and_gone_on_with(go):
    """The device's name, as Orbax writes it, is of no device that is here."""
    _, whole = go("whole")
    _, parts = go("parts")
    for path in parts.checkpoints.rglob("_sharding"):
        path.write_text(path.read_text().replace("cpu:0", "cuda:0"))
        assert "cuda:0" in path.read_text()
    shutil.rmtree(parts.checkpoints / "23")
    assert go("parts", resume=True)[0] == 0
    assert parts.metrics.read_bytes() == whole.metrics.read_bytes()


EIGHT = """
import sys
from pathlib import Path
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tests.experiment.run.test_checkpoints import *

mesh = Mesh(np.array(jax.devices()), "seed")
assert mesh.size == 8
over = NamedSharding(mesh, PartitionSpec("seed"))
put = lambda x: over if x.ndim and x.shape[0] == 8 else None
like = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=put(x)), LIKE
)
_, learners = Checkpoints(Path(sys.argv[1])).restore(like)
assert_same(learners, learners_of(30))
assert learners["w"].sharding == learners["key"].sharding == over
Checkpoints(Path(sys.argv[2])).save(9, learners)
"""


def test_any_device_reads_what_any_wrote(three, tmp_path):
    """One device's on eight, sharded; and those eight's, here, on one."""
    flags = "--xla_force_host_platform_device_count=8"
    child(EIGHT, str(three), str(tmp_path / "of_eight"), XLA_FLAGS=flags)
    sharding = (tmp_path / "of_eight" / "9" / "values" / "_sharding").read_text()
    assert "NamedSharding" in sharding
    update, learners = restored(tmp_path / "of_eight")
    assert update == 9 and len(jax.devices()) == 1
    assert_same(learners, learners_of(30))
    assert {leaf.sharding.num_devices for leaf in jax.tree.leaves(learners)} == {1}


def test_arrays_lie_where_they_are_wanted(three):
    mesh = Mesh(np.array(jax.devices()), "seed")
    wanted = NamedSharding(mesh, PartitionSpec())
    like = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=wanted), LIKE
    )
    _, learners = Checkpoints(three).restore(like)
    for leaf in jax.tree.leaves(learners):  # which of its names it has is JAX's affair
        assert leaf.sharding.is_equivalent_to(wanted, leaf.ndim), leaf.sharding


def test_another_generator_is_refused(three):
    with jax.default_prng_impl("rbg"):
        like = jax.eval_shape(lambda: learners_of(0))
        with pytest.raises(InputError, match=r"threefry2x32.* rbg") as said:
            Checkpoints(three).restore(like, own=True)
    assert "30 holds random keys" in str(said.value)
    assert "JAX_DEFAULT_PRNG_IMPL=threefry2x32" in str(said.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"w": jnp.zeros((8, 4))}, r"w is float32\[8, 3\] in it, and float32\[8, 4\]"),
        ({"w": jnp.zeros((8, 3), int)}, r"w is float32\[8, 3\] in it, and int32"),
        ({"more": jnp.zeros(2)}, r"more is not in it, and float32\[2\] is wanted"),
        ({"key": jnp.zeros((8, 2), jnp.uint32)}, r"key is keys of threefry2x32, uint"),
    ],
)
def test_other_shapes_are_another_configuration(three, change, said):
    like = jax.eval_shape(lambda: learners_of(0) | change)
    with pytest.raises(InputError, match=f"another configuration: {said}"):
        Checkpoints(three).restore(like)


def test_a_newer_format_is_refused(three):
    content = json.loads((three / "30" / "record.json").read_text())
    seal(three / "30", content | {"format": 7, "what it has": "nobody knows"})
    for own in (False, True):
        with pytest.raises(InputError, match=r"format 7, .* reads formats up to 1"):
            restored(three, own=own)


@pytest.fixture
def configured(make_config, tmp_path):
    """A checkpoint of the tiny configuration, and that."""
    config = make_config("total_steps=467")
    Checkpoints(tmp_path / "checkpoints", config).save(3, learners_of(3))
    return tmp_path / "checkpoints"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("env.num_bits=2", "env.num_bits was 1 and is 2"),
        ("env.max_steps_in_episode=9", "env.max_steps_in_episode was None and is 9"),
        ("agent.discount=0.9", "agent.discount was 0.99 and is 0.9"),
        ("agent.encoder_sizes=[8,8]", r"agent.encoder_sizes was \[8\] and is \[8, 8\]"),
        ("core.dt_max=0.2", "core.dt_max was 0.1 and is 0.2"),
        ("seed=1", "seed was 0 and is 1"),
        ("log_every=4", "log_every was 3 and is 4"),
    ],
)
def test_an_edited_configuration_is_refused(configured, make_config, override, said):
    config = make_config("total_steps=467", override)
    with pytest.raises(InputError, match=f"another configuration: {said}") as refusal:
        Checkpoints(configured, config).restore(LIKE)
    assert "\n" not in str(refusal.value)


def test_what_decides_no_number_may_change(configured, make_config):
    config = make_config(
        "total_steps=940", "checkpoint_every=2", "run_dir=elsewhere", "wandb=offline"
    )
    assert Checkpoints(configured, config).restore(LIKE)[0] == 3


def test_a_checkpoint_that_names_no_configuration_is_of_any(three, make_config):
    assert Checkpoints(three, make_config()).restore(LIKE)[0] == 30


@pytest.mark.parametrize(
    ("key", "override", "fits"),
    [
        ("value_clip_epsilon", "agent.value_clip_epsilon=null", True),
        ("value_clip_epsilon", "agent.value_clip_epsilon=0.2", False),
    ],
)
def test_a_key_that_came_later_must_have_its_default(
    configured, make_config, key, override, fits
):
    content = json.loads((configured / "3" / "record.json").read_text())
    del content["config"]["agent"][key]
    seal(configured / "3", content)
    store = Checkpoints(configured, make_config("total_steps=467", override))
    if fits:
        assert store.restore(LIKE)[0] == 3
    else:
        with pytest.raises(InputError, match=f"agent.{key} was not set and is 0.2"):
            store.restore(LIKE)


def test_a_run_with_a_damaged_checkpoint_ends_as_if_it_had_none(go, capsys):
    _, whole = go("whole")
    _, parts = go("parts")
    damage(parts.checkpoints / "23")
    assert go("parts", resume=True)[0] == 0
    assert "23.damaged; the one of update 18 is used." in capsys.readouterr().out
    assert parts.metrics.read_bytes() == whole.metrics.read_bytes()
    assert Checkpoints(parts.checkpoints).steps == [18, 23]


def test_a_run_of_another_configuration_is_refused(go):
    go("run")
    with pytest.raises(InputError, match="num_seeds was 2 and is 3"):
        go("run", "num_seeds=3", resume=True)
