# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Pants 2.16 and 2.17: calls by name, built on `Get`.

To find out what a rule asks for, such a Pants parses the source of the rule, of each coroutine that
it calls, and of each function that is annotated to return a `Get`. The functions that `by_type`
returns are of the last kind. Their `Get` names variables of the closure, which Pants resolves. It
knows only what is defined when the decorator runs, so a rule must stand above its callers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Awaitable, Callable, Iterable, TypeVar, overload

from pants.backend.python.goals.export import ExportPythonTool, ExportPythonToolSentinel
from pants.backend.python.goals.lockfile import GeneratePythonLockfile
from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import Pex, PexRequest, VenvPex, VenvPexProcess
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_from_targets import (
    InterpreterConstraintsRequest,
    PexFromTargetsRequest,
)
from pants.core.goals.generate_lockfiles import GenerateToolLockfileSentinel
from pants.core.goals.package import BuiltPackage, EnvironmentAwarePackageRequest
from pants.core.util_rules.environments import EnvironmentField, EnvironmentTarget
from pants.core.util_rules.system_binaries import BinaryPathRequest, BinaryPaths
from pants.engine import rules
from pants.engine.addresses import Address, AddressInput
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestEntries,
    DigestSubset,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
    Snapshot,
)
from pants.engine.process import FallibleProcessResult, Process, ProcessResult
from pants.engine.rules import Get, MultiGet, TaskRule, collect_rules, goal_rule
from pants.engine.target import (
    DependenciesRequest,
    FieldSetsPerTarget,
    FieldSetsPerTargetRequest,
    HydratedSources,
    HydrateSourcesRequest,
    Targets,
    TransitiveTargets,
    TransitiveTargetsRequest,
    WrappedTarget,
    WrappedTargetRequest,
)
from pants.engine.unions import UnionRule
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")

# The page for `doc_url()`.
DISTRIBUTIONS_DOC = "python-distributions"
# Lockfiles with a header, which holds their metadata.
LOCKFILES_DIR = ""


def implicitly(*requests: Any) -> dict[str, Any]:
    """As Pants' own: takes a request, or `{request: its type}`."""
    return {
        "_implicit": [r for arg in requests for r in (arg if isinstance(arg, dict) else (arg,))]
    }


def by_type(output_type: type[T], input_type: type | None = None) -> Callable[..., Awaitable[T]]:
    """Returns what asks the engine for an output, by one request or by none."""

    def call(*explicit: Any, _implicit: Iterable[Any] = ()) -> Get:
        (request,) = (*explicit, *_implicit)
        return Get(output_type, input_type, request)

    def call_without_request(_implicit: Iterable[Any] = ()) -> Get:
        return Get(output_type, {})

    function: Any = call_without_request if input_type is None else call
    # For tests, which mock calls.
    function.output_type, function.input_type = output_type, input_type
    return function  # type: ignore[no-any-return]


