"""Launches are counted as a device would see them, on text made up and on real text.

mutant                               | the test that failed: test_…
------------------------------------ | ----------------------------------------
what is inside a fusion counts       | a_pass_counts_what_a_device_launches
inner loops count once               | a_pass_counts_what_a_device_launches
the dearer branch counts             | a_pass_counts_what_a_device_launches
a command buffer is no dispatch      | a_command_buffer_is_launched_once
the first loop found counts          | the_loop_is_found_by_its_length
"""

import jax
import jax.numpy as jnp
import pytest

from benchmarks.gpu.launches import Launches, computations, in_loop

MADE_UP = """
HloModule jit_collect, is_scheduled=true, entry_computation_layout={(f32[4]{0})->f32[4]{0}}

%fused_multiply (param_0.1: f32[4]) -> f32[4] {
  %param_0.1 = f32[4]{0} parameter(0)
  %two.1 = f32[] constant(2)
  ROOT %multiply.1 = f32[4]{0} multiply(f32[4]{0} %param_0.1, f32[4]{0} %param_0.1)
}

%command_buffer (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  %loop_fusion.7 = f32[4]{0} fusion(f32[4]{0} %p), kind=kLoop, calls=%fused_multiply
  ROOT %loop_fusion.8 = f32[4]{0} fusion(f32[4]{0} %loop_fusion.7), kind=kLoop, calls=%fused_multiply
}

%inner_body (arg: (s32[], f32[4])) -> (s32[], f32[4]) {
  %arg = (s32[], f32[4]{0}) parameter(0)
  %gte.1 = f32[4]{0} get-tuple-element((s32[], f32[4]{0}) %arg), index=1
  %fusion.5 = f32[4]{0} fusion(f32[4]{0} %gte.1), kind=kLoop, calls=%fused_multiply
  %gte.0 = s32[] get-tuple-element((s32[], f32[4]{0}) %arg), index=0
  ROOT %tuple.1 = (s32[], f32[4]{0}) tuple(s32[] %gte.0, f32[4]{0} %fusion.5)
}

%inner_condition (arg.1: (s32[], f32[4])) -> pred[] {
  %arg.1 = (s32[], f32[4]{0}) parameter(0)
  %gte.9 = s32[] get-tuple-element((s32[], f32[4]{0}) %arg.1), index=0
  ROOT %compare.1 = pred[] compare(s32[] %gte.9, s32[] %gte.9), direction=LT
}

%rare (arg.2: f32[4]) -> f32[4] {
  %arg.2 = f32[4]{0} parameter(0)
  %fusion.20 = f32[4]{0} fusion(f32[4]{0} %arg.2), kind=kLoop, calls=%fused_multiply
  ROOT %fusion.21 = f32[4]{0} fusion(f32[4]{0} %fusion.20), kind=kLoop, calls=%fused_multiply
}

%usual (arg.3: f32[4]) -> f32[4] {
  ROOT %arg.3 = f32[4]{0} parameter(0)
}

%step (arg.4: (s32[], f32[4])) -> (s32[], f32[4]) {
  %arg.4 = (s32[], f32[4]{0}) parameter(0)
  %i = s32[] get-tuple-element((s32[], f32[4]{0}) %arg.4), index=0
  %x = f32[4]{0} get-tuple-element((s32[], f32[4]{0}) %arg.4), index=1
  %gemm = (f32[4]{0}, s8[64]{0}) custom-call(f32[4]{0} %x, f32[4]{0} %x), custom_call_target="__cublas$gemm"
  %y = f32[4]{0} get-tuple-element((f32[4]{0}, s8[64]{0}) %gemm), index=0
  %copy.3 = f32[4]{0} copy(f32[4]{0} %y)
  %loop = (s32[], f32[4]{0}) while((s32[], f32[4]{0}) %arg.4), condition=%inner_condition, body=%inner_body, backend_config={"known_trip_count":{"n":"3"}}
  %cut = pred[] constant(false)
  %c = f32[4]{0} conditional(pred[] %cut, f32[4]{0} %y, f32[4]{0} %y), true_computation=%rare, false_computation=%usual
  %called = f32[4]{0} call(f32[4]{0} %c), to_apply=CALLED
  ROOT %tuple.2 = (s32[], f32[4]{0}) tuple(s32[] %i, f32[4]{0} %called)
}

%short_body (arg.5: (s32[], f32[4])) -> (s32[], f32[4]) {
  ROOT %arg.5 = (s32[], f32[4]{0}) parameter(0)
}

ENTRY %main (x.1: f32[4]) -> f32[4] {
  %x.1 = f32[4]{0} parameter(0)
  %zero = s32[] constant(0)
  %start = (s32[], f32[4]{0}) tuple(s32[] %zero, f32[4]{0} %x.1)
  %w1 = (s32[], f32[4]{0}) while((s32[], f32[4]{0}) %start), condition=%inner_condition, body=%short_body, backend_config={"known_trip_count":{"n":"5"}}
  %w2 = (s32[], f32[4]{0}) while((s32[], f32[4]{0}) %w1), condition=%inner_condition, body=%step, backend_config={"known_trip_count":{"n":"128"},"other":1}
  ROOT %out = f32[4]{0} get-tuple-element((s32[], f32[4]{0}) %w2), index=1
}
"""  # noqa: E501


def test_a_pass_counts_what_a_device_launches():
    """One product, one copy, 3 times (a fusion and a comparison), one usual branch."""
    text = MADE_UP.replace("CALLED", "%usual")
    assert in_loop(text, 128) == Launches(
        kernels=3 * 2, custom_calls=1, copies=1, command_buffers=0, dispatches=8
    )
    branches = "branch_computations={%rare, %usual}"
    listed = text.replace("true_computation=%rare, false_computation=%usual", branches)
    assert in_loop(listed, 128) == in_loop(text, 128)


def test_a_command_buffer_is_launched_once():
    text = MADE_UP.replace("CALLED", "%command_buffer")
    found = in_loop(text, 128)
    assert found.command_buffers == 1 and found.kernels == 8
    assert found.dispatches == 9  # without one, 10


def test_the_loop_is_found_by_its_length():
    text = MADE_UP.replace("CALLED", "%usual")
    assert in_loop(text, 5) == Launches()
    assert in_loop(text, 3) == Launches(kernels=2 - 1, dispatches=1)
    with pytest.raises(ValueError, match="known to run 7 times"):
        in_loop(text, 7)


@pytest.mark.usefixtures("quick_compilation")
def test_what_xla_writes_here_is_read():
    """A step of three products that need one another."""
    w = jnp.ones((4, 4))

    def step(x, _):
        return jnp.tanh(x @ w) @ w @ w, x.sum()

    def run(x):
        return jax.lax.scan(step, x, None, 11)

    text = jax.jit(run).lower(jnp.ones((3, 4))).compile().as_text()
    assert any(
        each.opcode == "while" for c in computations(text).values() for each in c
    )
    found = in_loop(text, 11)
    assert found.dispatches >= 3
    assert found.dispatches == found.kernels + found.custom_calls + found.copies
