"""The list of all cores, in Markdown: `python -m s5rl.cores.listing`."""

from s5rl.config import CORES
from s5rl.cores import make_core
from s5rl.cores.describe import describe


def table(features: int = 128) -> str:
    """Every core, one layer (or one pattern) of width `features`, in Markdown."""
    lines = [
        f"| `core=` | what it is | memory | state floats, H = {features} | parameters "
        "| a step; T steps |",
        "|---|---|---|---|---|---|",
    ]
    for name in CORES:
        found = describe(make_core(name, features=features, num_layers=1))
        lines.append(
            f"| `{name}` | {found.summary} | {found.kind} | {found.state_floats:,} "
            f"| {found.parameters:,} | {found.cost} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
