"""CountRecall: one counter per symbol, read at random.

Two decks are dealt side by side. The answer is how often the type on top of the *query*
deck has occurred in the *value* deck so far, the value in view included.

- Chance 2/A - 1 for A actions (-0.926 / -0.926 / -0.882), best 1, worst -1;
  `+-1/(N-1)` a step.
- Observation [2T]: one-hot value, one-hot query. T = 2 colours, 4 suits, 13 ranks.
- Action: a count, 0 to N/T.
- Terminates after N - 1 steps.
- Markov state [4T]: counts of the values and of the queries, each over N/T, then the
  observation.

Until popgym 1.0.6 the largest count could not be said (one action fewer);
`popgym_version="1.0.6"` restores that. The reference also returns the counts in `info`,
which is the answer; here `info` stays empty.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.contract import expert
from envs.popgym import base, deck


@struct.dataclass
class CountRecallState(base.EnvState):
    """Both decks, and the counts of the values dealt so far."""

    time: Array  # [] int32
    values: Array  # [N] int8, in dealing order
    queries: Array  # [N] int8, in dealing order
    counts: Array  # [T] int32, of values[: time + 1]


class CountRecall(base.PopgymEnvironment):
    """Say how often a type has occurred.

    Args:
      num_decks: packs of 52 in each of the two decks.
      deck_type: what is counted: "colors", "suits" or "ranks".
      popgym_version: "1.0.7", or "1.0.6" for the action space without the full count.
    """

    termination_silences_clock = True
    reset_is_costly = True

    def __init__(
        self,
        num_decks: int = 1,
        deck_type: str = "colors",
        popgym_version: str = "1.0.7",
    ):
        super().__init__()
        base.check_version(popgym_version)
        self.num_cards = deck.checked_cards(num_decks)
        self.num_types = deck.checked_type(deck_type)
        self.max_count = self.num_cards // self.num_types
        self.label_axes = (self.num_types, self.num_types)
        self.action_axes = (self.max_count + (popgym_version == "1.0.7"),)

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=self.num_cards - 1)

    def draw_hidden(self, key, params):
        key_values, key_queries = jax.random.split(key)
        return {
            "values": deck.shuffled_labels(key_values, self.num_cards, self.num_types),
            "queries": deck.shuffled_labels(
                key_queries, self.num_cards, self.num_types
            ),
        }

    def start(self, hidden, params):
        values, queries = (
            deck.checked_labels(hidden[name], self.num_cards, name)
            for name in ("values", "queries")
        )
        counts = deck.count_dealt(values, 1, self.num_types)
        state = CountRecallState(base.no_time(), values, queries, counts)
        return self._label(state), state

    def transition(self, state, action, draw, params):
        query = deck.label_at(state.queries, state.time)
        correct = action == base.pick(state.counts, query)
        time = state.time + 1
        dealt = jnp.arange(self.num_types, dtype=jnp.int32) == deck.label_at(
            state.values, time
        )
        state = state.replace(time=time, counts=state.counts + dealt.astype(jnp.int32))
        return self._label(state), state, base.signed(correct, 1 / (self.num_cards - 1))

    def best_actions(self, state, params):
        """[A] bool: the count asked for; all of them if it cannot be said."""
        query = deck.label_at(state.queries, state.time)
        return expert.only(base.pick(state.counts, query), self.num_actions)

    def is_terminated(self, state, params):
        return state.time >= self.num_cards - 1

    def _label(self, state):
        return jnp.stack(
            [
                deck.label_at(state.values, state.time),
                deck.label_at(state.queries, state.time),
            ]
        )

    def markov_state(self, state, params):
        asked = deck.count_dealt(state.queries, state.time + 1, self.num_types)
        counts = jnp.concatenate([state.counts, asked]).astype(jnp.float32)
        return jnp.concatenate(
            [counts / self.max_count, self.encode(self._label(state))]
        )
