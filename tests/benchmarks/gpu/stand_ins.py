"""Questions whose answers are known, for the coordinator. Free of JAX."""

import os
import time

from benchmarks.gpu.worker import Refusal


def spans(folder, name, seconds):
    """Compiles and times for so long, and notes when in files."""

    def note(what):
        with open(f"{folder}/{name}", "a") as file:
            file.write(f"{what} {time.monotonic()}\n")

    note("compiling")
    time.sleep(seconds)
    note("compiled")

    def run():
        note("timing")
        yield {"first": name}
        time.sleep(seconds)
        note("timed")
        yield {"second": name}

    return run


def refuses(why):
    raise Refusal(why)


def fails():
    def run():
        yield {"before": 1}
        raise ValueError("two\nlines")

    return run


def dies(when):
    if when == "compiling":
        os._exit(7)

    def run():
        yield {"before": 1}
        os._exit(9)

    return run


def hangs(when):
    def run():
        time.sleep(600)
        yield {}

    if when == "compiling":
        time.sleep(600)
    return run


def sees(name):
    """The environment as it is before anything slow is imported."""
    found = {"value": os.environ.get(name), "memory": None}
    found["memory"] = os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE")

    def run():
        yield found

    return run
