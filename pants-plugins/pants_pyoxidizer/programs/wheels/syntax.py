# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Questions about nodes of syntax trees."""

from __future__ import annotations

import ast


def last_name(node: ast.AST | None) -> str | None:
    """`c` for `a.b.c`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    # Before Python 3.9, an Index wraps the `b` of `a[b]`.
    return last_name(node.value) if type(node).__name__ == "Index" else None  # type: ignore


def constant_text(node: ast.AST) -> str | None:
    """The value of a string literal."""
    if type(node).__name__ == "Index":
        node = node.value  # type: ignore[attr-defined]
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else None  # type: ignore[attr-defined]


def is_main_test(test: ast.expr) -> bool:
    """Whether it is `__name__ == "__main__"`."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    sides = (test.left, test.comparators[0])
    return isinstance(test.ops[0], ast.Eq) and (
        {*map(last_name, sides)} == {"__name__", None} and "__main__" in map(constant_text, sides)
    )


def is_import_fallback(node: ast.ExceptHandler) -> bool:
    """Whether it handles nothing but failed imports."""
    types: list[ast.expr | None] = [node.type]
    if isinstance(node.type, ast.Tuple):
        types = [*node.type.elts]
    return {*map(last_name, types)} <= {"ImportError", "ModuleNotFoundError"}
