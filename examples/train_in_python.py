"""Training from a program: several settings, their results, and the best one acting.

python -m examples.train_in_python          # from the checkout's folder
"""

import jax

import experiment

TASK = {
    "env": "memory_chain",
    "env.memory_length": 6,
    "core": "gru",
    "core.features": 16,
    "agent.num_envs": 32,
    "agent.rollout_length": 7,
    "agent.num_minibatches": 4,
    "agent.encoder_sizes": [16],
    "agent.head_sizes": [],
    "num_seeds": 2,
    "log_every": 10,
}


def main(total_steps: int = 50_000, folder: str = "runs/in_python") -> float:
    """Trains with two learning rates; returns what the better one earns, played."""
    runs = {}
    for rate in (3e-4, 3e-3):
        settings = {"agent.learning_rate": rate, "run_dir": f"{folder}/{rate}"}
        runs[rate] = experiment.train({**TASK, **settings, "total_steps": total_steps})
        rows = [row for row in runs[rate].metrics if row["seed"] == 0]
        print(f"rate {rate}: {runs[rate].summary['final_return']:+.3f}")
        print("  ", " ".join(f"{row['episode/return']:+.2f}" for row in rows[::10]))
    best = max(runs.values(), key=lambda run: run.summary["final_return"])
    trained = best.load(seed=0)

    def step(now, key):
        obs, state, carry, reset = now
        carry, action = trained.act(carry, obs, reset)
        obs, state, reward, terminated, truncated, _ = jax.vmap(
            trained.env.step, in_axes=(0, 0, 0, None)
        )(jax.random.split(key, len(reset)), state, action, trained.env_params)
        return (obs, state, carry, terminated | truncated), reward

    @jax.jit  # the agent and its environment in one program
    def play(key):
        keys = jax.random.split(key, 256)
        obs, state = jax.vmap(trained.env.reset, (0, None))(keys, trained.env_params)
        start = obs, state, trained.initial_carry(256), jax.numpy.ones(256, bool)
        return jax.lax.scan(step, start, jax.random.split(key, 7))[1]

    earned = float(play(jax.random.key(1)).sum(0).mean())
    print(f"the better one, 256 fresh episodes: {earned:+.3f}")
    return earned


if __name__ == "__main__":
    main()
