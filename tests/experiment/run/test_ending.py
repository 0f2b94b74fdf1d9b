"""What a run leaves when it ends says what it was of.

| mutant | fails |
|---|---|
| pictures say an environment's name | test_a_curve_says_which_environment_* |
"""

from experiment.report import plots
from experiment.run import ending
from experiment.run.run_folder import RunFolder
from experiment.setup import config as run_config


def test_a_curve_says_which_environment_of_ones_own(make_config, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(
        plots, "learning_curve", lambda *_, title, levels: titles.append(title)
    )
    plain = run_config.dump(make_config("total_steps=220"))
    env = {"name": "custom", "history": False, "entry_point": "mine:Mine"}
    config = run_config.load(plain | {"env": env})
    ending.write(config, RunFolder(tmp_path), [], [], None)
    assert titles == ["mine:Mine · s5 · ppo"]
