"""What an environment is called where people read.

| mutant | fails |
|---|---|
| one's own is called custom | test_ones_own_goes_by_its_entry_point |
| brackets stand though nothing is in them | test_what_was_told_stands_in_brackets |
"""

from envs import titles


def test_ones_own_goes_by_its_entry_point():
    own = {"entry_point": "mine:Mine", "rounds": 8}
    assert titles.title("custom", own) == "mine:Mine"
    assert titles.described("custom", own) == "mine:Mine (rounds=8)"
    assert titles.described("custom", {"entry_point": "mine:Mine"}) == "mine:Mine"


def test_what_was_told_stands_in_brackets():
    assert titles.title("dark_room", {"size": 3}) == "dark_room"
    assert titles.described("dark_room", {"size": 3}) == "dark_room (size=3)"
    assert titles.described("popgym_repeat_previous_easy", {}).endswith("easy")
