"""Primitives that environments draw with: pictures, and gymnax's games.

May import nothing else of ours."""
