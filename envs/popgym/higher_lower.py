"""HigherLower: count what is gone to guess what comes.

Will the next card be higher or lower than this one? The rank in view helps everybody;
counting the cards already dealt helps those who remember.

- Chance 0. A clairvoyant gets (N - 1 - ties)/N, about 0.92; optimal card counting, the
  real ceiling, gets 0.53 / 0.52 / 0.51. `+-1/N` a step, 0 for a tie.
- Observation [13]: one-hot rank of the card in view. Action: 0 higher, 1 lower.
- Terminates after N - 1 steps (the reward is scaled by 1/N all the same, a quirk).
- Markov state [13]: share of each rank already dealt.
"""

import jax.numpy as jnp

from envs.contract import expert
from envs.popgym import deck

HIGHER, LOWER = 0, 1


class HigherLower(deck.OneDeck):
    """Bet on the next card; see the module docstring."""

    shown = "ranks"
    action_axes = (2,)

    def transition(self, state, action, draw, params):
        current = deck.label_at(state.labels, state.time)
        state = state.replace(time=state.time + 1)
        following = deck.label_at(state.labels, state.time)
        bet = jnp.where(action == HIGHER, 1, -1)
        won = bet * jnp.sign(following - current)
        return following, state, won.astype(jnp.float32) * (1 / self.num_cards)

    def best_actions(self, state, params):
        """[2] bool: the bet that wins; both before a tie.

        A clairvoyant's, which sees the next card. Whoever learns to predict it from the
        cards dealt, and takes what is likelier, plays as the best card counter does.
        """
        current, following = (
            deck.label_at(state.labels, time) for time in (state.time, state.time + 1)
        )
        bet = jnp.where(following > current, HIGHER, LOWER)
        return expert.only(bet, self.num_actions, following != current)

    def markov_state(self, state, params):
        return 1.0 - self.fraction_left(state)
