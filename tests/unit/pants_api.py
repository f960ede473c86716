# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the plugin uses of Pants' API, and which releases have it.

Read from the sources of Pants 2.16.1, 2.17.1, 2.30.2, 2.31.0, 2.32.1 and 2.33.0. `engine_test.py`
compares the plugin with it, and the tables of the running Pants with that Pants.
"""

from __future__ import annotations

from typing import NamedTuple


def _parse(table: str) -> frozenset[str]:
    """Lines `module: name name ...`; lines that go on have no colon."""
    names: set[str] = set()
    module = ""
    for line in table.splitlines():
        if ":" in line:
            module, line = (part.strip() for part in line.split(":"))
        names.update(f"{module}.{name}" for name in line.split())
    return frozenset(names)


# In all supported releases.
IN_ALL = _parse(
    """
    pants.backend.python.subsystems.python_tool_base: PythonToolBase
    pants.backend.python.target_types: ConsoleScript EntryPoint GenerateSetupField PexLayout
        PythonRequirementsField PythonResolveField WheelField
    pants.backend.python.util_rules.interpreter_constraints: InterpreterConstraints
    pants.backend.python.util_rules.pex: Pex PexRequest VenvPex VenvPexProcess
    pants.backend.python.util_rules.pex_cli: PexCli PexCliProcess
    pants.backend.python.util_rules.pex_from_targets: InterpreterConstraintsRequest
        PexFromTargetsRequest
    pants.base.build_root: BuildRoot
    pants.build_graph.address: Address
    pants.core.goals.package: BuiltPackage BuiltPackageArtifact EnvironmentAwarePackageRequest
        OutputPathField PackageFieldSet
    pants.core.goals.run: RunFieldSet RunInSandboxBehavior RunRequest
    pants.core.target_types: FileSourceField
    pants.core.util_rules.subprocess_environment: SubprocessEnvironmentVars
    pants.core.util_rules.system_binaries: BinaryNotFoundError BinaryPathRequest
        BinaryPathTest BinaryPaths
    pants.engine.addresses: Address AddressInput Addresses
    pants.engine.console: Console
    pants.engine.env_vars: EnvironmentVars EnvironmentVarsRequest
    pants.engine.fs: AddPrefix CreateDigest Digest DigestContents DigestEntries DigestSubset
        EMPTY_DIGEST FileContent FileEntry GlobMatchErrorBehavior MergeDigests PathGlobs
        RemovePrefix Snapshot Workspace
    pants.engine.goal: Goal GoalSubsystem
    pants.engine.platform: Platform
    pants.engine.process: FallibleProcessResult Process ProcessCacheScope
        ProcessExecutionFailure ProcessResult
    pants.engine.target: AllTargets AsyncFieldMixin BoolField COMMON_TARGET_FIELDS
        Dependencies DependenciesRequest FieldSetsPerTarget FieldSetsPerTargetRequest
        HydrateSourcesRequest HydratedSources InvalidFieldException InvalidTargetException
        OptionalSingleSourceField StringField StringSequenceField Target Targets
        TransitiveTargets TransitiveTargetsRequest WrappedTarget WrappedTargetRequest
    pants.engine.unions: UnionRule
    pants.option.global_options: GlobalOptions
    pants.option.option_types: ArgsListOption BoolOption EnumOption StrListOption StrOption
    pants.option.scope: ScopeInfo
    pants.option.subsystem: Subsystem
    pants.util.docutil: bin_name doc_url
    pants.util.frozendict: FrozenDict
    pants.util.logging: LogLevel
    pants.util.memo: memoized_property
    pants.util.ordered_set: OrderedSet
    pants.util.strutil: bullet_list help_text pluralize softwrap
    pants.version: PANTS_SEMVER
    """
)

# In all, but only `engine` may import them: elsewhere, rules are declared with what it exports.
WRAPPED = _parse(
    """
    pants.engine: rules
    pants.engine.rules: TaskRule collect_rules goal_rule rule
    """
)

# Only in 2.30 and newer; for `engine.by_name`.
SINCE_2_30 = _parse(
    """
    pants.core.environments.target_types: EnvironmentField EnvironmentTarget
    pants.core.goals.resolves: ExportableTool
    pants.core.util_rules.env_vars: environment_vars_subset
    pants.engine.intrinsics: add_prefix create_digest digest_subset_to_digest
        digest_to_snapshot execute_process get_digest_contents get_digest_entries
        merge_digests path_globs_to_digest remove_prefix
    pants.engine.process: execute_process_or_raise
    pants.engine.rules: concurrently implicitly
    """
)

# Not in all of 2.30 and newer; for `engine.by_type`.
UNTIL_2_17 = _parse(
    """
    pants.backend.python.goals.export: ExportPythonTool ExportPythonToolSentinel
    pants.backend.python.goals.lockfile: GeneratePythonLockfile
    pants.core.goals.generate_lockfiles: GenerateToolLockfileSentinel
    pants.core.util_rules.environments: EnvironmentField EnvironmentTarget
    pants.engine.rules: Get MultiGet
    """
)


class Rule(NamedTuple):
    """A rule of Pants 2.30 and newer.

    `parameter` is the type of its first parameter. The caller leaves the others to `implicitly()`.
    """

    module: str
    output: str
    parameter: str
    has_more_parameters: bool


# Only `engine.by_name` imports these; in 2.16 and 2.17 they cannot be called.
RULES = {
    "create_pex": Rule("pants.backend.python.util_rules.pex", "Pex", "PexRequest", False),
    "create_venv_pex": Rule(
        "pants.backend.python.util_rules.pex", "VenvPex", "VenvPexRequest", True
    ),
    "setup_venv_pex_process": Rule(
        "pants.backend.python.util_rules.pex", "Process", "VenvPexProcess", True
    ),
    "setup_pex_cli_process": Rule(
        "pants.backend.python.util_rules.pex_cli", "Process", "PexCliProcess", True
    ),
    "create_pex_from_targets": Rule(
        "pants.backend.python.util_rules.pex_from_targets",
        "PexRequest",
        "PexFromTargetsRequest",
        True,
    ),
    "interpreter_constraints_for_targets": Rule(
        "pants.backend.python.util_rules.pex_from_targets",
        "InterpreterConstraints",
        "InterpreterConstraintsRequest",
        True,
    ),
    "environment_aware_package": Rule(
        "pants.core.goals.package", "BuiltPackage", "EnvironmentAwarePackageRequest", False
    ),
    "environment_vars_subset": Rule(
        "pants.core.util_rules.env_vars", "EnvironmentVars", "EnvironmentVarsRequest", True
    ),
    "find_binary": Rule(
        "pants.core.util_rules.system_binaries", "BinaryPaths", "BinaryPathRequest", True
    ),
    "resolve_address": Rule("pants.engine.internals.build_files", "Address", "MaybeAddress", False),
    "find_valid_field_sets": Rule(
        "pants.engine.internals.graph", "FieldSetsPerTarget", "FieldSetsPerTargetRequest", True
    ),
    "hydrate_sources": Rule(
        "pants.engine.internals.graph", "HydratedSources", "HydrateSourcesRequest", True
    ),
    "resolve_target": Rule(
        "pants.engine.internals.graph", "WrappedTarget", "WrappedTargetRequest", True
    ),
    "resolve_targets": Rule("pants.engine.internals.graph", "Targets", "UnexpandedTargets", True),
    "transitive_targets": Rule(
        "pants.engine.internals.graph", "TransitiveTargets", "TransitiveTargetsRequest", True
    ),
    "add_prefix": Rule("pants.engine.intrinsics", "Digest", "AddPrefix", False),
    "create_digest": Rule("pants.engine.intrinsics", "Digest", "CreateDigest", False),
    "digest_subset_to_digest": Rule("pants.engine.intrinsics", "Digest", "DigestSubset", False),
    "digest_to_snapshot": Rule("pants.engine.intrinsics", "Snapshot", "Digest", False),
    "execute_process": Rule("pants.engine.intrinsics", "FallibleProcessResult", "Process", True),
    "get_digest_contents": Rule("pants.engine.intrinsics", "DigestContents", "Digest", False),
    "get_digest_entries": Rule("pants.engine.intrinsics", "DigestEntries", "Digest", False),
    "merge_digests": Rule("pants.engine.intrinsics", "Digest", "MergeDigests", False),
    "path_globs_to_digest": Rule("pants.engine.intrinsics", "Digest", "PathGlobs", False),
    "remove_prefix": Rule("pants.engine.intrinsics", "Digest", "RemovePrefix", False),
    "execute_process_or_raise": Rule(
        "pants.engine.process", "ProcessResult", "FallibleProcessResult", True
    ),
}
