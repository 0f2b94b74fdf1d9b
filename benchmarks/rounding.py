"""What do bfloat16 and `precision` change in value, gradient and first ratio?

    python -m benchmarks.rounding
    python -m benchmarks.rounding --network default --length 8 --cases bfloat16

A rollout of `memory_chain` is collected and learned from once, in float32 and
otherwise, with the same parameters, by the default network and by the paper's (four
layers of 256, 256 states, full GLU). The last layer is drawn large, so that the policy
is not the nearly uniform one of a new agent. A line of JSON for each case:

    value         root mean square error, over the values' standard deviation
    gradient      norm of the error over the norm, of all parameters
    parameter     the same of the worst parameter whose gradient is not small
    first_ratio   largest |pi_new / pi_old - 1| in a rollout of its own, and `_mean`
"""

import argparse
import json
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp

import envs
import s5rl
from agents.acting.fit import Minibatch
from agents.ppo.agent import PPO, make_ppo
from agents.ppo.config import PPOConfig
from agents.ppo.objective import Learned, loss
from benchmarks.measure import machine, positive, rounded
from benchmarks.paper import Parts

NETWORKS: dict[str, dict[str, Any]] = {
    "default": {"features": 64, "dt_min": 3e-4, "norm": "post"},  # configs/core/s5.yaml
    "paper": {"features": 256, "num_layers": 4, "state_size": 256,
              "activation": "full_glu"},
}  # fmt: skip
# (the core's dtype, the agent's, precision)
CASES = {
    "float32": ("float32", "float32", None),
    "core": ("bfloat16", "float32", None),
    "bfloat16": ("bfloat16", "bfloat16", None),
    "default": ("float32", "float32", "default"),
    "high": ("float32", "float32", "high"),
    "highest": ("float32", "float32", "highest"),
}
# What docs/performance.md says of each; a test holds it.
STATED = {
    "value": 0.15, "gradient": 0.06, "parameter": 0.1,
    "first_ratio": 0.05, "first_ratio_mean": 1e-3,
}  # fmt: skip
GAIN = 100.0  # of the layer that logits come from
SMALL = 1e-3  # of the norm of the whole gradient


def make_agent(network: str, core_dtype: str, dtype: str, *, length: int) -> PPO:
    """The agent whose rollouts are compared."""
    env, env_params = envs.make("memory_chain", memory_length=length - 1)
    core = s5rl.make_core("s5", dtype=core_dtype, **NETWORKS[network])
    config = PPOConfig(
        num_envs=16, rollout_length=length, num_minibatches=1, dtype=dtype
    )
    return make_ppo(config, env=env, env_params=env_params, core=core, num_updates=1)


def gradient(agent: PPO, learner: Any, rollout: Any, advantage: Any) -> Any:
    """(gradient of the loss, values [T, B]) of a rollout that may be another's."""
    carry = learner.situation.carry
    batch = Minibatch(carry, rollout, Learned(advantage))
    grads, _ = jax.grad(loss, has_aux=True)(
        learner.params, batch, jax.random.key(0), agent
    )
    _, _, value = agent.policy(learner.params)(carry, rollout.obs, rollout.reset)
    return grads, value


def first_ratio(agent: PPO, learner: Any) -> jax.Array:
    """[T, B] |ratio - 1| where the agent replays what it has just collected."""
    _, rollout = Parts(agent).collect(learner)
    _, distribution, _ = agent.policy(learner.params)(
        learner.situation.carry, rollout.obs, rollout.reset
    )
    log_ratio = distribution.log_prob(rollout.action) - rollout.log_prob
    return jnp.abs(jnp.exp(log_ratio) - 1)


def errors(network: str, case: str, *, length: int, seed: int = 0) -> dict[str, float]:
    """Of a case, beside float32."""
    plain = make_agent(network, "float32", "float32", length=length)
    learner = jax.jit(plain.initialise)(jax.random.key(seed))
    learner.params["params"]["actor_output"]["kernel"] *= GAIN
    collect = jax.jit(Parts(plain).collect)
    rollout = collect(learner)[1]
    advantage = Parts(plain).advantages(rollout)
    core_dtype, dtype, precision = CASES[case]
    agent = make_agent(network, core_dtype, dtype, length=length)

    def run(agent):
        program = jax.jit(gradient, static_argnums=0)
        return program(_Held(agent), learner, rollout, advantage)

    want, want_value = run(plain)
    with jax.default_matmul_precision(precision) if precision else nullcontext():
        got, value = run(agent)
        ratio = jax.jit(first_ratio, static_argnums=0)(_Held(agent), learner)
    norm = jnp.linalg.norm
    pairs = [*zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True)]
    whole = jnp.sqrt(sum(jnp.sum(b**2) for _, b in pairs))
    wrong = jnp.sqrt(sum(jnp.sum((a - b) ** 2) for a, b in pairs))
    large = [norm(a - b) / norm(b) for a, b in pairs if norm(b) > SMALL * whole]
    found = {
        "value": jnp.sqrt(jnp.mean((value - want_value) ** 2)) / want_value.std(),
        "gradient": wrong / whole,
        "parameter": max(large),
        "first_ratio": ratio.max(),
        "first_ratio_mean": ratio.mean(),
    }
    return {name: float(error) for name, error in found.items()}


class _Held:
    """An agent as a static argument, which must be hashable: by identity."""

    def __init__(self, agent: PPO):
        self._agent = agent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agent, name)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=[*NETWORKS])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=[*CASES])
    parser.add_argument("--length", type=positive, default=256, help="T")
    flags = parser.parse_args(argv)
    for network in flags.network:
        for case in flags.cases:
            found = errors(network, case, length=flags.length)
            row = {"benchmark": "rounding", "network": network, "case": case}
            row |= {"T": flags.length} | {k: rounded(v) for k, v in found.items()}
            print(json.dumps(row | machine()), flush=True)


if __name__ == "__main__":
    main()
