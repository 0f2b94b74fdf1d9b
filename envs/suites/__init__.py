"""Environments of other suites in the gymnax contract, if their extra is installed.

| name | suite | extra |
|---|---|---|
| `brax/ant` ... | Brax: bodies that learn to move, on four physics engines | `brax` |
| `playground/CheetahRun` ... | MuJoCo Playground's DM Control suite | `playground` |
| `jumanji/Snake-v1` ... | Jumanji: puzzles, packing and routing | `jumanji` |

POPGym Arcade is not among them: it depends on `stable-gymnax`, which installs a package
that is also called gymnax over the one that this toolkit needs.
"""
