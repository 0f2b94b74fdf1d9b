"""Compiled programs are kept whole, for this process and others, and change no number.

| mutant | fails |
|---|---|
| JAX writes into the shared folder | test_a_program_gets_its_name_when_it_is_whole |
| entries are not linked at first | test_a_second_process_reads_what_the_first_* |
| the damaged entry stays | test_a_damaged_program_is_told_and_compiled_anew |
| an error of the folder is raised | test_a_folder_that_cannot_be_used_is_told |
| JAX's own setting is overridden | test_jax_s_own_setting_is_left_alone |
| the newest go first | test_what_was_not_read_for_longest_goes_first |
| nothing is swept | test_what_dead_processes_left_is_removed |
"""

import json
import os
import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from experiment import compiled, unfinished

NAMES = (
    *compiled.SETTINGS,
    "jax_compilation_cache_dir",
    "jax_enable_compilation_cache",
)


@pytest.fixture
def keep(monkeypatch, tmp_path):
    """`(where) -> folder of entries`, as a process that starts; undone at the end."""
    before = {name: getattr(jax.config, name) for name in NAMES}
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setitem(
        compiled.SETTINGS, "jax_persistent_cache_min_compile_time_secs", 0.0
    )

    def keep(where=None):
        compiled.close()
        jax.config.update("jax_compilation_cache_dir", None)
        compiled.keep(str(where or tmp_path / "kept"))
        compilation_cache.reset_cache()
        jax.clear_caches()
        return tmp_path / "kept" / compiled._processor()

    yield keep
    compiled.close()
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def compute():
    """A program that is like no other here, and its result."""

    def halved_sines(x):
        return jnp.sin(x) / 2

    return np.asarray(jax.jit(halved_sines)(np.linspace(0, 1, 7, dtype=np.float32)))


def entries(folder):
    return sorted(path.name for path in folder.glob("jit_halved_sines-*"))


def test_a_program_gets_its_name_when_it_is_whole(keep):
    folder = keep()
    compute()
    assert not entries(folder)
    compiled.publish()
    (name,) = entries(folder)
    assert name.endswith("-cache")
    compiled.close()
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_a_second_process_reads_what_the_first_compiled(keep):
    folder = keep()
    first = compute()
    compiled.publish()
    (name,) = entries(folder)
    inode = (folder / name).stat().st_ino
    keep()
    assert (compiled._kept.own / name).stat().st_ino == inode
    np.testing.assert_array_equal(compute(), first)
    assert not list(compiled._kept._new())  # nothing was compiled


def test_a_damaged_program_is_told_and_compiled_anew(keep, capsys):
    folder = keep()
    first = compute()
    compiled.publish()
    (name,) = entries(folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    keep()
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = compiled._told(warnings.showwarning)
        np.testing.assert_array_equal(compute(), first)
    said, errors = capsys.readouterr()
    assert "jit_halved_sines is damaged and compiled anew" in said
    assert said.count("\n") == 1 and not errors
    compiled.publish()
    assert len((folder / name).read_bytes()) > len(whole) // 2


def test_what_cannot_be_written_whole_is_not_kept(keep, capsys):
    """As JAX warns of a full disk."""
    folder = keep()
    torn = compiled._kept.own / "jit_torn-0123-cache"
    torn.write_bytes(b"a part")
    show = compiled._told(lambda *_: pytest.fail("shown as a warning"))
    show("Error writing persistent compilation cache entry for 'jit_torn': OSError: "
         "[Errno 28] No space left on device")  # fmt: skip
    assert "cannot be kept: OSError: [Errno 28]" in capsys.readouterr().out
    compiled.publish()
    assert not list(folder.glob("jit_torn-*"))


def test_other_warnings_are_shown_as_ever(keep):
    keep()
    shown = []
    compiled._told(lambda *given: shown.append(given))("something else", UserWarning)
    assert shown == [("something else", UserWarning)]


def test_a_folder_that_cannot_be_used_is_told(keep, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    keep(tmp_path / "file" / "below")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert said.startswith("compiled programs are not kept") and "file/below" in said
    assert compiled._kept is None
    assert compute().shape == (7,)


def test_jax_s_own_setting_is_left_alone(keep, tmp_path):
    keep()
    compiled.close()
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "theirs"))
    compiled.keep("on")
    assert compiled._kept is None
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "theirs")


def test_off_keeps_nothing(keep, tmp_path):
    keep("off")
    compute()
    compiled.publish()
    assert not jax.config.jax_enable_compilation_cache
    assert not (tmp_path / "kept").exists()


def test_the_default_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiled.default() == tmp_path / "s5rl" / "compiled"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert compiled.default() == tmp_path / "home" / ".cache" / "s5rl" / "compiled"


def test_what_was_not_read_for_longest_goes_first(tmp_path):
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / f"{name}-cache"
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - 1000 * age,) * 2)
    compiled._bound(tmp_path, 250)
    assert {path.name for path in tmp_path.iterdir()} == {"new-cache", "middle-cache"}


def test_what_dead_processes_left_is_removed(keep):
    folder = keep()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    name = unfinished.beside(folder / "process").name
    left = folder / name.replace(f".{os.getpid()}.", f".{dead.pid}.")
    left.mkdir()
    (left / "jit_torn-0123-cache").write_bytes(b"a part")
    keep()
    assert not left.exists() and compiled._kept.own.exists()


def test_training_is_the_same_from_kept_programs(keep, go):
    """Compiled, read, and read by a run that goes on: bit for bit."""
    keep()
    _, first = go("first")
    found = list(compiled._kept.folder.glob("jit_one_update-*"))
    keep()
    _, second = go("second")
    assert found and not list(compiled._kept._new())
    assert first.metrics.read_bytes() == second.metrics.read_bytes()
    one, other = (
        json.loads((folder.checkpoints / "23" / "record.json").read_text())["values"]
        for folder in (first, second)
    )
    assert one == other
