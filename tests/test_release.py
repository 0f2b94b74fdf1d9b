"""The changelog, the citation and git's tags name the same releases.

| mutant | fails |
|---|---|
| the citation names another version | test_one_release_is_cited_and_told |
| a released section is called unreleased | test_a_tag_has_its_section |
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SECTION = re.compile(
    r"^## (\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)$", re.MULTILINE
)


def sections():
    """[(version, day or "unreleased")], the newest first."""
    return SECTION.findall((ROOT / "CHANGELOG.md").read_text())


def tags():
    """Versions of the checkout's tags; none where there is no history."""
    listed = subprocess.run(
        ["git", "tag", "--list", "v*"], cwd=ROOT, capture_output=True, text=True
    )
    return {tag.removeprefix("v") for tag in listed.stdout.split()}


def test_the_changelog_counts_down_to_the_first_release():
    text = (ROOT / "CHANGELOG.md").read_text()
    found = sections()
    assert found and len(found) == text.count("\n## ")  # each heading is one of these
    numbers = [tuple(map(int, version.split("."))) for version, _ in found]
    assert numbers == sorted(set(numbers), reverse=True)
    assert "unreleased" not in [day for _, day in found[1:]]


def test_one_release_is_cited_and_told():
    """The last that was released; before the first, the one that is to come."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    released = [version for version, day in sections() if day != "unreleased"]
    assert str(cited) == (released or [version for version, _ in sections()])[0]


def test_a_tag_has_its_section():
    if not tags():
        pytest.skip("this checkout has no tags")
    released = {version for version, day in sections() if day != "unreleased"}
    assert tags() <= released
