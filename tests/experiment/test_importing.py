"""gymnax comes without what it draws with, and still draws.

| mutant | fails |
|---|---|
| nothing stands in | test_what_only_draws_is_not_imported |
| the stand-ins stay | test_it_is_there_when_something_is_drawn |
"""

from tests.fresh import imported

DRAWING = ("seaborn", "pandas", "scipy.stats", "matplotlib.pyplot", "matplotlib.figure")
LIGHT = "from experiment import importing; importing.light_gymnax()"


def test_what_only_draws_is_not_imported():
    assert imported(LIGHT, ("gymnax", *DRAWING)) == "gymnax"


def test_it_is_there_when_something_is_drawn():
    """Through gymnax's names, and for whoever imports it later."""
    code = f"""{LIGHT}
from gymnax.environments.misc import pong
assert pong.plt.figure().axes == []
assert len(pong.sns.color_palette('husl', 3)) == 3
import matplotlib, matplotlib.pyplot as plt, seaborn
assert plt is matplotlib.pyplot and plt.Figure is pong.plt.Figure
assert type(plt).__name__ == type(seaborn).__name__ == 'module'
"""
    assert imported(code, DRAWING) == " ".join(DRAWING)
