# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds what a module does that needs files on disk. It reads the syntax tree and runs nothing.

In memory, a module's `__file__` names a file that does not exist. Code that joins paths to it, or
lists folders, fails. Imports, `inspect.getsource`, `pkgutil`, `importlib.resources` and
`importlib.metadata` work, so they matter only for wheels with data: do they read it in a way that
works in memory?

The result is an estimate: code can hide what it does, and code that is found may never run. In
doubt, a use counts.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Container, Iterator

from .needed_packages import needed_packages
from .resource_uses import find_resource_uses, imports_readers
from .syntax import constant_text, is_import_fallback, is_main_test, last_name

FILE, MODULE, PACKAGES = "file", "module", "packages"
DISTRIBUTION, DISTRIBUTIONS = "distribution", "distributions"
ANY, RESOURCE = "any", "resource"
FILES = "`importlib.resources.files`"
PKG_RESOURCES = "pkg_resources"

# To save time, parse only modules that contain one of these words. The value is a pattern that must
# match, too. Modules that cannot be parsed (for another Python, or too large) are judged by the
# first word that they contain.
_FILE_WORDS = ("__file__", "__path__", "__cached__", "submodule_search_locations", PKG_RESOURCES)
_WORDS = {
    **dict.fromkeys(_FILE_WORDS, ""),
    **dict.fromkeys(("getfile", "getabsfile", "getsourcefile"), ""),
    **dict.fromkeys(("getframeinfo", "stack("), "inspect"),
    **dict.fromkeys(("find_spec", "__spec__"), "origin"),
    "resources": "importlib",
    "import imp": r"import imp\b",
    "from imp ": "",
    "get_data": "pkgutil",
    "co_filename": "",
}
# A syntax tree takes a hundred times the memory of its source. Modules this large are generated.
MAX_PARSED_BYTES = 16 * 1024 * 1024
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_LOCATIONS = ("__file__", "__path__", "__cached__")
# These take a `__path__` and ask our importer, so they work in memory.
_PATH_READERS = ("extend_path", "iter_modules", "walk_packages")
_FILE_FINDERS = ("getabsfile", "getfile", "getsourcefile")
_METADATA = ("importlib.metadata", "importlib_metadata")
_RESOURCES = ("importlib.resources", "importlib_resources")
_DISTRIBUTION_FINDERS = {
    *("*", "Environment", "WorkingSet", "find_distributions", "get_distribution"),
    *("get_entry_info", "get_entry_map", "iter_entry_points", "load_entry_point"),
    *("require", "run_script", "working_set"),
}
# A frame gives the file of its code.
_FRAME_READERS = ("inspect.getframeinfo", "inspect.stack")
_PROJECT_NAME = re.compile(r"[\w.-]+")
_WALKS = ("glob", "iterdir", "rglob")


@dataclass(frozen=True, order=True)
class Use:
    """One use of files by a module.

    `kind` is one of:

    - FILE: works only with files on disk.
    - MODULE: the same, for a module that may be in another wheel; `what` is its name.
    - DISTRIBUTIONS: looks for other wheels in a way that finds only files on disk.
    - DISTRIBUTION: the same, for a single one; `what` is its name, normalized as in PEP 503.
    - PACKAGES: finds the folder of a package that its users name, from which it may read files of
      theirs: data, scripts, tests.
    - RESOURCE: reads data of this wheel in a way that works in memory.
    - ANY: may concern any module.
    """

    line: int
    kind: str
    what: str


@dataclass(frozen=True)
class Uses:
    """Uses by line, without duplicates.

    `needs` are the top-level packages that the module cannot be imported without.
    """

    uses: tuple[Use, ...] = ()
    needs: tuple[str, ...] = ()


def find_uses(source: bytes, module: str, is_package: bool, modules: Container[str]) -> Uses:
    """The uses of a module; `modules` are those of its wheel. Never fails, whatever the source."""
    words = [
        word
        for word, other in _WORDS.items()
        if word.encode() in source and re.search(other.encode(), source)
    ]
    if not words:
        return Uses()
    try:
        if len(source) > MAX_PARSED_BYTES:
            raise ValueError("too large")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        reader = _Reader(tree, module, is_package, modules)
        reader.visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        kinds = (FILE, ANY) if words[0] in _FILE_WORDS else (ANY,)
        return Uses(tuple(Use(1, kind, f"`{words[0].strip()}`") for kind in kinds))
    first: dict[tuple[str, str], Use] = {}
    for use in sorted(reader.uses):
        first.setdefault((use.kind, use.what), use)
    return Uses(tuple(first.values()), needed_packages(tree, modules))


