"""What is exported acts as the learner does, with memory in and out, over resets.

| mutant | fails |
|---|---|
| memory that comes out is the one that went in | test_it_acts_as_the_learner |
| `reset` is not handed on | test_it_acts_as_the_learner |
| planes are imaginary part first, one way only | test_it_acts_as_the_learner |
| a product of pairs adds the imaginary parts' | test_in_plain_words_it_is_the_same |
| cummax from the wrong end | test_in_plain_words_it_is_the_same |
| a choice of bools takes the other case | test_in_plain_words_it_is_the_same |
| `check` compares nothing | test_what_plays_otherwise_is_not_written |
| the key is not used | test_drawn_actions_are_those_of_the_key |
| hidden state stays an input | test_what_only_a_critic_sees_is_no_input |
"""

import json
import runpy
from pathlib import Path

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.player import Learner
from experiment.errors import InputError
from experiment.evaluate.load import Trained
from experiment.export import __main__ as export
from experiment.export import onnx_file, write
from experiment.export.plain import plain
from experiment.export.policy import NEW, program_of, step_of
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent
from s5rl.config import CORES
from tests.s5rl.cores.members import EXACT, ROUNDED

pytestmark = pytest.mark.usefixtures("quick_compilation")
STEPS, B = 12, 3
MEMBERS = {**EXACT, "s5-bfloat16": ROUNDED["s5-bfloat16"]}


@pytest.fixture
def made(tiny):
    """`(core, options, *keys) -> Trained` that was never trained; weights are drawn."""

    def made(core, options, *keys):
        mine = [key for key in tiny if not key.startswith(("core", "env"))]
        given = [
            f"core.{k}={v if isinstance(v, str) else json.dumps(v)}"
            for k, v in options.items()
        ]
        texts = [*mine, f"core={core}", "core.features=6", *given, *keys]
        config = run_config.load(cli.composed("train", texts))
        agent = build_agent(config)
        shapes = jax.eval_shape(agent.initialise, jax.random.key(0)).params
        draw = np.random.default_rng(0)

        def drawn(x):
            scale = 0.5 * jnp.issubdtype(x.dtype, jnp.floating)
            return jnp.asarray(scale * draw.normal(size=x.shape), x.dtype)

        params = jax.tree.map(drawn, shapes)
        learner = Learner(params, (), (), (), jnp.zeros((), jnp.int32))
        return Trained(config, agent, learner, 0)

    return made


def given(step, number, draw):
    return {
        name: write._drawn(draw, name, x, number)
        for name, x in step.inputs.items()
        if name not in step.memory
    }


def played(step, play):
    """[T] what comes out over steps, each with the memory of the one before."""
    draw, memory, found = np.random.default_rng(1), dict(step.memory), []
    for number in range(STEPS):
        out = play({**given(step, number, draw), **memory})
        memory = {name: np.asarray(out[f"{NEW}{name}"]) for name in memory}
        found.append(jax.tree.map(np.asarray, dict(out)))
    return found


@pytest.mark.thinned(40)
@pytest.mark.parametrize("name", MEMBERS)
def test_it_acts_as_the_learner(name, made):
    trained = made(*MEMBERS[name])
    step = step_of(trained, B)
    found = played(step, jax.jit(program_of(step).call))
    draw, carry = np.random.default_rng(1), trained.initial_carry(B)
    for number in range(STEPS):
        now = given(step, number, draw)
        carry, action = trained.act(carry, now["obs"], now["reset"])
        np.testing.assert_array_equal(found[number]["action"], action)
        kept = [x for name, x in found[number].items() if name.startswith(NEW)]
        for mine, theirs in zip(kept, jax.tree.leaves(carry), strict=True):
            if jnp.iscomplexobj(theirs):
                mine = mine[..., 0, :] + 1j * mine[..., 1, :]
            theirs = np.asarray(theirs, mine.dtype)
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def words(program):
    """Every operation of a program, and whether a complex number is in it."""
    for equation in program.eqns:
        kinds = [getattr(x.aval, "dtype", jnp.float32) for x in equation.outvars]
        complex_ = any(jnp.issubdtype(k, jnp.complexfloating) for k in kinds)
        yield equation.primitive.name, complex_
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            if hasattr(inner, "jaxpr") or hasattr(inner, "eqns"):
                yield from words(getattr(inner, "jaxpr", inner))


