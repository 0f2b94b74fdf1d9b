"""Compiled programs, kept from one start to the next.

    ~/.cache/s5rl/compiled/<processor>/jit_one_update-04ca2a44...-cache

JAX's persistent compilation cache: machine code by a digest of the program, the
versions, the flags and the device. What is read from it is what was compiled, so it
changes no number. Deleting the folder empties it.

JAX writes an entry in place: a kill or a full disk would leave a part of one there for
ever, and a second process could read it half-written. So each process has a folder of
its own inside, in which JAX finds hard links to the entries and writes new ones; they
get their names outside when they are whole and on the disk. What dead processes leave
is removed by the next.
"""

import atexit
import hashlib
import os
import platform
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import jax

from experiment import entry, files, unfinished

MOST = 2**30  # bytes; programs that were not read for longest go first
ENTRIES = "*-cache"  # as JAX names them
SETTINGS = {
    "jax_persistent_cache_min_compile_time_secs": 0.1,
    "jax_persistent_cache_min_entry_size_bytes": -1,
    "jax_compilation_cache_max_size": -1,  # needs another package; see `MOST`
    "jax_persistent_cache_enable_xla_caches": "none",  # keys would hold their path
}


def keep(where: str = "on") -> None:
    """Lets programs be read from a folder, and written there, until the process ends.

    Comes before anything compiles. A folder that cannot be used is told, and is no
    failure. Where JAX has been told of a cache otherwise (JAX_COMPILATION_CACHE_DIR),
    "on" leaves everything to it.

    Args:
      where: "on", "off" or a folder.
    """
    global _kept
    if _kept is not None:
        return
    if where == "off":
        jax.config.update("jax_enable_compilation_cache", False)
        return
    theirs = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if where == "on" and theirs is not None:
        return
    try:
        folder = (default() if where == "on" else Path(where)).resolve()
        _kept = Kept(folder / _processor())
    except (OSError, RuntimeError) as error:
        place = where if where != "on" else "the user's cache folder"
        _say(f"compiled programs are not kept, for {place} cannot be used: {error}")
        return
    atexit.register(close)
    for name, value in SETTINGS.items():
        if name.upper() not in os.environ:
            jax.config.update(name, value)
    jax.config.update("jax_compilation_cache_dir", str(_kept.own))
    warnings.showwarning = _told(warnings.showwarning)


def publish() -> None:
    """Gives what has been compiled so far to other processes, now and later."""
    if _kept is not None:
        _kept.publish()


def close() -> None:
    """Publishes, and removes the folder of this process."""
    global _kept
    if _kept is not None:
        _kept.publish()
        _kept.close()
        _kept = None


def default() -> Path:
    """The folder in the user's cache folder.

    Raises:
      RuntimeError: if there is none, for the user has no home.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    return cache / "s5rl" / "compiled"


class Kept:
    """The programs in a folder, and this process's own folder inside."""

    def __init__(self, folder: Path):
        """Makes both, and links what is there.

        Raises:
          OSError: if the folder cannot be made or written, or has no hard links.
        """
        self.folder, self._open = folder, ExitStack()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.remove(folder)
        self.own = unfinished.beside(folder / "process")
        self.own.mkdir(mode=0o700)
        try:
            self._open.enter_context(unfinished.kept(self.own))
            self._try()
            _bound(folder, MOST)
            for path in folder.glob(ENTRIES):
                with suppress(FileNotFoundError):  # another process removes it now
                    os.link(path, self.own / path.name)
        except BaseException:
            self.close()
            raise

    def _try(self) -> None:
        trial = self.own / "trial"
        trial.write_bytes(b"")
        os.link(trial, self.own / "linked")

    def publish(self) -> None:
        """Links new entries into the folder, whole and on the disk."""
        try:
            for path in self._new():
                files.sync(path)
                with suppress(FileExistsError):  # another process was first
                    os.link(path, self.folder / path.name)
        except OSError as error:
            _say(f"compiled programs cannot be kept in {self.folder}: {error}")

    def drop(self, program: str) -> None:
        """Forgets every entry of a program's name: one of them is damaged."""
        for folder in (self.own, self.folder):
            for path in folder.glob(f"{program}-*"):
                path.unlink(missing_ok=True)

    def drop_new(self, program: str) -> None:
        """Forgets what could not be written whole."""
        for path in self._new():
            if path.name.startswith(f"{program}-"):
                path.unlink(missing_ok=True)

    def _new(self) -> Iterator[Path]:
        yield from (p for p in self.own.glob(ENTRIES) if p.stat().st_nlink == 1)

    def close(self) -> None:
        """Removes the folder of this process."""
        shutil.rmtree(self.own, ignore_errors=True)
        self._open.close()


_kept: Kept | None = None


def _bound(folder: Path, most: int) -> None:
    """Removes the entries that were not read for longest, down to so many bytes."""
    found = []
    for path in folder.glob(ENTRIES):
        with suppress(FileNotFoundError):
            entry = path.stat()
            found.append((max(entry.st_atime, entry.st_mtime), entry.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            return
        path.unlink(missing_ok=True)
        total -= size


def _processor() -> str:
    """Machine code is for one kind of processor; a home may be on several."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
        said = [line for line in lines if line.startswith(("model name", "flags"))]
        digest = hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]
        return f"{platform.machine()}-{digest}"
    return platform.machine()


def _told(show: Callable[..., None]) -> Callable[..., None]:
    """What JAX warns of a cache as a sentence; everything else as it was shown."""

    def told(message: Any, *rest: Any, **named: Any) -> None:
        found = _TROUBLE.match(str(message))
        if found is None or _kept is None:
            show(message, *rest, **named)
            return
        doing, program, error = found.groups()
        if doing == "reading":
            _kept.drop(program)
            _say(f"the kept program {program} is damaged and compiled anew ({error})")
        else:
            _kept.drop_new(program)
            _say(f"the compiled program {program} cannot be kept: {error}")

    return told


_TROUBLE = re.compile(
    r"Error (reading|writing) persistent compilation cache entry for '(.*?)': (.*)",
    re.DOTALL,
)


def _say(text: str) -> None:
    print(f"{entry.sentence(text)}.", flush=True)
