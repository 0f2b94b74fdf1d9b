"""Concentration: the memory card game, alone against the clock.

N cards lie face down. Two flipped in turn that match stay up and pay; two that do not
are face down again in the next observation, and only memory knows them.

- Chance -0.20 / -0.19 / -0.84, best 1 (clairvoyant), worst -1; perfect memory reaches
  about 0.82 / 0.82 / 0.70.
- Reward: `2/N` for a match; `2f` for a mismatch or the same card twice; `f` for each
  card in play when a matched card is flipped; 0 for a first card. `f = -1/L`,
  `L = ceil(2N - N/(2N - 1))`.
- Observation [N(T + 1)]: one-hot type of every position, T for face down. Cards in play
  are seen, the second one of a mismatch included. Action: a position.
- Terminates when all cards are matched, truncates after L steps; both can be true.
- Markov state [N(T + 3)]: types, matched mask, and the first and second position of
  the last play, one-hot. The reference codes "no card" as the number T, which is a
  position too, and so do we.
"""

import math

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.popgym import base, deck

NO_CARD = -1


@struct.dataclass
class ConcentrationState(base.EnvState):
    """The table, and the turn that is being played."""

    time: Array  # [] int32
    cards: Array  # [N] int8, types by position
    matched: Array  # [N] bool
    waiting: Array  # [] int32, position of the first card of an open turn, or NO_CARD
    flipped: Array  # [2] int32, positions last in play, NO_CARD where there is none


class Concentration(base.PopgymEnvironment):
    """Find the pairs.

    Args:
      num_decks: packs of 52 on the table.
      deck_type: what has to match: "colors" or "ranks".
    """

    reset_is_costly = True

    def __init__(self, num_decks: int = 1, deck_type: str = "ranks"):
        super().__init__()
        self.num_cards = deck.checked_cards(num_decks)
        self.num_types = deck.checked_type(deck_type)
        if (self.num_cards // self.num_types) % 2:
            raise ValueError(
                f"deck_type={deck_type!r} leaves an odd number of each type in "
                f"num_decks={num_decks}, so the cards do not pair up."
            )
        n = self.num_cards
        self.episode_length = math.ceil(2 * n - n / (2 * n - 1))
        self.label_axes = (self.num_types + 1,) * n
        self.action_axes = (n,)

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=self.episode_length)

    def draw_hidden(self, key, params):
        return {"cards": deck.shuffled_labels(key, self.num_cards, self.num_types)}

    def start(self, hidden, params):
        state = ConcentrationState(
            time=base.no_time(),
            cards=deck.checked_labels(hidden["cards"], self.num_cards, "cards"),
            matched=jnp.zeros((self.num_cards,), bool),
            waiting=jnp.asarray(NO_CARD, jnp.int32),
            flipped=jnp.full((2,), NO_CARD, jnp.int32),
        )
        return self._label(state, state.matched), state

    def transition(self, state, action, draw, params):
        positions = jnp.arange(self.num_cards, dtype=jnp.int32)
        in_play = (positions == action) | (positions == state.waiting)
        label = self._label(state, state.matched | in_play)

        second = state.waiting != NO_CARD
        blocked = jnp.any(state.matched & in_play)
        same_type = base.pick(state.cards, action) == base.pick(
            state.cards, state.waiting
        )
        pair = second & ~blocked & same_type & (action != state.waiting)
        state = state.replace(
            time=state.time + 1,
            matched=state.matched | (in_play & pair),
            waiting=jnp.where(second | blocked, NO_CARD, action),
            flipped=jnp.where(
                second,
                jnp.stack([state.waiting, action]),
                jnp.stack([action, jnp.full_like(action, NO_CARD)]),
            ),
        )
        return label, state, self._reward(pair, second, blocked)

    def best_actions(self, state, params):
        """[N] bool: the partners of a card that waits, else every unmatched card.

        A clairvoyant's, which sees through their backs.
        """
        positions = jnp.arange(self.num_cards, dtype=jnp.int32)
        open_type = base.pick(state.cards, state.waiting)
        partner = (state.cards == open_type) & (positions != state.waiting)
        return ~state.matched & (partner | (state.waiting == NO_CARD))

    def _reward(self, pair, second, blocked):
        failure = -1 / self.episode_length
        missed = failure * jnp.where(second, 2.0, jnp.where(blocked, 1.0, 0.0))
        return jnp.where(pair, 2 / self.num_cards, missed).astype(jnp.float32)

    def is_terminated(self, state, params):
        return jnp.all(state.matched)

    def _label(self, state, face_up):
        return jnp.where(face_up, state.cards.astype(jnp.int32), self.num_types)

    def markov_state(self, state, params):
        n = self.num_cards
        cards = base.one_hots(state.cards.astype(jnp.int32), (self.num_types,) * n)
        flipped = jnp.where(state.flipped == NO_CARD, self.num_types, state.flipped)
        return jnp.concatenate(
            [cards, state.matched.astype(jnp.float32), base.one_hots(flipped, (n, n))]
        )
