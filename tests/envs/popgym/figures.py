"""The reference's own figures: 1000 episodes of random play (seeds 0 to 999).

name: observation size, actions, longest episode, mean return and its standard
deviation, mean length and its standard deviation, worst return, best return (None where
there is no exact bound).
"""

_CARTPOLE = (22.8, 12.9)

FIGURES = {
    "autoencode_easy": (6, 4, 103, -0.502, 0.117, 103, 0, -1, 1),
    "autoencode_medium": (6, 4, 207, -0.501, 0.086, 207, 0, -1, 1),
    "autoencode_hard": (6, 4, 311, -0.498, 0.072, 311, 0, -1, 1),
    "battleship_easy": (2, 64, 64, -0.450, 0.167, 64.0, 0.9, -64 / 52, 1),
    "battleship_medium": (2, 100, 100, -0.418, 0.165, 99.9, 1.2, -100 / 88, 1),
    "battleship_hard": (2, 144, 144, -0.411, 0.145, 144.0, 0.6, -144 / 132, 1),
    "concentration_easy": (156, 52, 104, -0.198, 0.104, 104, 0, -1, 1),
    "concentration_medium": (312, 104, 208, -0.188, 0.071, 208, 0, -1, 1),
    "concentration_hard": (728, 52, 104, -0.838, 0.086, 104, 0, -1, 1),
    "count_recall_easy": (4, 27, 51, -0.928, 0.053, 51, 0, -1, 1),
    "count_recall_medium": (8, 27, 103, -0.927, 0.036, 103, 0, -1, 1),
    "count_recall_hard": (26, 17, 207, -0.881, 0.032, 207, 0, -1, 1),
    "higher_lower_easy": (13, 2, 51, -0.005, 0.141, 51, 0, None, None),
    "higher_lower_medium": (13, 2, 103, -0.005, 0.094, 103, 0, None, None),
    "higher_lower_hard": (13, 2, 155, -0.001, 0.077, 155, 0, None, None),
    "minesweeper_easy": (3, 16, 14, -0.221, 0.337, 6.8, 4.6, -1, 1),
    "minesweeper_medium": (7, 36, 30, -0.394, 0.135, 6.3, 5.5, -1, 1),
    "minesweeper_hard": (10, 64, 54, -0.436, 0.081, 6.1, 5.6, -1, 1),
    "multiarmed_bandit_easy": (2, 10, 200, 0.010, 0.194, 200, 0, None, None),
    "multiarmed_bandit_medium": (2, 20, 400, 0.007, 0.137, 400, 0, None, None),
    "multiarmed_bandit_hard": (2, 30, 600, 0.004, 0.112, 600, 0, None, None),
    "noisy_position_only_cartpole_easy": (2, 2, 200, 0.114, 0.065, *_CARTPOLE, None, 1),
    "noisy_position_only_cartpole_medium": (
        *(2, 2, 200, 0.114, 0.065),
        *(*_CARTPOLE, None, 1),
    ),
    "noisy_position_only_cartpole_hard": (2, 2, 200, 0.114, 0.065, *_CARTPOLE, None, 1),
    "noisy_position_only_pendulum_easy": (2, 1, 200, 0.250, 0.178, 200, 0, None, None),
    "noisy_position_only_pendulum_medium": (
        *(2, 1, 200, 0.250, 0.178),
        *(200, 0, None, None),
    ),
    "noisy_position_only_pendulum_hard": (2, 1, 200, 0.250, 0.178, 200, 0, None, None),
    "position_only_cartpole_easy": (2, 2, 200, 0.114, 0.065, *_CARTPOLE, None, 1),
    "position_only_cartpole_medium": (2, 2, 400, 0.057, 0.032, *_CARTPOLE, None, 1),
    "position_only_cartpole_hard": (2, 2, 600, 0.038, 0.022, *_CARTPOLE, None, 1),
    "position_only_pendulum_easy": (2, 1, 200, 0.250, 0.178, 200, 0, None, None),
    "position_only_pendulum_medium": (2, 1, 150, 0.247, 0.184, 150, 0, None, None),
    "position_only_pendulum_hard": (2, 1, 100, 0.246, 0.194, 100, 0, None, None),
    "repeat_first_easy": (4, 4, 51, -0.503, 0.121, 51, 0, -1, 1),
    "repeat_first_medium": (4, 4, 415, -0.499, 0.042, 415, 0, -1, 1),
    "repeat_first_hard": (4, 4, 831, -0.500, 0.031, 831, 0, -1, 1),
    "repeat_previous_easy": (4, 4, 51, -0.499, 0.126, 51, 0, -1, 1),
    "repeat_previous_medium": (4, 4, 103, -0.502, 0.102, 103, 0, -1, 1),
    "repeat_previous_hard": (4, 4, 155, -0.495, 0.093, 155, 0, -1, 1),
    "velocity_only_cartpole_easy": (2, 2, 200, 0.114, 0.065, *_CARTPOLE, None, 1),
    "velocity_only_cartpole_medium": (2, 2, 400, 0.057, 0.032, *_CARTPOLE, None, 1),
    "velocity_only_cartpole_hard": (2, 2, 600, 0.038, 0.022, *_CARTPOLE, None, 1),
}
FIGURES = {f"popgym_{name}": figures for name, figures in FIGURES.items()}

# What the shared tests play; the labyrinths have tests of their own.
GAMES = tuple(FIGURES)
