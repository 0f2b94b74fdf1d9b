"""Which environments of other suites are known, and what they need. Free of JAX."""

import importlib.util
from typing import NamedTuple


class Suite(NamedTuple):
    """One suite, available as `<suite>/<id>` when its extra is installed."""

    package: str  # what is imported, and so what has to be there
    environments: dict[str, str]  # id: what it measures, in a line
    # Its adapter is the module `envs.suites.<suite>`, its extra is called like it.


_CRAFTAX = {
    "Craftax-Symbolic-v1": "explore, craft and fight through nine levels",
    "Craftax-Pixels-v1": "the same, as a picture",
    "Craftax-Classic-Symbolic-v1": "gather, craft and survive, as Crafter has it",
    "Craftax-Classic-Pixels-v1": "the same, as a picture",
}

_NAVIX = {
    **{
        f"Navix-Empty-{start}{n}x{n}-v0": "walk to a goal"
        for start in ("", "Random-")
        for n in (5, 6, 8, 16)
    },
    **{
        f"Navix-DoorKey-{start}{n}x{n}-v0": "fetch a key, open a door, walk to a goal"
        for start in ("", "Random-")
        for n in (5, 6, 8, 16)
    },
    "Navix-FourRooms-v0": "find a goal in four rooms",
    **{f"Navix-LavaGapS{n}-v0": "walk to a goal past lava" for n in (5, 6, 7)},
    **{
        f"Navix-SimpleCrossing{size}-v0": "find the gaps between walls"
        for size in ("S9N1", "S9N2", "S9N3", "S11N5")
    },
    **{
        f"Navix-Dynamic-Obstacles-{size}-v0": "walk to a goal past moving balls"
        for size in ("5x5", "5x5-Random", "6x6", "6x6-Random", "8x8", "16x16")
    },
    **{f"Navix-DistShift{n}-v0": "walk to a goal around lava" for n in (1, 2)},
    **{f"Navix-GoToDoor-{n}x{n}-v0": "go to the door asked for" for n in (5, 6, 8)},
}

_XLAND = {
    **{
        f"XLand-MiniGrid-{rooms}-{n}x{n}": "find out a hidden goal and hidden rules"
        for rooms, sizes in (
            ("R1", (9, 11, 13, 15, 17)),
            ("R2", (9, 11, 13, 15, 17)),
            ("R4", (9, 11, 13, 15, 17)),
            ("R6", (13, 17, 19)),
            ("R9", (16, 19, 25)),
        )
        for n in sizes
    },
    "MiniGrid-BlockedUnlockPickUp": "clear a door, unlock it, pick an object up",
    **{
        f"MiniGrid-DoorKey-{n}x{n}": "fetch a key, open a door, walk to a goal"
        for n in (5, 6, 8, 16)
    },
    **{
        f"MiniGrid-Empty{start}-{n}x{n}": "walk to a goal"
        for start in ("", "Random")
        for n in (5, 6, 8, 16)
    },
    "MiniGrid-FourRooms": "find a goal in four rooms",
    "MiniGrid-LockedRoom": "find the key to the room with the goal",
    **{
        f"MiniGrid-MemoryS{n}": "remember an object along a corridor"
        for n in (8, 16, 32, 64, 128)
    },
    "MiniGrid-Playground": "roam nine rooms, without a reward",
    "MiniGrid-Unlock": "fetch a key and open a door",
    "MiniGrid-UnlockPickUp": "unlock a door and pick an object up",
}

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
    "craftax": Suite("craftax", _CRAFTAX),
    "jaxarc": Suite(
        package="jaxarc",
        environments={
            "Mini": "find a hidden rule of grids and apply it, 5 by 5",
            "Concept": "the same, by concept, up to 30 by 30",
            "AGI1": "the same, ARC-AGI-1",
            "AGI2": "the same, ARC-AGI-2",
        },
    ),
    "navix": Suite("navix", _NAVIX),
    "xland": Suite("xminigrid", _XLAND),
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
