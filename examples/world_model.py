"""A world model on the core: a game of memory is predicted, then imagined.

The game is POPGym's Autoencode with a deck of any size: N cards are watched, then their
suits are recited, newest first, with nothing to look at; each pays +1 or -1. The model
reads what is seen and done, and predicts what is seen and paid next. A resettable
memory learns from games packed end to end. Then it imagines: it has watched the cards,
and from there on is told the actions alone, and sees its own predictions. How often it
is wrong about what is paid, by the number of steps imagined, is drawn: S5 beside GRU.
(The idea is that of S4WM: Deng et al., 2023.)
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

import s5rl

SUITS, SEEN = 4, 8  # what is seen: a suit while watching, a suit while reciting
GAMES, BATCH = 3, 64  # games packed into a sequence, sequences in a batch


def games(key, num_cards, num_games):
    """Whole games, [T, G, ...], T = 2N - 1; half of what is recited is right.

    Returns:
      `seen` [T + 1, G] below `SEEN`, `action` and `paid` [T, G]: 0 wrong, 1 nothing, 2
      right. The last card comes with the flag to recite, as in POPGym.
    """
    card_key, right_key, other_key = jax.random.split(key, 3)
    deck = jnp.arange(num_cards) % SUITS
    keys = jax.random.split(card_key, num_games)
    cards = jax.vmap(jax.random.permutation, (0, None), 1)(keys, deck)  # [N, G]
    asked = jnp.concatenate([jnp.zeros_like(cards[1:]), cards[::-1]])  # [T, G]
    right = jax.random.bernoulli(right_key, 0.5, asked.shape)
    other = asked + jax.random.randint(other_key, asked.shape, 1, SUITS)
    action = jnp.where(right, asked, other % SUITS)
    recites = jnp.arange(len(asked))[:, None] >= num_cards - 1
    paid = jnp.where(recites, jnp.where(right, 2, 0), 1)
    nothing = jnp.zeros((num_cards, num_games), int)
    flag = SUITS * (jnp.arange(2 * num_cards)[:, None] >= num_cards - 1)
    seen = jnp.concatenate([cards, nothing]) + flag
    return seen, action, paid


def batch(key, num_cards):
    """`GAMES` games end to end: seen, following, action, paid, reset, [T, B] each."""
    seen, action, paid = games(key, num_cards, GAMES * BATCH)

    def packed(x):  # [t, GAMES * B] -> [GAMES * t, B]
        return x.reshape(len(x), GAMES, BATCH).swapaxes(0, 1).reshape(-1, BATCH)

    reset = jnp.zeros(paid.shape, bool).at[0].set(True)
    return [packed(x) for x in (seen[:-1], seen[1:], action, paid, reset)]


class WorldModel(nn.Module):
    """`(carry, seen, action, reset) -> carry, logits of what follows and is paid`."""

    core: nn.Module

    @nn.compact
    def __call__(self, carry, seen, action, reset):
        x = [jax.nn.one_hot(seen, SEEN), jax.nn.one_hot(action, SUITS)]
        carry, h = self.core(carry, jnp.concatenate(x, -1), reset)
        h = nn.gelu(nn.Dense(h.shape[-1])(h))
        return carry, nn.Dense(SEEN)(h), nn.Dense(3)(h)


def train(core, num_cards, steps, key):
    """The model's variables after `steps` batches."""
    model = WorldModel(core)
    carry = core.initial_carry(BATCH)
    seen, _, action, _, reset = batch(key, num_cards)
    variables = model.init(key, carry, seen, action, reset)
    optimizer = optax.adamw(optax.cosine_decay_schedule(3e-3, steps))

    def loss_of(variables, key):
        seen, following, action, paid, reset = batch(key, num_cards)
        _, sees, pays = model.apply(variables, carry, seen, action, reset)
        cross = optax.softmax_cross_entropy_with_integer_labels
        return (cross(sees, following) + cross(pays, paid)).mean()

    @jax.jit
    def run(variables, opt_state, keys):
        def step(now, key):
            loss, grads = jax.value_and_grad(loss_of)(now[0], key)
            updates, opt_state = optimizer.update(grads, now[1], now[0])
            return (optax.apply_updates(now[0], updates), opt_state), loss

        return jax.lax.scan(step, (variables, opt_state), keys)

    keys = jax.random.split(key, steps)
    (variables, _), losses = run(variables, optimizer.init(variables), keys)
    return variables, losses


def imagined_errors(core, variables, num_cards, key, num_games=512):
    """[N] how often what is paid is wrong, by steps since the last card was seen."""
    model = WorldModel(core)
    seen, action, paid = games(key, num_cards, num_games)
    watched = num_cards - 1
    reset = jnp.zeros((watched, num_games), bool).at[0].set(True)
    empty, before = core.initial_carry(num_games), (seen[:watched], action[:watched])
    carry, _, _ = model.apply(variables, empty, *before, reset)

    def imagine(now, action):
        carry, seen = now
        carry, sees, pays = model.apply(
            variables, carry, seen[None], action[None], jnp.zeros((1, num_games), bool)
        )
        return (carry, sees[0].argmax(-1)), pays[0].argmax(-1)

    told = jax.lax.scan(imagine, (carry, seen[watched]), action[watched:])[1]
    return (told != paid[watched:]).mean(1)


def draw(errors, path):
    """One figure: error by horizon, a line a core."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for name, error in errors.items():
        axes.plot(range(1, len(error) + 1), error, marker="o", ms=4, label=name)
    axes.axhline(0.5, color="0.6", lw=1, ls=":", label="no memory")
    axes.set(xlabel="steps imagined", ylabel="wrong about what is paid", ylim=(0, 0.6))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(num_cards=16, steps=3000, features=64, path="world_model.png"):
    """Trains and imagines with each core; returns their errors by horizon."""
    errors = {}
    for name in ("s5", "gru"):
        core = s5rl.make_core(name, features=features)
        variables, losses = train(core, num_cards, steps, jax.random.key(0))
        error = jax.jit(imagined_errors, static_argnums=(0, 2))(
            core, variables, num_cards, jax.random.key(1)
        )
        errors[name.upper()] = [float(x) for x in error]
        ahead = ", ".join(f"{x:.2f}" for x in errors[name.upper()])
        print(f"{name}: loss {losses[-1]:.3f}; wrong, by steps imagined: {ahead}")
    draw(errors, path)
    return errors


if __name__ == "__main__":
    main()
