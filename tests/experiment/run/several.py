"""Processes of one run, each with two simulated devices, on this machine."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.faults.runs import Ended
from tests.fresh import FOREGROUND, ROOT

# 20 steps an update.
SMALL = (
    *("env=memory_chain", "env.memory_length=4", "core=s5", "core.features=8"),
    *("core.num_layers=1", "core.state_size=4", "agent.num_envs=4"),
    *("agent.num_minibatches=2", "agent.epochs=1", "agent.encoder_sizes=[8]"),
    *("agent.anneal_learning_rate=false", "agent.head_sizes=[]"),
    *("log_every=5", "checkpoint_every=20"),
)
LONG = "total_steps=4_000_000"  # 200,000 updates: longer than anybody waits


def begin(cache: Path, devices: int, *arguments: str, **extra) -> subprocess.Popen:
    """`train.py` on so many simulated devices; `extra` stands in its environment."""
    flags = os.environ.get("XLA_FLAGS", "")
    return subprocess.Popen(
        [*FOREGROUND, sys.executable, str(ROOT / "train.py"), *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            # First, for XLA reads no further than to a word without dashes.
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} {flags}",
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": str(cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            **extra,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def crew(cache: Path, *arguments: str, slurm=False, faults=("", "")) -> list:
    """Two processes of two devices each that make one run, started by hand or so that
    they take themselves for those of a SLURM job."""
    port, found = free_port(), []
    for number, fault in enumerate(faults):
        told, extra = ["distributed=auto"], slurm_says(port, number)
        if not slurm:
            told, extra = by_hand(port, number), {}
        found.append(begin(cache, 2, *arguments, *told, S5RL_FAULT=fault, **extra))
    return found


def by_hand(port: int, number: int) -> list[str]:
    return [
        f"distributed.coordinator=127.0.0.1:{port}",
        *("distributed.num_processes=2", f"distributed.process_id={number}"),
    ]


def slurm_says(port: int, number: int) -> dict[str, str]:
    return {
        "SLURM_JOB_ID": "7",
        "SLURM_STEP_NODELIST": "localhost,elsewhere",
        "SLURM_NTASKS": "2",
        "SLURM_PROCID": str(number),
        "SLURM_LOCALID": "0",
        "JAX_COORDINATOR_PORT": str(port),
    }


def end(process: subprocess.Popen, seconds: float = 300) -> Ended:
    """Waits for it; one that is late is killed, and seen to be (137)."""
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, errors = process.communicate()
    code = process.returncode
    return Ended(128 - code if code < 0 else code, out, errors)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
