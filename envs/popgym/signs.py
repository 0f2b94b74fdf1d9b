"""What cards, squares and moves of the suite are called, for pictures and words."""

SUITS = "\u2660\u2666\u2663\u2665"
COLORS = "BR"
RANKS = ("A", *map(str, range(2, 11)), "J", "Q", "K")
SQUARES = ".#SE?"  # free, wall, start, exit, unused
MOVES = ("left", "right", "up", "down", "-")
