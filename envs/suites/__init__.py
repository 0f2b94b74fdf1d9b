"""Environments of other suites in the gymnax contract, if their extra is installed.

| name | suite | extra |
|---|---|---|
| `brax/ant` ... | Brax: bodies that learn to move, on four physics engines | `brax` |
| `playground/CheetahRun` ... | MuJoCo Playground's DM Control suite | `playground` |
| `jumanji/Snake-v1` ... | Jumanji: puzzles, packing and routing | `jumanji` |
| `jaxarc/Mini`, ... | JaxARC 1.0, with tasks from a folder of yours | `jaxarc` |
| `craftax/Craftax-Symbolic-v1`, ... | Craftax 1.6 | `craftax` |
| `navix/Navix-Empty-8x8-v0`, ... | Navix 0.7 | `navix` |
| `xland/XLand-MiniGrid-R1-9x9`, ... | XLand-MiniGrid 0.9 | `xland` |

POPGym Arcade is not among them: it depends on `stable-gymnax`, which installs a package
that is also called gymnax over the one that this toolkit needs.
"""