@pytest.mark.thinned(40)
@pytest.mark.parametrize("name", MEMBERS)
def test_in_plain_words_it_is_the_same(name, made):
    step = step_of(made(*MEMBERS[name]), B)
    names = list(step.inputs)

    def flat(*arrays):
        return tuple(step.function(dict(zip(names, arrays, strict=True))).values())

    said = plain(flat, *step.inputs.values())
    found = set(words(jax.make_jaxpr(said)(*step.inputs.values()).jaxpr))
    assert not {"stack", "cummax"} & {name for name, _ in found}
    assert not any(is_complex for _, is_complex in found)
    again = jax.jit(said)
    one, other = (
        played(step, play)
        for play in (
            jax.jit(step.function),
            lambda x: dict(zip(step.outputs, again(*x.values()), strict=True)),
        )
    )
    for x, y in zip(one, other, strict=True):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), x, y
        )


def test_drawn_actions_are_those_of_the_key(made):
    trained = made("gru", {})
    step = step_of(trained, B, greedy=False)
    found = played(step, jax.jit(step.function))
    draw, carry = np.random.default_rng(1), trained.initial_carry(B)
    for number in range(STEPS):
        now = given(step, number, draw)
        key = jax.random.wrap_key_data(jnp.asarray(now["key"]))
        carry, action = trained.act(carry, now["obs"], now["reset"], key, False)
        np.testing.assert_array_equal(found[number]["action"], action)


def test_what_only_a_critic_sees_is_no_input(made):
    step = step_of(made("mlp", {}, "agent.privileged_critic=true"), B)
    assert list(step.inputs) == ["obs", "reset"]


def test_what_plays_otherwise_is_not_written(made):
    trained = made("gru", {})
    step = step_of(trained, B)
    write.check(step, jax.jit(step.function), trained, B, "it")

    def forgetful(arrays):
        return step.function({**arrays, **step.memory})

    with pytest.raises(InputError, match="it does not play as the learner"):
        write.check(step, forgetful, trained, B, "it")


def test_the_setting_is_handed_on(monkeypatch):
    """Of a run of several; no words of ours say which but `setting_of`'s."""
    asked = {}

    def load(run, **options):
        asked.update(options, run=run)
        raise InputError("enough")

    monkeypatch.setattr("experiment.evaluate.load.load", load)
    monkeypatch.setattr(onnx_file, "is_there", lambda name: True)
    with pytest.raises(InputError, match="enough"):
        export.main("run=x seed=1 setting=3 onnx=false".split())
    assert asked == {"run": "x", "seed": 1, "setting": 3, "trust": False}


@pytest.mark.parametrize(
    "options, said",
    [
        ("seed=0", "run=RUN_DIR must say"),
        ("run=x batch=0", "batch must be a whole number of at least 1; got 0"),
        ("run=x greed=true", "greedy"),
        ("run=x greedy=1", "greedy must be true or false"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        export.main(options.split())


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_onnx_acts_as_the_learner(core, made):
    pytest.importorskip("jax2onnx", reason="needs the extra onnx")
    step = step_of(made(*EXACT[core]), 1)
    play = onnx_file.player(onnx_file.model_of(step), step)
    for x, y in zip(played(step, step.function), played(step, play), strict=True):
        np.testing.assert_array_equal(x.pop("action"), y.pop("action"))
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), x, y
        )


@pytest.mark.slow
@pytest.mark.parametrize("player", ["play_jax", "play_onnx"])
def test_a_stranger_plays_it(player, made, tmp_path, monkeypatch):
    """The very episodes that the learner plays, and nothing of ours is imported."""
    module, extra = (
        ("jax2onnx", "onnx") if "onnx" in player else ("flatbuffers", "export")
    )
    pytest.importorskip(module, reason=f"needs the extra {extra}")
    import gymnasium

    trained = made("s5", {}, "env=gymnax/CartPole-v1")
    onnx = "onnx" in player
    write.write(trained, tmp_path, batch=1, greedy=True, onnx=onnx)
    file = Path(__file__).parents[3] / "examples" / f"{player}.py"
    ours = ("import s5rl", "import agents", "import envs", "import experiment")
    assert not any(line in file.read_text() for line in ours)
    main = runpy.run_path(str(file))["main"]
    returns = main(str(tmp_path))
    with pytest.raises(SystemExit, match=r"reads \(4,\); Acrobot-v1 shows \(6,\)"):
        main(str(tmp_path), "Acrobot-v1")
    env, want, carry = gymnasium.make("CartPole-v1"), [], trained.initial_carry(1)
    for episode in range(3):
        (obs, _), total, opens, ended = env.reset(seed=episode), 0.0, True, False
        while not ended:
            carry, action = trained.act(carry, obs[None], jnp.array([opens]))
            obs, reward, terminated, truncated, _ = env.step(int(action[0]))
            total, opens, ended = total + reward, False, terminated or truncated
        want.append(total)
    assert returns == want
