# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Whether the plugin keeps to what all supported releases of Pants have.

Only Pants 2.16 and 2.17 can run in these tests. For the newer ones, the source code of the plugin
is compared with the tables of `pants_api`.
"""

from __future__ import annotations

import ast
import importlib
import sys
import types
from pathlib import Path
from typing import Any, Iterable, Iterator

import pytest
from packaging.requirements import Requirement
from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.engine.unions import union

import pants_pyoxidizer
from pants_pyoxidizer import engine
from pants_pyoxidizer.engine import by_type
from unit import pants_api

ROOT = Path(pants_pyoxidizer.__file__).parent
BY_NAME, BY_TYPE = "engine/by_name.py", "engine/by_type.py"
MODULES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in ROOT.rglob("*.py")
}
RULE_MODULES = [
    path for path in MODULES if path.startswith(("util_rules/", "goals/")) and path[-4] != "_"
]
# Members that a supported release lacks, with what serves all of them.
MISSING_MEMBERS = {
    "project_name": "`engine.allows()`: requirements of `InterpreterConstraints` changed",
    "input_selectors": "nothing: it is `parameters` since 2.20",
    "to_lockfile_request": "`engine.tool_rules()`",
    "to_pex_request_from_lockfile": "`to_pex_request()`",
}


def imports(module: ast.Module) -> set[str]:
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pants"
        for alias in node.names
    }


def rule_names(names: Iterable[str]) -> set[str]:
    return {f"{pants_api.RULES[name].module}.{name}" for name in names if name in pants_api.RULES}


# --- Imports


@pytest.mark.parametrize("path", sorted(MODULES))
def test_a_module_imports_only_what_all_supported_releases_have(path: str) -> None:
    if path == BY_NAME:
        allowed = pants_api.IN_ALL | pants_api.WRAPPED | pants_api.SINCE_2_30
        allowed |= rule_names(pants_api.RULES)
    elif path == BY_TYPE:
        allowed = pants_api.IN_ALL | pants_api.WRAPPED | pants_api.UNTIL_2_17
    else:
        allowed = pants_api.IN_ALL
    assert imports(MODULES[path]) - allowed == set()


def test_pants_is_imported_name_by_name() -> None:
    """So that the imports above are all that there are."""
    for module in MODULES.values():
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                assert [a.name for a in node.names if a.name.split(".")[0] == "pants"] == []


def test_the_table_has_nothing_that_is_not_used() -> None:
    used = set().union(*map(imports, MODULES.values()))
    table = pants_api.IN_ALL | pants_api.WRAPPED | pants_api.SINCE_2_30 | pants_api.UNTIL_2_17
    assert table | rule_names(pants_api.RULES) == used


@pytest.mark.parametrize(
    "name", sorted(pants_api.IN_ALL | pants_api.WRAPPED | pants_api.UNTIL_2_17)
)
def test_this_pants_has_what_the_table_says(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    parent = importlib.import_module(module)
    assert hasattr(parent, attribute) or importlib.import_module(name)


@pytest.mark.parametrize("path", sorted(set(MODULES) - {BY_TYPE}))
def test_a_module_uses_no_member_that_a_release_lacks(path: str) -> None:
    used = {node.attr for node in ast.walk(MODULES[path]) if isinstance(node, ast.Attribute)}
    assert {name: MISSING_MEMBERS[name] for name in used & set(MISSING_MEMBERS)} == {}


def test_pages_of_the_documentation_are_named_by_constants() -> None:
    """Pants renames its pages."""
    for path, call in calls():
        if call_name(call) == "doc_url":
            (argument,) = call.args
            assert isinstance(argument, ast.Name) and argument.id in exported(BY_TYPE), path


# --- Both engines


def exported(path: str) -> list[str]:
    (names,) = (
        node.value
        for node in MODULES[path].body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    found: list[str] = ast.literal_eval(names)
    return list(found)


def test_both_engines_export_the_same_names() -> None:
    assert exported(BY_NAME) == exported(BY_TYPE)
    assert set(exported(BY_TYPE)) <= set(dir(engine))


@pytest.mark.parametrize("name", sorted(pants_api.RULES))
def test_a_rule_gives_the_same_by_name_and_by_type(name: str) -> None:
    rule = pants_api.RULES[name]
    call: Any = getattr(by_type, name)
    assert call.output_type.__name__ == rule.output
    # If Pants goes on from another type, callers must leave the request to `implicitly()`.
    implicit = name in IMPLICIT_REQUESTS
    assert (call.input_type.__name__ == rule.parameter) != implicit


IMPLICIT_REQUESTS = {
    "create_venv_pex",
    "execute_process_or_raise",
    "resolve_address",
    "resolve_targets",
}


def test_every_rule_of_pants_is_in_the_table() -> None:
    rules = {name for name in exported(BY_TYPE) if hasattr(getattr(by_type, name), "output_type")}
    assert rules == set(pants_api.RULES)


@pytest.fixture
def by_name(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`engine.by_name`, with stand-ins for what this Pants lacks."""
    for name in pants_api.SINCE_2_30 | rule_names(pants_api.RULES):
        module, _, attribute = name.rpartition(".")
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            parent = ".".join(parts[:end])
            try:
                importlib.import_module(parent)
            except ImportError:
                monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
        if not hasattr(sys.modules[module], attribute):
            stand_in = union(type(attribute, (), {}))
            monkeypatch.setattr(sys.modules[module], attribute, stand_in, raising=False)
    monkeypatch.delitem(sys.modules, "pants_pyoxidizer.engine.by_name", raising=False)
    yield importlib.import_module("pants_pyoxidizer.engine.by_name")
    sys.modules.pop("pants_pyoxidizer.engine.by_name", None)


