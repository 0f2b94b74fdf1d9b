"""What splits of tasks, and what is done to memory, are called where people read."""

_SPLITS = {
    "train": "training tasks",
    "held_out": "held-out tasks",
    "shifted": "shifted tasks",
    "bodies": "unseen bodies",
}
_CONTROLS = {
    "none": "memory as it is",
    "cleared": "cleared at every trial",
    "swapped": "another task's at one trial",
    "never_reset": "another task's from the start",
}


def split(name: str) -> str:
    """A split's tasks: `held-out tasks`."""
    return _SPLITS.get(name, name.replace("_", " "))


def control(name: str) -> str:
    """What is done to memory: `cleared at every trial`."""
    return _CONTROLS.get(name, name.replace("_", " "))
