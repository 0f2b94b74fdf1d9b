"""Autoencode: a stack as long as half the episode.

All N cards are shown one by one (WATCH), then their suits have to be recited backwards,
newest first, with nothing to look at (PLAY).

- Chance -1/2, best 1, worst -1: `+-1/N` a play step, nothing while watching.
- Observation [6]: one-hot mode (0 PLAY, 1 WATCH), one-hot suit. Action: a suit.
- Terminates after 2N - 1 steps: N - 1 unpaid ones, then N paid ones.
- Markov state [4N + 3]: all suits in *reverse* dealing order, mode, share of the cards
  still held.

Quirks of the reference, kept: the last card arrives together with the PLAY flag, so the
first action that pays is taken on seeing it; and every later observation shows suit 0,
whatever the cards were.
"""

import jax.numpy as jnp

from envs.contract import expert
from envs.popgym import base, deck

PLAY, WATCH = 0, 1


class Autoencode(deck.OneDeck):
    """Recite a deck backwards; see the module docstring."""

    action_axes = (4,)

    def __init__(self, num_decks: int = 1):
        super().__init__(num_decks)
        self.label_axes = (2, self.num_labels)
        self.episode_length = 2 * self.num_cards - 1

    def start(self, hidden, params):
        _, state = super().start(hidden, params)
        return self._label(state), state

    def transition(self, state, action, draw, params):
        playing, suit = self._wanted(state)
        correct = action == suit
        reward = jnp.where(playing, base.signed(correct, 1 / self.num_cards), 0.0)
        state = state.replace(time=state.time + 1)
        return self._label(state), state, reward

    def best_actions(self, state, params):
        """[4] bool: the suit to recite; all of them while watching."""
        playing, suit = self._wanted(state)
        return expert.only(suit, self.num_actions, playing)

    def _wanted(self, state):
        """Whether this step recites, and what."""
        # Step t >= N - 1 does: the newest card first, and one card less each time.
        target = 2 * self.num_cards - 2 - state.time
        return state.time >= self.num_cards - 1, deck.label_at(state.labels, target)

    def _label(self, state):
        last_card = self.num_cards - 1
        mode = jnp.where(state.time < last_card, WATCH, PLAY)
        # After the last card nothing is dealt, and the index would leave the deck.
        suit = jnp.where(
            state.time <= last_card, deck.label_at(state.labels, state.time), 0
        )
        return jnp.stack([mode, suit])

    def markov_state(self, state, params):
        suits = base.one_hots(
            state.labels[::-1].astype(jnp.int32), (self.num_labels,) * self.num_cards
        )
        mode = base.one_hots(self._label(state)[0], (2,))
        held = jnp.minimum(state.time + 1, 2 * self.num_cards - 1 - state.time)
        share = held.astype(jnp.float32) / self.num_cards
        return jnp.concatenate([suits, mode, share[None]])
