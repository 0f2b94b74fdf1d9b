"""Environments of other suites in the gymnax contract, if their extra is installed.

| name | suite | extra |
|---|---|---|

POPGym Arcade is not among them: it depends on `stable-gymnax`, which installs a package
that is also called gymnax over the one that this toolkit needs.
"""