if TYPE_CHECKING:

    @overload
    def concurrently(__calls: Iterable[Awaitable[T]]) -> Awaitable[tuple[T, ...]]:
        ...

    @overload
    def concurrently(__1: Awaitable[T1], __2: Awaitable[T2]) -> Awaitable[tuple[T1, T2]]:
        ...

    @overload
    def concurrently(
        __1: Awaitable[T1], __2: Awaitable[T2], __3: Awaitable[T3]
    ) -> Awaitable[tuple[T1, T2, T3]]:
        ...

    @overload
    def concurrently(*__calls: Awaitable[Any]) -> Awaitable[tuple[Any, ...]]:
        ...

    def concurrently(*__calls: Any) -> Any:
        ...

    @overload
    def rule(__function: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        ...

    @overload
    def rule(
        *, desc: str = ..., level: LogLevel = ...
    ) -> Callable[[Callable[..., Awaitable[T]]], Callable[..., Awaitable[T]]]:
        ...

    def rule(*__functions: Any, **kwargs: Any) -> Any:
        ...

else:
    concurrently = MultiGet

    def rule(*functions, **kwargs):
        """As Pants' own, but what is decorated can be called."""

        def register(function):
            task: TaskRule = rules.rule(**kwargs)(function).rule
            first = next(iter(task.input_selectors), None)
            takes_request = first is not None and not issubclass(
                first, (Subsystem, Subsystem.EnvironmentAware)
            )
            call = by_type(task.output_type, first if takes_request else None)
            call.rule = task  # For `collect_rules()`.
            return call

        return register(*functions) if functions else register


add_prefix = by_type(Digest, AddPrefix)
create_digest = by_type(Digest, CreateDigest)
create_pex = by_type(Pex, PexRequest)
create_pex_from_targets = by_type(PexRequest, PexFromTargetsRequest)
create_venv_pex = by_type(VenvPex, PexRequest)
digest_subset_to_digest = by_type(Digest, DigestSubset)
digest_to_snapshot = by_type(Snapshot, Digest)
environment_aware_package = by_type(BuiltPackage, EnvironmentAwarePackageRequest)
environment_vars_subset = by_type(EnvironmentVars, EnvironmentVarsRequest)
execute_process = by_type(FallibleProcessResult, Process)
execute_process_or_raise = by_type(ProcessResult, Process)
find_binary = by_type(BinaryPaths, BinaryPathRequest)
find_valid_field_sets = by_type(FieldSetsPerTarget, FieldSetsPerTargetRequest)
get_digest_contents = by_type(DigestContents, Digest)
get_digest_entries = by_type(DigestEntries, Digest)
hydrate_sources = by_type(HydratedSources, HydrateSourcesRequest)
interpreter_constraints_for_targets = by_type(InterpreterConstraints, InterpreterConstraintsRequest)
merge_digests = by_type(Digest, MergeDigests)
path_globs_to_digest = by_type(Digest, PathGlobs)
remove_prefix = by_type(Digest, RemovePrefix)
resolve_address = by_type(Address, AddressInput)
resolve_target = by_type(WrappedTarget, WrappedTargetRequest)
resolve_targets = by_type(Targets, DependenciesRequest)
setup_pex_cli_process = by_type(Process, PexCliProcess)
setup_venv_pex_process = by_type(Process, VenvPexProcess)
transitive_targets = by_type(TransitiveTargets, TransitiveTargetsRequest)


def tool_rules(*tools: type[PythonToolBase]) -> Iterable[Any]:
    """Registers Python tools with the goals `generate-lockfiles` and `export`."""
    for tool in tools:
        yield from _lockfile_rules(tool)
        yield from _export_rules(tool)
        yield from tool.rules()


def _lockfile_rules(tool_type: type[PythonToolBase]) -> Iterable[Any]:
    scope = tool_type.options_scope
    sentinel = type(
        f"{tool_type.__name__}LockfileSentinel",
        (GenerateToolLockfileSentinel,),
        {"resolve_name": scope, "__module__": __name__},
    )

    # Pants 2.16 has no `to_lockfile_request`.
    request: Any = getattr(tool_type, "to_lockfile_request", None) or getattr(
        GeneratePythonLockfile, "from_tool", None
    )

    def request_lockfile(_: Any, tool: Any) -> GeneratePythonLockfile:
        return request(tool)  # type: ignore[no-any-return]

    yield _rule_for(request_lockfile, sentinel, tool_type)
    yield UnionRule(GenerateToolLockfileSentinel, sentinel)


def _export_rules(tool_type: type[PythonToolBase]) -> Iterable[Any]:
    scope = tool_type.options_scope
    sentinel = type(
        f"{tool_type.__name__}ExportSentinel", (ExportPythonToolSentinel,), {"__module__": __name__}
    )

    def export_tool(_: Any, tool: Any) -> ExportPythonTool:
        return ExportPythonTool(resolve_name=scope, pex_request=tool.to_pex_request())

    yield _rule_for(export_tool, sentinel, tool_type)
    yield UnionRule(ExportPythonToolSentinel, sentinel)


def _rule_for(function: Callable[..., Any], sentinel: type, tool_type: type[PythonToolBase]) -> Any:
    function.__annotations__.update({"_": sentinel, "tool": tool_type})
    name = f"{__name__}.{function.__name__}_{tool_type.options_scope.replace('-', '_')}"
    return rules.rule(canonical_name=name)(function).rule


def allows(requirement: Any, version: str) -> bool:
    """Whether `requirement`, one of an `InterpreterConstraints`, allows this CPython ("3.11.7")."""
    return requirement.project_name == "CPython" and version in requirement


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
