"""YAML as plain data: what is read executes nothing, looks nothing up, and stays small.

No tags, no aliases, no references (`${...}`); `1e-3` is a number, a date is text. What
is written here is read back the same, also by other readers of YAML.
"""

import re
from typing import Any

import yaml

MOST = 2**20  # bytes of a file that describes a run: the largest are a few thousand
_FLOAT = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$", re.ASCII)
_TAG = "tag:yaml.org,2002:float"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, test) for tag, test in tests if not tag.endswith(":timestamp")]
        for first, tests in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it holds an alias (*...)")
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(_TAG, _FLOAT, list("-+.0123456789"))


def read(text: str) -> Any:
    """The data that a YAML text holds.

    Raises:
      ValueError: if it is damaged, or more than data.
    """
    if len(text) > MOST:
        raise ValueError(f"it is longer than {MOST:,} characters")
    try:
        found = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    _refuse_references(found)
    return found


def _refuse_references(value: Any) -> None:
    parts = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    if isinstance(value, str) and "${" in value:
        raise ValueError(f"it holds a reference, {value[:100]!r}: it must be plain")
    for part in parts:
        _refuse_references(part)


def write(content: Any) -> str:
    """The YAML text of plain data; `read` gives it back."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
