"""A configuration's command line makes the same configuration.

| mutant | fails |
|---|---|
| lists are written as Python has them, with text in quotes of its own | all |
| what presets say is left out | [preset undone] |
| text is quoted | [text] |
"""

import pytest

from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.command import arguments_of


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["core=gru", "core.features=12", "seed=7"], id="numbers"),
        pytest.param(["core=hybrid", "core.pattern=[s5,gru]",
                      "agent.encoder_sizes=[]", "env.history=true"], id="lists"),
        pytest.param(["agent.value_clip_epsilon=null", "init=some dir/x",
                      "log_every=10s", "run_dir=a,b='1'"], id="text"),
        pytest.param(["env=t_maze", "core=gru", "agent.learning_rate=0.01",
                      "agent=pqn", "scale=gpu"], id="preset undone"),
        pytest.param(["env=gymnax/CartPole-v1", "env.max_steps_in_episode=9"],
                     id="open environment"),
    ],
)  # fmt: skip
def test_it_makes_the_same_again(arguments):
    config = run_config.load(cli.composed("train", arguments))
    again = arguments_of(config)
    assert run_config.load(cli.composed("train", again)) == config
    assert len(again) < 20


def test_only_what_differs_is_said():
    config = run_config.load(cli.composed("train", ["core=gru", "seed=7"]))
    usual = ["env=memory_chain", "core=gru", "agent=ppo"]
    assert arguments_of(config) == [*usual, "seed=7"]
