"""RepeatFirst: hold one symbol for a whole episode.

A card is dealt at every step, and the answer is always the suit of the very first one:
storage without any update, over 51, 415 or 831 steps.

- Chance -1/2, best 1, worst -1: `+-1/(N-1)` a step, the first step included, although
  its answer is still in view.
- Observation [4]: one-hot suit of the card just dealt. Action: a suit.
- Terminates after N - 1 steps, when the deck is empty.
- Markov state [8]: one-hot first suit, then the share of each suit still in the deck.

Since January 2023 popgym's observation has no flag that marks the first card; without
the suite's wrapper nothing but a memory that starts empty tells it from the others.
"""

import jax.numpy as jnp

from envs.contract import expert
from envs.popgym import base, deck


class RepeatFirst(deck.OneDeck):
    """Repeat the suit of the first card; see the module docstring."""

    action_axes = (4,)

    def transition(self, state, action, draw, params):
        correct = action == deck.label_at(state.labels, 0)
        state = state.replace(time=state.time + 1)
        reward = base.signed(correct, 1 / (self.num_cards - 1))
        return deck.label_at(state.labels, state.time), state, reward

    def best_actions(self, state, params):
        """[4] bool: the first suit."""
        return expert.only(deck.label_at(state.labels, 0), self.num_actions)

    def markov_state(self, state, params):
        first = base.one_hots(deck.label_at(state.labels, 0), self.label_axes)
        return jnp.concatenate([first, self.fraction_left(state)])
