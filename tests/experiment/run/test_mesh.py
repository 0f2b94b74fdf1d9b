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

from benchmarks.collectives import collectives, sent

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


def test_messages_in_loops_are_sent_as_often():
    text = """
%sum (a: f32[], b: f32[]) -> f32[] {
  ROOT %s = f32[] add(%a, %b)
}

%inner (x: f32[4]) -> f32[4] {
  ROOT %r = f32[4]{0} all-reduce(%x), channel_id=1, to_apply=%sum
}

%outer (x: f32[4]) -> f32[4] {
  %g = f32[2]{0} all-reduce(%y), channel_id=2, to_apply=%sum
  ROOT %w = f32[4] while(%x), condition=%c, body=%inner, TURNS3
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %p = pred[] all-reduce(%q), channel_id=3, to_apply=%sum
  ROOT %w = f32[4] while(%x), condition=%c, body=%outer, TURNS5
}
"""
    for turns in "35":
        known = f'backend_config={{"known_trip_count":{{"n":"{turns}"}}}}'
        text = text.replace(f"TURNS{turns}", known)
    found = [tuple(message) for message in sent(text)]
    assert sorted(found) == [
        *(("all-reduce", 1, 1), ("all-reduce", 8, 5), ("all-reduce", 16, 15))
    ]
