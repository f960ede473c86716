# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Pants 2.30 and newer: rules are called by name."""

from __future__ import annotations

from typing import Any, Iterable

from packaging.requirements import Requirement
from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.util_rules.pex import (
    create_pex,
    create_venv_pex,
    setup_venv_pex_process,
)
from pants.backend.python.util_rules.pex_cli import setup_pex_cli_process
from pants.backend.python.util_rules.pex_from_targets import (
    create_pex_from_targets,
    interpreter_constraints_for_targets,
)
from pants.core.environments.target_types import EnvironmentField, EnvironmentTarget
from pants.core.goals.package import environment_aware_package
from pants.core.goals.resolves import ExportableTool
from pants.core.util_rules.env_vars import environment_vars_subset
from pants.core.util_rules.system_binaries import find_binary
from pants.engine.internals.build_files import resolve_address
from pants.engine.internals.graph import (
    find_valid_field_sets,
    hydrate_sources,
    resolve_target,
    resolve_targets,
    transitive_targets,
)
from pants.engine.intrinsics import (
    add_prefix,
    create_digest,
    digest_subset_to_digest,
    digest_to_snapshot,
    execute_process,
    get_digest_contents,
    get_digest_entries,
    merge_digests,
    path_globs_to_digest,
    remove_prefix,
)
from pants.engine.process import execute_process_or_raise
from pants.engine.rules import collect_rules, concurrently, goal_rule, implicitly, rule
from pants.engine.unions import UnionRule

# The page for `doc_url()`.
DISTRIBUTIONS_DOC = "docs/python/overview/building-distributions"
# Lockfiles without a header: 2.30 and 2.31 read one with a header only if no `.metadata` file is
# beside it, and 2.32 and newer only if one is.
LOCKFILES_DIR = "locks/"


def tool_rules(*tools: type[PythonToolBase]) -> Iterable[Any]:
    """Registers Python tools with the goals `generate-lockfiles` and `export`."""
    return [UnionRule(ExportableTool, tool) for tool in tools]


def allows(requirement: Requirement, version: str) -> bool:
    """Whether `requirement`, one of an `InterpreterConstraints`, allows this CPython ("3.11.7")."""
    return requirement.name == "CPython" and requirement.specifier.contains(version)


__all__ = (
    "DISTRIBUTIONS_DOC",
    "EnvironmentField",
    "EnvironmentTarget",
    "LOCKFILES_DIR",
    "add_prefix",
    "allows",
    "collect_rules",
    "concurrently",
    "create_digest",
    "create_pex",
    "create_pex_from_targets",
    "create_venv_pex",
    "digest_subset_to_digest",
    "digest_to_snapshot",
    "environment_aware_package",
    "environment_vars_subset",
    "execute_process",
    "execute_process_or_raise",
    "find_binary",
    "find_valid_field_sets",
    "get_digest_contents",
    "get_digest_entries",
    "goal_rule",
    "hydrate_sources",
    "implicitly",
    "interpreter_constraints_for_targets",
    "merge_digests",
    "path_globs_to_digest",
    "remove_prefix",
    "resolve_address",
    "resolve_target",
    "resolve_targets",
    "rule",
    "setup_pex_cli_process",
    "setup_venv_pex_process",
    "tool_rules",
    "transitive_targets",
)
