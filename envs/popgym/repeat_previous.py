"""RepeatPrevious: a queue of fixed depth.

A card is dealt at every step, and the answer is the suit shown k - 1 steps ago: every
card has to be kept, in order, and dropped on time.

- Chance -1/2, best 1, worst -1: `+-1/(N-k)` a step, nothing before k cards were dealt.
- Observation [4]: one-hot suit of the card just dealt. Action: a suit.
- Terminates after N - 1 steps, of which N - k pay.
- Markov state [4k + 4]: the last k suits, oldest first, zero-padded on the left, then
  the share of each suit still in the deck.

Quirk of the reference: `k` counts the card in view, so k = 4 asks for the card three
steps back and k = 1 for the one in view (popgym's own docstring says otherwise). The
option `k` is popgym's; whoever wants a lag of n asks for k = n + 1.
"""

import jax.numpy as jnp

from envs.contract import expert
from envs.popgym import base, deck


class RepeatPrevious(deck.OneDeck):
    """Repeat the suit of an earlier card.

    Args:
      num_decks: see `deck.OneDeck`.
      k: the answer is the k-th newest card, the one in view counted as the first.
    """

    action_axes = (4,)

    def __init__(self, num_decks: int = 1, k: int = 4):
        super().__init__(num_decks)
        if not 1 <= k < self.num_cards:
            raise ValueError(
                f"k must lie in [1, {self.num_cards - 1}], one less than the "
                f"{self.num_cards} cards of num_decks={num_decks}; got {k}."
            )
        self.k = k

    def transition(self, state, action, draw, params):
        dealt = state.time + 1
        correct = action == deck.label_at(state.labels, dealt - self.k)
        paid = base.signed(correct, 1 / (self.num_cards - self.k))
        reward = jnp.where(dealt >= self.k, paid, 0.0)
        state = state.replace(time=state.time + 1)
        return deck.label_at(state.labels, state.time), state, reward

    def best_actions(self, state, params):
        """[4] bool: the k-th newest suit; all of them before there is one."""
        wanted = deck.label_at(state.labels, state.time + 1 - self.k)
        return expert.only(wanted, self.num_actions)

    def markov_state(self, state, params):
        index = state.time + 1 - self.k + jnp.arange(self.k, dtype=jnp.int32)
        last = jnp.where(index >= 0, deck.label_at(state.labels, index), 0)
        last = base.one_hots(last, (self.num_labels,) * self.k)
        return jnp.concatenate([last, self.fraction_left(state)])
