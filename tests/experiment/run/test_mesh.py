"""Learners over several devices compute what they compute on one. On simulated devices,
in a process of its own (`tests.experiment.run.spread`).

Mutants, and the law that fails for each:

    gradients are not averaged                        of_pqn
    blocks of a device are numbered from 0            blocks_anywhere
    each device draws the first lanes                 blocks_anywhere
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.collectives import collectives

ROOT = Path(__file__).parents[3]
QUICK = "of_pqn"


@pytest.mark.parametrize(
    "law",
    [
        QUICK,
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in (
                *("learners_alone", "blocks_anywhere", "both_ways"),
                *("of_imitate", "of_distill"),
            )
        ),
    ],
)
def test_devices_change_nothing(law, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.experiment.run.spread", str(tmp_path), law],
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {law: ""}


def test_messages_are_read_from_a_programs_text():
    text = """
  %a = f32[3,4]{1,0} all-reduce(%x), channel_id=1
  %b = (f32[8]{0}, pred[]) all-reduce-start(%y, %z), channel_id=2
  %c = bf16[2,2]{1,0} all-gather(%x), dimensions={0}
  %d = f32[3] add(%x, %all-reduce.1)
"""
    assert collectives(text) == [
        *(("all-reduce", 48), ("all-reduce", 33), ("all-gather", 8))
    ]