@pytest.mark.parametrize(
    ("requirement", "allowed"),
    [
        ("CPython==3.11.*", True),
        ("CPython>=3.9,<3.11", False),
        ("CPython", True),
        ("PyPy==3.11.*", False),
    ],
)
def test_both_engines_know_which_python_is_allowed(
    by_name: Any, requirement: str, allowed: bool
) -> None:
    assert by_name.allows(Requirement(requirement), "3.11.7") is allowed
    constraints = by_type.InterpreterConstraints([requirement])
    assert [by_type.allows(member, "3.11.7") for member in constraints] == [allowed]


def test_both_engines_register_tools(by_name: Any) -> None:
    class Tool(PythonToolBase):
        options_scope = "tool"
        help = "A tool."
        default_version = "tool"

    (union,) = by_name.tool_rules(Tool)
    assert (union.union_base, union.union_member) == (by_name.ExportableTool, Tool)
    assert {
        rule.union_base for rule in by_type.tool_rules(Tool) if isinstance(rule, by_type.UnionRule)
    } >= {by_type.GenerateToolLockfileSentinel, by_type.ExportPythonToolSentinel}


# --- Calls


def call_name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                yield path, node


def is_rule(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
        ast.unparse(decorator).split("(")[0].endswith("rule") for decorator in node.decorator_list
    )


@pytest.mark.parametrize("path", RULE_MODULES)
def test_every_rule_is_a_coroutine_and_made_by_our_decorator(path: str) -> None:
    ours = {
        alias.name
        for node in MODULES[path].body
        if isinstance(node, ast.ImportFrom) and node.module == "pants_pyoxidizer.engine"
        for alias in node.names
    }
    for node in filter(is_rule, MODULES[path].body):
        assert isinstance(node, ast.AsyncFunctionDef), f"{path}:{node.lineno}"
        (decorator,) = node.decorator_list
        assert ast.unparse(decorator).split("(")[0] in ours & {"rule", "goal_rule"}


@pytest.mark.parametrize("path", RULE_MODULES)
def test_no_coroutine_calls_one_that_is_defined_below_it(path: str) -> None:
    """Pants 2.16 and 2.17 would not see what that one asks for."""
    lines = {
        node.name: node.lineno
        for node in MODULES[path].body
        if isinstance(node, ast.AsyncFunctionDef)
    }
    for node in MODULES[path].body:
        if isinstance(node, ast.AsyncFunctionDef):
            called = {call_name(call) for call in ast.walk(node) if isinstance(call, ast.Call)}
            assert [name for name in called if lines.get(name, 0) >= node.lineno] == []


def passes_implicitly(call: ast.Call) -> bool:
    return any(
        keyword.arg is None
        and isinstance(keyword.value, ast.Call)
        and call_name(keyword.value) == "implicitly"
        for keyword in call.keywords
    )


def parameters_of_our_rules() -> dict[str, int]:
    return {
        node.name: len(node.args.args)
        for path in RULE_MODULES
        for node in MODULES[path].body
        if isinstance(node, ast.AsyncFunctionDef) and is_rule(node)
    }


def test_rules_are_called_with_their_request_and_the_rest_implicitly() -> None:
    """Otherwise, Pants 2.30 and newer cannot tell where the other parameters come from."""
    ours = parameters_of_our_rules()
    checked = 0
    for path, call in calls():
        name = call_name(call)
        place = f"{path}:{call.lineno}: {name}"
        if path not in RULE_MODULES or name not in {*ours, *pants_api.RULES}:
            continue
        if name in ours:
            # One without a request has injected parameters alone.
            assert len(call.args) <= 1, place
            implicit = True
        else:
            assert len(call.args) == (0 if name in IMPLICIT_REQUESTS else 1), place
            implicit = pants_api.RULES[name].has_more_parameters or name in IMPLICIT_REQUESTS
        assert passes_implicitly(call) == implicit, place
        checked += 1
    assert checked > 80


def test_what_runs_at_once_are_rules() -> None:
    """Pants 2.16 and 2.17 cannot await other coroutines together."""
    rules = {*parameters_of_our_rules(), *pants_api.RULES}
    helpers = {
        node.name
        for path in RULE_MODULES
        for node in MODULES[path].body
        if isinstance(node, ast.AsyncFunctionDef) and not is_rule(node)
    }
    assert helpers and not helpers & rules
    for path, call in calls():
        if call_name(call) == "concurrently":
            called = {call_name(c) for c in ast.walk(call) if isinstance(c, ast.Call)}
            assert called & helpers == set(), f"{path}:{call.lineno}"
            assert called & rules, f"{path}:{call.lineno}"


def test_get_is_only_where_it_is_wrapped() -> None:
    assert {path for path, call in calls() if call_name(call) in ("Get", "MultiGet")} == {BY_TYPE}
