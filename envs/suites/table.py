"""Which environments of other suites are known, and what they need. Free of JAX."""

import importlib.util
from typing import NamedTuple


class Suite(NamedTuple):
    """One suite, available as `<suite>/<id>` when its extra is installed."""

    package: str  # what is imported, and so what has to be there
    environments: dict[str, str]  # id: what it measures, in a line
    # Its adapter is the module `envs.suites.<suite>`, its extra is called like it.


SUITES: dict[str, Suite] = {
    "brax": Suite(
        package="brax",
        environments={
            "ant": "walk on four legs",
            "halfcheetah": "run in a plane",
            "hopper": "hop on one leg",
            "humanoid": "walk upright, and not fall",
            "humanoidstandup": "stand up from the ground",
            "inverted_double_pendulum": "balance two poles on each other",
            "inverted_pendulum": "balance a pole",
            "pusher": "push an object to a goal with an arm",
            "reacher": "reach a target with an arm",
            "walker2d": "walk on two legs in a plane",
        },
    ),
    "playground": Suite(
        package="mujoco_playground",
        environments={
            "AcrobotSwingup": "swing a two-link arm up and balance it",
            "AcrobotSwingupSparse": "the same, rewarded only at the top",
            "BallInCup": "swing a ball on a string into a cup",
            "CartpoleBalance": "balance a pole",
            "CartpoleBalanceSparse": "the same, rewarded only if upright and centred",
            "CartpoleSwingup": "swing a pole up and balance it",
            "CartpoleSwingupSparse": "the same, rewarded only if upright and centred",
            "CheetahRun": "run in a plane",
            "FingerSpin": "keep a free body spinning",
            "FingerTurnEasy": "turn a free body to a large target",
            "FingerTurnHard": "turn a free body to a small target",
            "FishSwim": "swim to a target",
            "HopperHop": "hop on one leg, fast",
            "HopperStand": "stand on one leg",
            "HumanoidRun": "run upright",
            "HumanoidStand": "stand upright",
            "HumanoidWalk": "walk upright",
            "PendulumSwingup": "swing a weak pendulum up",
            "PointMass": "move a point to a goal",
            "ReacherEasy": "reach a large target with an arm",
            "ReacherHard": "reach a small target with an arm",
            "SwimmerSwimmer6": "swim to a target with six links",
            "WalkerRun": "run on two legs in a plane",
            "WalkerStand": "stand on two legs in a plane",
            "WalkerWalk": "walk on two legs in a plane",
        },
    ),
    "jumanji": Suite(
        package="jumanji",
        environments={
            "BinPack-v2": "pack boxes into a container",
            "CVRP-v1": "deliver along short routes, with a limited load",
            "FlatPack-v0": "fill a grid with blocks",
            "Game2048-v1": "merge tiles",
            "GraphColoring-v1": "colour a graph with few colours",
            "Knapsack-v1": "pack what is worth most",
            "Maze-v0": "walk through a maze",
            "Minesweeper-v0": "open all cells without a mine",
            "PacMan-v1": "collect and evade",
            "RubiksCube-partly-scrambled-v0": "solve a cube that is seven turns off",
            "RubiksCube-v0": "solve a cube",
            "SlidingTilePuzzle-v0": "order tiles by sliding them",
            "Snake-v1": "eat, grow and stay alive",
            "Sudoku-v0": "fill a grid without repetition",
            "Sudoku-very-easy-v0": "the same, from grids with few empty cells",
            "TSP-v1": "visit all cities on a short tour",
            "Tetris-v0": "complete rows of falling pieces",
        },
    ),
}


def check_installed(suite: str) -> None:
    """Refuses a suite whose package is missing.

    Raises:
      ValueError: saying what to install.
    """
    package = SUITES[suite].package
    if importlib.util.find_spec(package) is None:
        raise ValueError(
            f"{suite}/... needs the package {package}, which is not installed; install "
            f'it with pip install -e ".[train,{suite}]".'
        )
