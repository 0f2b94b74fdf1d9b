"""Decks of cards, seen as sequences of labels, and the games that deal one of them.

A deck has 52 cards, and only one property of a card is ever shown: its suit (4), its
colour (2) or its rank (13, the ace lowest). A deck is therefore kept as the labels in
dealing order, int8 [N]; labels are equally frequent, so shuffling them has the same
distribution as shuffling the cards. Step t of a game leaves t + 1 cards on the table:
the first one is dealt by reset.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.popgym import base

CARDS_PER_DECK = 52
NUM_LABELS = {"colors": 2, "suits": 4, "ranks": 13}


@struct.dataclass
class DeckState(base.EnvState):
    """A deck and how much of it has been dealt."""

    time: Array  # [] int32, cards on the table minus one
    labels: Array  # [N] int8, in dealing order


class OneDeck(base.PopgymEnvironment):
    """A game that deals one deck to its end: it is over when no card is left.

    Args:
      num_decks: how many packs of 52 are shuffled together; N = 52 * num_decks.
    """

    shown = "suits"
    termination_silences_clock = True
    reset_is_costly = True

    def __init__(self, num_decks: int = 1):
        super().__init__()
        self.num_cards = checked_cards(num_decks)
        self.num_labels = NUM_LABELS[self.shown]
        self.label_axes = (self.num_labels,)
        self.episode_length = self.num_cards - 1

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=self.episode_length)

    def draw_hidden(self, key, params):
        return {self.shown: shuffled_labels(key, self.num_cards, self.num_labels)}

    def start(self, hidden, params):
        labels = checked_labels(hidden[self.shown], self.num_cards, self.shown)
        return label_at(labels, 0), DeckState(time=base.no_time(), labels=labels)

    def is_terminated(self, state, params):
        return state.time >= self.episode_length

    def fraction_left(self, state: DeckState) -> Array:
        """Share of each label still in the deck, [num_labels] float32."""
        dealt = count_dealt(state.labels, state.time + 1, self.num_labels)
        return 1.0 - dealt.astype(jnp.float32) * (self.num_labels / self.num_cards)


def shuffled_labels(key: Array, num_cards: int, num_labels: int) -> Array:
    """A uniform arrangement of equally many of each label, [num_cards] int8."""
    labels = jnp.arange(num_cards, dtype=jnp.int32) % num_labels
    return jax.random.permutation(key, labels.astype(jnp.int8))


def label_at(labels: Array, index: Array | int) -> Array:
    """The label of one or more cards as int32; -1 for a card that does not exist.

    JAX would clamp or wrap such an index and show some other card, which is how an
    off-by-one hides. Label -1 matches no action and its one-hot is empty.
    """
    found = labels.at[index].get(
        mode="fill", fill_value=-1, wrap_negative_indices=False
    )
    return found.astype(jnp.int32)


def count_dealt(labels: Array, dealt: Array | int, num_labels: int) -> Array:
    """How often each label occurs among the first `dealt` cards, [num_labels] int32."""
    on_table = jnp.arange(labels.shape[0], dtype=jnp.int32) < dealt
    is_label = labels[:, None] == jnp.arange(num_labels, dtype=labels.dtype)[None, :]
    return jnp.sum(is_label & on_table[:, None], axis=0, dtype=jnp.int32)


def checked_cards(num_decks: int) -> int:
    """The number of cards in `num_decks` packs."""
    if num_decks < 1:
        raise ValueError(f"num_decks must be at least 1; got {num_decks}.")
    return CARDS_PER_DECK * num_decks


def checked_labels(labels: Array, num_cards: int, name: str) -> Array:
    """Given labels as the state keeps them, [num_cards] int8."""
    labels = jnp.asarray(labels)
    if labels.shape != (num_cards,):
        raise ValueError(f"hidden[{name!r}] wants [{num_cards}]; got {labels.shape}.")
    return labels.astype(jnp.int8)


def checked_type(deck_type: str) -> int:
    """The number of labels of a property of cards."""
    if deck_type not in NUM_LABELS:
        raise ValueError(
            f"deck_type must be one of {', '.join(NUM_LABELS)}; got {deck_type!r}."
        )
    return NUM_LABELS[deck_type]
