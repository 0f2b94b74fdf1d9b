"""What was found of a learner."""

from typing import NamedTuple

import numpy as np

from experiment.inside.bits import Bit
from experiment.inside.lags import Lags
from experiment.inside.played import Played
from experiment.inside.probe import Readout
from experiment.inside.states import States


class Looked(NamedTuple):
    """All of one learner."""

    learner: int  # its number
    played: Played
    steps: np.ndarray  # [Q] at which memory was looked at
    layers: list[States | None]  # None of a layer without such states
    bits: list[Bit]
    readout: Readout | None  # None where there is no bit
    lags: Lags
