"""What the comments of a configuration dataclass say of its fields.

A field's comment stands behind it, or in the lines above it. Help shows the very text
that a reader of the code sees, so there is one of it.
"""

import ast
import dataclasses
import inspect
import io
import tokenize


def of(cls: type) -> dict[str, str]:
    """The comment of each field that has one, base classes' fields included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            found |= _own(base)
    return found


def _own(cls: type) -> dict[str, str]:
    source = inspect.cleandoc(inspect.getsource(cls))
    comments = {
        token.start[0]: (token.string.lstrip("# "), token.line.lstrip().startswith("#"))
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        behind, alone = comments.get(node.end_lineno or node.lineno, ("", True))
        if behind and not alone:
            found[node.target.id] = behind
            continue
        above, line = [], node.lineno - 1
        while comments.get(line, ("", False))[1]:
            above.insert(0, comments[line][0])
            line -= 1
        if above:
            found[node.target.id] = " ".join(above)
    return found
