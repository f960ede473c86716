# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds how a module reads data beside its code with `importlib.resources` and `pkgutil`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator

_MODULES = ("importlib.resources.", "importlib_resources.")
_READERS = ("contents", "is_resource", "open_binary", "open_text", "read_binary", "read_text")
GET_DATA = "pkgutil.get_data"
# Ends of expressions with `files()` that do not need a path on disk.
_ENDS = ("exists", "is_dir", "is_file", "name", "open", "read_bytes", "read_text")


@dataclass(frozen=True)
class ResourceUse:
    """A call of a function, or another use of it.

    `is_read` tells whether it only reads content, which works in memory, too. `function` is like
    "importlib.resources.files", and `package` its first argument, if any.
    """

    node: ast.expr
    function: str
    package: ast.expr | None
    is_read: bool


def imports_readers(imports: Iterable[str]) -> bool:
    """Whether one of these imports may give a function that reads data."""
    return any(f"{name}.".startswith((*_MODULES, "importlib.", "pkgutil.")) for name in imports)


def find_resource_uses(
    nodes: Iterable[ast.AST], name_of: Callable[[ast.expr], str | None]
) -> Iterator[ResourceUse]:
    """`name_of` gives an expression's full name, such as "importlib.resources.files", if known."""
    nodes = [*nodes]
    surroundings = _Surroundings(nodes)
    for node in nodes:
        if not isinstance(node, (ast.Name, ast.Attribute)):
            continue
        name = name_of(node) or ""
        module, _, function = name.rpartition(".")
        is_reader = name == GET_DATA or f"{module}." in _MODULES and function in _READERS
        if not is_reader and not (f"{module}." in _MODULES and function in ("files", "path")):
            continue
        call = surroundings.parents[node]
        if not isinstance(call, ast.Call) or call.func is not node:
            # It is passed on, and its arguments are unknown.
            yield ResourceUse(node, name, node, is_read=False)
            continue
        is_read = is_reader or function == "files" and surroundings.are_only_read(call)
        yield ResourceUse(call, name, _first(call), is_read)


def _first(call: ast.Call) -> ast.expr | None:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return values[0] if values else None


class _Surroundings:
    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self.parents: dict[ast.AST, ast.AST] = {}
        self._loads: dict[str, list[ast.AST]] = {}
        for node in nodes:
            self.parents.update((child, node) for child in ast.iter_child_nodes(node))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._loads.setdefault(node.id, []).append(node)

    def are_only_read(self, node: ast.AST, names: frozenset[str] = frozenset()) -> bool:
        """Whether the result of `files()`, and all below it, is only read.

        `names` are the variables that hold it. A variable of a module or a class does not count as
        read only, because other code can use it.
        """
        parent = self.parents[node]
        if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div):
            return parent.left is node and self.are_only_read(parent, names)
        if isinstance(parent, ast.Attribute) and parent.attr == "joinpath":
            call = self.parents[parent]
            is_call = isinstance(call, ast.Call) and call.func is parent
            return is_call and self.are_only_read(call, names)
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            name = parent.targets[0].id
            if len(parent.targets) > 1 or not self._is_in_function(parent):
                return False
            return name in names or all(
                self.are_only_read(load, names | {name}) for load in self._loads.get(name, ())
            )
        return isinstance(parent, ast.Attribute) and parent.attr in _ENDS

    def _is_in_function(self, node: ast.AST) -> bool:
        while not isinstance(node, (ast.Module, ast.ClassDef)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return True
            node = self.parents[node]
        return False
