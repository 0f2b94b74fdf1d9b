"""gymnax, without what only its drawings need.

gymnax's games import matplotlib.pyplot and seaborn (with pandas and scipy.stats) when
they are imported themselves, and use them when they are drawn. That takes longer than
importing JAX, and a run draws none of them.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

DRAWING = ("matplotlib.pyplot", "seaborn")


def light_gymnax() -> None:
    """Imports gymnax; what it draws with is imported when something of it is used.

    Does nothing where gymnax is there already.
    """
    if "gymnax" in sys.modules:
        return
    later = [_Later(name) for name in DRAWING if _can_wait(name)]
    for module in later:
        module.stand_in()
    try:
        import_module("gymnax")
    finally:
        for module in later:
            module.step_aside()


def _can_wait(name: str) -> bool:
    return name not in sys.modules and find_spec(name) is not None


class _Later(ModuleType):
    """Has the name of a module, and asks the real one when an attribute is wanted."""

    def stand_in(self) -> None:
        """Whoever imports the name now gets this."""
        # Every import asks for it, and must not load anything.
        self.__spec__ = find_spec(self.__name__)
        sys.modules[self.__name__] = self
        parent, _, leaf = self.__name__.rpartition(".")
        if parent:
            setattr(sys.modules[parent], leaf, self)

    def step_aside(self) -> None:
        """Whoever imports the name from now on gets the real one."""
        if sys.modules.get(self.__name__) is not self:
            return
        del sys.modules[self.__name__]
        parent, _, leaf = self.__name__.rpartition(".")
        if parent:
            delattr(sys.modules[parent], leaf)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # somebody looks around, and draws nothing
        self.step_aside()
        return getattr(import_module(self.__name__), name)