class _Reader(ast.NodeVisitor):
    def __init__(
        self, tree: ast.Module, module: str, is_package: bool, modules: Container[str]
    ) -> None:
        self.uses: list[Use] = []
        self._module = module
        self._package = module if is_package else module.rpartition(".")[0]
        self._modules = modules
        self._in_fallback = False
        nodes = [*ast.walk(tree)]
        self._defined = {node.name for node in nodes if isinstance(node, _DEFINITIONS)}
        # The full names of imported names, wherever the import is.
        self._imported: dict[str, str] = {}
        imports = [full for node in nodes for full in self._imports(node)]
        self._has_resources = any(name.startswith(_RESOURCES) for name in imports)
        names = {*map(last_name, nodes), *(name.rpartition(".")[2] for name in imports)}
        self._finds_specs = not names.isdisjoint({"find_spec", "__spec__"})
        # Beside importlib.metadata, pkg_resources is a fallback for older Pythons.
        self._finds_distributions = not names.isdisjoint(_DISTRIBUTION_FINDERS) and not any(
            name.startswith(_METADATA) for name in imports
        )
        self._sought = self._sought_distributions(nodes)
        if imports_readers(imports):
            self._add_resources(nodes)

    def _imports(self, node: ast.AST) -> Iterator[str]:
        """The full names that a statement imports; records them by local name."""
        if isinstance(node, ast.Import):
            for name in node.names:
                top = name.name.partition(".")[0]
                self._imported[name.asname or top] = name.name if name.asname else top
                yield name.name
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                full = f"{self._origin(node)}.{name.name}"
                self._imported[name.asname or name.name] = full
                yield full

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._package.split(".")
        return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])

    def _add(self, node: ast.AST, kind: str, what: str) -> None:
        self.uses.append(Use(getattr(node, "lineno", 1), kind, what))

    def _sought_distributions(self, nodes: list[ast.AST]) -> set[str]:
        """The distributions that are looked for; empty if there may be others."""
        finders = [node for node in nodes if self._original_name(node) in _DISTRIBUTION_FINDERS]
        sought: dict[ast.AST, str] = {
            node.func: self._named_module(node.args[0]) or ""
            for node in nodes
            if isinstance(node, ast.Call) and len(node.args) == 1
            if self._original_name(node.func) == "get_distribution"
        }
        if not all(_PROJECT_NAME.fullmatch(sought.get(finder, "")) for finder in finders):
            return set()
        return {re.sub(r"[-_.]+", "-", name).lower() for name in sought.values()}

    def _original_name(self, node: ast.AST) -> str | None:
        """The last part of a node's name, before any `import ... as`."""
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return None
        return (self._module_of(node) or "").rpartition(".")[2] or last_name(node)

    def _add_for_any(self, node: ast.AST, what: str) -> None:
        """Add a use that may concern modules of this wheel or of others."""
        for kind in (FILE, ANY, PACKAGES):
            self._add(node, kind, what)

    def _add_resources(self, nodes: list[ast.AST]) -> None:
        for use in find_resource_uses(nodes, self._module_of):
            is_own = use.package is None or self._names_own(use.package)
            if is_own:
                self._add(use.node, RESOURCE if use.is_read else FILE, f"`{use.function}`")
            elif not use.is_read:
                self._add(use.node, ANY, f"`{use.function}`")
                self._add(use.node, PACKAGES, f"`{use.function}`")

    # --- What counts

    def visit_If(self, node: ast.If) -> None:
        # Users of a wheel seldom run what is below `if __name__ == "__main__"`.
        for child in node.orelse if is_main_test(node.test) else ast.iter_child_nodes(node):
            self.visit(child)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        # Imports in `except ImportError` are for Pythons older than ours.
        before = self._in_fallback
        self._in_fallback = before or is_import_fallback(node)
        self.generic_visit(node)
        self._in_fallback = before

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            self._add_import(node, name.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if not node.level:
            self._add_import(node, node.module or "")

    def _add_import(self, node: ast.AST, name: str) -> None:
        if self._in_fallback:
            return
        if name.partition(".")[0] == PKG_RESOURCES:
            self._add_for_any(node, f"`{PKG_RESOURCES}`")
            if self._finds_distributions and not self._sought:
                self._add(node, DISTRIBUTIONS, f"`{PKG_RESOURCES}`")
            for distribution in self._sought if self._finds_distributions else ():
                self._add(node, DISTRIBUTION, distribution)
        elif name == "imp":
            self._add_for_any(node, "`imp`")

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in _LOCATIONS and isinstance(node.ctx, ast.Load):
            self._add(node, FILE, f"`{node.id}`")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        key = constant_text(node.slice)
        if key in _LOCATIONS and isinstance(node.ctx, ast.Load):
            called = node.value.func if isinstance(node.value, ast.Call) else None
            if last_name(called) in ("globals", "vars", "locals"):
                self._add(node, FILE, f"`{key}`")
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            self._add_attribute(node, node.value, node.attr)
        self.visit(node.value)

    def _add_attribute(self, node: ast.AST, value: ast.expr, name: str) -> None:
        if name in _LOCATIONS:
            self._add_location(node, value, f"`{name}`")
        elif name == "submodule_search_locations" or (name == "origin" and self._finds_specs):
            self._add_for_any(node, f"`{name}`")
        elif name == "co_filename":
            self._add(node, ANY, f"`{name}`")
        elif name in _WALKS and self._has_resources:
            self._add(node, FILE, "folders of resources")

    def _add_location(self, node: ast.AST, value: ast.expr, what: str) -> None:
        module = self._module_of(value)
        if module is None or module == "__main__":
            self._add(node, ANY, what)
            if what == "`__path__`":
                self._add(node, PACKAGES, what)
        elif module == self._module or module in self._modules:
            self._add(node, FILE, what)
        else:
            self._add(node, MODULE, module)

    def visit_Call(self, node: ast.Call) -> None:
        name = last_name(node.func)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if name in _PATH_READERS:
            arguments = [argument for argument in arguments if last_name(argument) != "__path__"]
        elif name in _FILE_FINDERS and node.args:
            kind = FILE if self._is_own(node.args[0]) else ANY
            self._add(node, kind, f"`inspect.{name}`")
        elif (self._module_of(node.func) or "") in _FRAME_READERS:
            self._add(node, ANY, f"`{self._module_of(node.func)}`")
        elif name == "getattr" and len(node.args) > 1:
            self._add_attribute(node, node.args[0], constant_text(node.args[1]) or "")
        elif name in ("__import__", "import_module") and node.args:
            self._add_import(node, constant_text(node.args[0]) or "")
        for child in (node.func, *arguments):
            self.visit(child)

    # --- What an expression stands for

    def _module_of(self, node: ast.expr) -> str | None:
        """The name of the module that an expression gives, if the source tells."""
        if isinstance(node, ast.Name):
            return self._imported.get(node.id)
        if isinstance(node, ast.Attribute):
            parent = self._module_of(node.value)
            return parent and f"{parent}.{node.attr}"
        if isinstance(node, ast.Subscript) and last_name(node.value) == "modules":
            return self._named_module(node.slice)
        if isinstance(node, ast.Call) and node.args:
            if last_name(node.func) in ("__import__", "import_module"):
                return self._named_module(node.args[0])
        return None

    def _names_own(self, node: ast.expr) -> bool:
        """Whether this is a module of this wheel, or its name."""
        if last_name(getattr(node, "value", None)) == "__spec__":
            return True
        return (self._named_module(node) or self._module_of(node)) in self._modules

    def _named_module(self, node: ast.AST) -> str | None:
        return (
            self._module if last_name(node) in ("__name__", "__package__") else constant_text(node)
        )

    def _is_own(self, node: ast.expr) -> bool:
        """Whether an argument is an object of this wheel."""
        if isinstance(node, ast.Call):
            return last_name(node.func) in ("currentframe", "_getframe", "type")
        if isinstance(node, ast.Attribute) and node.attr == "__class__":
            return True
        if isinstance(node, ast.Name) and node.id in self._defined:
            return True
        module = self._module_of(node) or ""
        return module in self._modules or module.rpartition(".")[0] in self._modules
