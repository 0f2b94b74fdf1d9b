"""Climbs the ladder of lenses: `python -m results.ladder.climb [recipe ...]`.

Trains an expert of each bare body, then three learners by each recipe that is asked
for, imitating the experts, or by reward from imitators, behind lenses or on bodies with
other constants; evaluates their transfer with experts in the very tasks; and keeps what
came out in results/ladder/<recipe>. What is there is not done again, and
what was begun goes on. `python -m results.ladder.climb tables` only writes the table of
docs/in_context.md from what is kept.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import common
from results.documents import put, table
from results.in_context.keep import keep

HERE = Path(__file__).parent
RUNS = common.ROOT / "runs" / "ladder"
DOCUMENT = common.ROOT / "docs" / "in_context.md"
LEARNERS, TASKS = 3, 128
PLAIN = ("agent.normalize_obs=false", "agent.scale_rewards=false")
# Of an expert of each body, what was best of it in docs/control.md.
EXPERTS = {
    "cartpole_swingup": ("agent.discount=0.99", *PLAIN),
    "cartpole_balance": ("agent.discount=0.99", *PLAIN),
    "point_mass_easy": (),
    "reacher_easy": (),
}
ONE, FOUR = ("cartpole_swingup",), tuple(EXPERTS)
LEARNER = ("core.features=128", f"num_seeds={LEARNERS}")
TAUGHT = ("agent=imitate", "agent.expert_share=0.15", "agent.epochs=4")
# By reward alone, from an imitator, whose actions are bins.
REWARDED = (
    *("agent=ppo", "agent.actions=bins", "agent.learning_rate=3e-4"),
    *("agent.discount=0.99", "agent.entropy_coefficient=0"),
)
S5 = ("core.blocks=32", "core.norm=pre", "core.activation=full_glu")


@dataclass(frozen=True)
class Recipe:
    """How three learners are trained."""

    env: str
    steps: int
    options: tuple[str, ...] = S5
    after: str = ""  # the recipe whose learners it begins from
    bodies: tuple[str, ...] = ONE  # whose experts teach it; none: it learns by reward
    told: bool = True  # evaluated and kept, and not only a step on the way

    def arguments(self) -> list[str]:
        """Of train.py."""
        told = [f"env={self.env}", f"total_steps={self.steps}", *LEARNER]
        experts = ",".join(str(expert(body)) for body in self.bodies)
        told += [*TAUGHT, f"agent.experts={experts}"] if experts else REWARDED
        told += self.options
        return told + ([f"init={RUNS / self.after}"] if self.after else [])


def expert(body: str) -> Path:
    """The run of a body's expert."""
    return RUNS / f"expert_{body}"


# One trial of half the length: four times as many lenses in as many steps, each seen
# whole by a gradient.
BRIEF = (*S5, "env.num_trials=1", "env.trial_steps=250")
# One trial of full length, which a gradient sees whole.
WHOLE = (*S5, "env.num_trials=1", "agent.rollout_length=500")
M = 1_000_000
BODY = f"env.train_bodies=[{ONE[0]}]"
RECIPES = {
    "permutation_long": Recipe("ladder/permutation_one", 8 * M),
    "turned": Recipe("ladder/turned_one", 8 * M),
    "orthogonal_long": Recipe("ladder/orthogonal_one", 8 * M),
    "orthogonal_climbed": Recipe("ladder/orthogonal_one", 8 * M, after="turned"),
    "orthogonal_brief": Recipe("ladder/orthogonal_one", 8 * M, BRIEF, told=False),
    "orthogonal_grown": Recipe(
        "ladder/orthogonal_one", 4 * M, after="orthogonal_brief"
    ),
    "orthogonal_joined": Recipe(
        *("ladder/orthogonal_one", 4 * M, (*BRIEF, "agent.expert_joins=0.005")),
        told=False,
    ),
    "orthogonal_rewarded": Recipe(
        *("ladder/orthogonal_one", 6 * M, (*BRIEF, "agent.anchor_weight=0.3")),
        *("orthogonal_joined", ()),
        told=False,
    ),
    "orthogonal_ppo": Recipe(
        *("ladder/orthogonal_one", 6 * M, WHOLE, "orthogonal_rewarded", ()),
    ),
    "permutation_four": Recipe("ladder/permutation_four", 8 * M, bodies=FOUR),
    "random_one": Recipe("random_control", 3 * M, (*S5, BODY)),
    "random_ppo": Recipe(
        "random_control", 3 * M, (*WHOLE, BODY), after="random_one", bodies=()
    ),
}


def climbed(name: str) -> None:
    """Trains, evaluates and keeps what a recipe gives, unless it is kept."""
    recipe, folder = RECIPES[name], RUNS / name
    if (HERE / name / "result.json").exists():
        return
    if recipe.after:
        climbed(recipe.after)
    taught(recipe)
    common.trained(folder, recipe.arguments())
    if not recipe.told:
        return
    common.transferred(folder, f"tasks={TASKS}", f"experts={RUNS / 'bare'}")
    keep(folder, HERE / name)


def taught(recipe: Recipe) -> None:
    """Trains the experts that a recipe learns from, unless that was done."""
    for body in recipe.bodies:
        told = [f"env=control/{body}", "core=mlp", f"num_seeds={LEARNERS}"]
        common.trained(expert(body), [*told, *EXPERTS[body]])


def shown(found: Any) -> str:
    """A mean and its interval, in whole returns."""
    if not found:
        return ""
    mean, low, high = found
    return f"{mean:.0f} [{low:.0f}, {high:.0f}]" if low is not None else f"{mean:.0f}"


def lines() -> list[list[str]]:
    """Of the table, one for each recipe that is kept."""
    rows = []
    for name, recipe in RECIPES.items():
        path = HERE / name / "result.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text())
        told, shifted = (result["splits"][split] for split in ("held_out", "shifted"))
        bodies = result["levels"]["held_out"]["bodies"].values()
        ceiling = sum(body["in_task"] for body in bodies) / len(bodies)
        training = result["training"]
        how = ", ".join(recipe.options[len(S5) :] if recipe.options[:3] == S5 else
                        recipe.options)  # fmt: skip
        after = f"from `{recipe.after}`" if recipe.after else ""
        rows.append(
            [
                f"`{name}`",
                f"`{recipe.env}`",
                ", ".join(x for x in (after, how and f"`{how}`") if x),
                f"{training['env_steps'] / 1e6:.0f} M",
                f"{ceiling:.0f}",
                shown(told["zero_shot"]),
                shown(told["adapted"]),
                shown(told["controls"]["cleared"]["loss"]),
                shown(shifted["adapted"]),
                shown(result["splits"]["bodies"]["adapted"]),
            ]
        )
    return rows


HEADS = (
    *("recipe", "`env=`", "what differs", "steps", "expert in the task"),
    *("held out, first trial", "second trial", "loss if cleared between"),
    *("shifted, second trial", "unseen bodies"),
)
TABLES = {"ladder": lambda: table(HEADS, lines())}


def main() -> None:
    """Climbs by the recipes that are named, or by all."""
    wanted = sys.argv[1:] or list(RECIPES)
    for name in wanted:
        if name == "tables":
            put(DOCUMENT, "ladder", TABLES["ladder"]())
            continue
        if name not in RECIPES:
            raise SystemExit(f"recipe must be one of {', '.join(RECIPES)}; got {name}.")
        climbed(name)


if __name__ == "__main__":
    main()
