"""What can be chosen about each core, and the one table of cores. Free of JAX.

A command line reads this too. A file each family; a configuration is frozen, checks
itself when it is made, so that a core that exists has sizes that fit together, and puts
itself into the table (`s5rl.config.base.core`). May import nothing of ours.
"""

from s5rl.config import attention, base, cells, compositions, gated, matrix, spaces
from s5rl.config.base import CoreConfig, Row

# In the order in which cores are listed.
FAMILIES = spaces, gated, matrix, attention, compositions, cells
CORES: dict[str, Row] = {
    name: row
    for family in FAMILIES
    for name, row in base.TABLE.items()
    if row.config.__module__ == family.__name__
}
CORE_CONFIGS = {name: row.config for name, row in CORES.items()}

__all__ = ["CORES", "CORE_CONFIGS", "CoreConfig", "Row"]
