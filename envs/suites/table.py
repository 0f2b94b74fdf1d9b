"""Which environments of other suites are known, and what they need. Free of JAX."""

import importlib.util
from typing import NamedTuple


class Suite(NamedTuple):
    """One suite, available as `<suite>/<id>` when its extra is installed."""

    package: str  # what is imported, and so what has to be there
    environments: dict[str, str]  # id: what it measures, in a line
    # Its adapter is the module `envs.suites.<suite>`, its extra is called like it.


SUITES: dict[str, Suite] = {}


def check_installed(suite: str) -> None:
    """Refuses a suite whose package is missing.

    Raises:
      ValueError: saying what to install.
    """
    package = SUITES[suite].package
    if importlib.util.find_spec(package) is None:
        raise ValueError(
            f"{suite}/... needs the package {package}, which is not installed; install "
            f'it with pip install -e ".[train,{suite}]".'
        )
