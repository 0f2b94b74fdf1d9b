"""Every environment of gymnax: what it measures, what it pays. Free of JAX.

Chance is the mean return of 1,000 episodes of uniformly random actions, gymnax 1.0.1
(benchmarks/chance.py), or exact where a formula below says so; best stands where the
rules give it. Both hold for the default parameters; `levels` says for which others.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from envs.config import GymnaxConfig
from envs.scale import Levels, changed, pole_steps

Params = Mapping[str, Any]


class Entry(NamedTuple):
    """One environment; levels with its default parameters."""

    measures: str  # in a line
    chance: float | None
    best: float | None
    defaults: dict[str, Any]  # parameters with which levels can be worked out anew


_CHAIN = {"memory_length": 5, "num_bits": 1, "max_steps_in_episode": 1000}
_UMBRELLA = {"chain_length": 10, "n_distractor": 0, "max_steps_in_episode": 100}
_DISCOUNTING = {"mapping_seed": 0, "optimal_return": 1.1}
_SEA = {"size": 8, "unscaled_move_cost": 0.01}


def _clock(steps: int) -> dict[str, Any]:
    return {"max_steps_in_episode": steps}


TABLE = {
    "CartPole-v1": Entry("balance a pole", 22.24, 500.0, _clock(500)),
    "Pendulum-v1": Entry("swing a pendulum up", -1215.0, None, {}),
    "Acrobot-v1": Entry("swing a two-link arm up", -499.0, None, {}),
    "MountainCar-v0": Entry("climb by swinging", -200.0, None, _clock(200)),
    "MountainCarContinuous-v0": Entry(
        "climb by swinging, at a price", -33.3, None, _clock(999)
    ),
    "Asterix-MinAtar": Entry("collect and dodge", 0.50, None, {}),
    "Breakout-MinAtar": Entry("break bricks", 0.39, None, {}),
    "Freeway-MinAtar": Entry("cross a road", 0.40, None, {}),
    "Seaquest-MinAtar": Entry("dive, shoot and breathe", 0.09, None, {}),
    "SpaceInvaders-MinAtar": Entry("shoot invaders", 4.1, None, {}),
    "Catch-bsuite": Entry("catch a falling ball", -0.61, 1.0, {}),
    "DeepSea-bsuite": Entry("explore deeply", 2**-8 - 0.005, 0.99, _SEA),
    "MemoryChain-bsuite": Entry("remember a bit (see memory_chain)", 0.0, 1.0, _CHAIN),
    "UmbrellaChain-bsuite": Entry(
        "assign credit past distractors", 0.0, 1.0, _UMBRELLA
    ),
    "DiscountingChain-bsuite": Entry("choose among delays", 1.02, 1.1, _DISCOUNTING),
    "MNISTBandit-bsuite": Entry("classify digits (downloads them)", None, 1.0, {}),
    "SimpleBandit-bsuite": Entry("choose an arm", 0.5, 1.0, {"num_actions": 11}),
    "FourRooms-misc": Entry("walk to a goal", 0.45, 1.0, {}),
    "MetaMaze-misc": Entry("find a hidden goal again", 8.1, None, {}),
    "PointRobot-misc": Entry("find a hidden point again", 0.16, None, {}),
    "BernoulliBandit-misc": Entry("explore and exploit arms", 50.2, None, {}),
    "GaussianBandit-misc": Entry("explore and exploit arms", -50.5, None, {}),
    "Reacher-misc": Entry("reach with an arm", 15.8, None, {}),
    "Swimmer-misc": Entry("swim", 83.7, None, {}),
    "Pong-misc": Entry("return a ball", 87.6, None, {}),
    "FrozenLake-misc": Entry("cross slippery ice", 0.01, None, {}),
}


def levels(config: GymnaxConfig) -> Levels:
    """Chance and best; None where a parameter changes them, and no rule says how."""
    entry = TABLE[config.id]
    other = changed(config.params, entry.defaults)
    if not other:
        return Levels(entry.chance, entry.best)
    if not other.keys() <= entry.defaults.keys():
        return Levels()
    return _RULES[config.id](entry.defaults | other)


def _cartpole(params: Params) -> Levels:
    limit = max(params["max_steps_in_episode"], 1)  # 1 a step
    return Levels(pole_steps(limit), float(limit))


def _mountain_car(params: Params) -> Levels:
    # -1 a step; random play does not get up within 200.
    limit = params["max_steps_in_episode"]
    return Levels(-float(limit) if limit <= 200 else None)


def _mountain_car_continuous(params: Params) -> Levels:
    # -0.1 a^2 a step, a uniform in [-1, 1]; random play does not get up within 999.
    limit = params["max_steps_in_episode"]
    return Levels(-limit / 30 if limit <= 999 else None)


def _deep_sea(params: Params) -> Levels:
    # Half of the steps go right, at a price; all of them once in 2^size.
    price = params["unscaled_move_cost"]
    return Levels(0.5 ** params["size"] - price / 2, 1.0 - price)


def _memory_chain(params: Params) -> Levels:
    paid = params["memory_length"] < params["max_steps_in_episode"]
    return Levels(0.0, 1.0 if paid else 0.0)


def _umbrella_chain(params: Params) -> Levels:
    # Rewards on the way are noise of mean 0; the last one is +1 or -1.
    paid = params["chain_length"] <= params["max_steps_in_episode"]
    return Levels(0.0, 1.0 if paid else 0.0)


def _discounting_chain(params: Params) -> Levels:
    # One of five chains pays another reward than 1.
    other = params["optimal_return"]
    return Levels((4 + other) / 5, float(max(1.0, other)))


def _simple_bandit(params: Params) -> Levels:
    # Arms pay evenly from 0 to 1.
    return Levels(0.5, 1.0) if params["num_actions"] > 1 else Levels(0.0, 0.0)


_RULES: dict[str, Callable[[Params], Levels]] = {
    "CartPole-v1": _cartpole,
    "MountainCar-v0": _mountain_car,
    "MountainCarContinuous-v0": _mountain_car_continuous,
    "DeepSea-bsuite": _deep_sea,
    "MemoryChain-bsuite": _memory_chain,
    "UmbrellaChain-bsuite": _umbrella_chain,
    "DiscountingChain-bsuite": _discounting_chain,
    "SimpleBandit-bsuite": _simple_bandit,
}
