"""Links out of `docs/` in the site, and the picture of a reset.

| mutant | fails |
|---|---|
| links in fences are turned too | test_links_are_turned_to_what_the_site_has |
| an anchor is lost | test_links_are_turned_to_what_the_site_has |
| pages brought along do not bring what they link to | test_what_is_linked_* |
| the picture's memory has no reset | test_the_picture_shows_what_is_held |
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def module(path: str):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def links():
    return module("docs/site/links.py")


def test_links_are_turned_to_what_the_site_has(links):
    text = (  # [l] is the site's own
        "[a](../README.md#start) [b](../examples/hydra.py) [c](../results/sweeps)\n"
        "![d](../results/memory_chain/learning_curve.png) [e](cores.md) [f](#here)\n"
        "[g](https://x.org/y.md) [h](../no/such.md) `[i](../README.md)`\n"
        "```\n[j](../README.md)\n```\n[k](../docs/agents.md) ![l](images/reset.png)\n"
    )
    want = (
        "[a](repository/README.md#start) [b](repository/examples/hydra.py.md) "
        "[c](repository/results/sweeps/index.md)\n"
        "![d](repository/results/memory_chain/learning_curve.png) [e](cores.md) "
        "[f](#here)\n"
        "[g](https://x.org/y.md) [h](../no/such.md) `[i](../README.md)`\n"
        "```\n[j](../README.md)\n```\n[k](agents.md) ![l](images/reset.png)\n"
    )
    assert links.rewritten(text, "docs/x.md") == want
    there = links.rewritten(
        "[a](docs/cores.md) [b](results/popgym_cpu.md)", "README.md"
    )
    assert there == "[a](../cores.md) [b](results/popgym_cpu.md)"


def test_what_is_linked_to_comes_along(links):
    """A page's own links, a folder's files, and code as a page; not docs/ twice."""
    page = {"docs/x.md": "[a](../README.md) [b](../results/sweeps)"}
    found = links.taken(page)
    assert {"README.md", "results/popgym_cpu.md", "results/sweeps"} <= set(found)
    assert "docs/cores.md" not in found
    assert found["results/sweeps/speed.csv"] is None  # sent as it is
    assert "[speed.py](results/sweeps/speed.py)" in found["results/sweeps"]
    assert found["results/sweeps/speed.py"].startswith("# results/sweeps/speed.py")


def test_the_picture_shows_what_is_held():
    """Beside a loop; what was before the reset is gone, and its own input kept."""
    picture = module("docs/images/reset.py")
    want, held = np.zeros((picture.T, picture.T)), np.zeros(picture.T)
    for t in range(picture.T):
        held = held * (0 if t == picture.RESET else picture.DECAY)
        held[t] += 1
        want[t] = held
    np.testing.assert_allclose(picture.held(), want, atol=1e-6)
    rows = picture.spans()
    assert [len(row) for row in rows] == [8, 4, 2, 1] and rows[-1] == [(0, 7)]
    assert picture.OUT.read_bytes().startswith(b"\x89PNG")
