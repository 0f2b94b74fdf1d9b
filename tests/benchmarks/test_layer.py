"""What a layer is said to compute and to make.

mutant                                  | the test that failed: test_…
--------------------------------------- | ----------------------------------------------
S5's states are complex again           | a_layer_of_s5_makes_no_complex_array
sizes of complex arrays are not read    | a_layer_of_s5_makes_no_complex_array
gradients are of the parameters alone   | products_are_three_times_as_many_…
"""

import json

import pytest

from benchmarks import layer

T, B, H, N = 6, 2, 8, 4
SIZES = [f"--length={T}", f"--batch={B}", f"--features={H}", f"--states={N}"]


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        printed = []
        patch.setattr("builtins.print", lambda line, **_: printed.append(line))
        layer.main(["--core", "s5", "lru", *SIZES])
    found = map(json.loads, printed)
    return {(row["core"], row["direction"]): row for row in found}


def test_a_layer_of_s5_makes_no_complex_array(rows):
    for direction in ("forward", "gradients"):
        assert rows["s5", direction]["complex_arrays"] == 0
        assert rows["lru", direction]["complex_arrays"] > 0  # they would be seen


def test_products_are_three_times_as_many_with_gradients(rows):
    forward, gradients = (rows["s5", d]["flop"] for d in ("forward", "gradients"))
    assert forward == 2 * T * B * (H * N + N * H + H * H)  # in, out and the gate
    assert gradients == 3 * forward


def test_no_program_moves_less_than_it_must(rows):
    for row in rows.values():
        assert row["bytes"] > row["bytes_least"] > 4 * 2 * T * B * H
