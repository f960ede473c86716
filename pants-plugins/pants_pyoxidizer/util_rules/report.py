# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Writes the report on a binary (`[pyoxidizer].report`): an SBOM, and checksums of its files."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestEntries,
    FileContent,
    FileEntry,
    MergeDigests,
)
from pants.util.logging import LogLevel

from pants_pyoxidizer import report_facts
from pants_pyoxidizer.configuration.config import PythonArchive
from pants_pyoxidizer.engine import (
    add_prefix,
    collect_rules,
    concurrently,
    create_digest,
    get_digest_contents,
    get_digest_entries,
    implicitly,
    merge_digests,
    rule,
)
from pants_pyoxidizer.report_facts import Component
from pants_pyoxidizer.subsystem import PyOxidizerReport
from pants_pyoxidizer.util_rules.build_environment import (
    BuildEnvironmentRequest,
    set_up_build_environment,
)
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.contents import Contents
from pants_pyoxidizer.util_rules.python.standalone_python import StandalonePython
from pants_pyoxidizer.util_rules.rust_toolchain import (
    MANAGED_VERSION,
    RustToolchain,
    parse_release,
)
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, run_tool

_FACTS = "facts.json"
_OUTPUT = "report.json"


@dataclass(frozen=True)
class CrateListRequest:
    python: StandalonePython
    rust: RustToolchain
    c_toolchain: CToolchain


@dataclass(frozen=True)
class Crate:
    name: str
    version: str
    checksum: str
    # Compiled only if a template chooses an allocator other than Python's.
    optional: bool


@dataclass(frozen=True)
class CrateList:
    """The crates that are compiled into executables, and the version of PyOxidizer."""

    pyoxidizer_version: str
    crates: tuple[Crate, ...]


@dataclass(frozen=True)
class LibrariesRequest:
    python: StandalonePython
    files: Digest  # The executable and its sidecar files.


@dataclass(frozen=True)
class Libraries:
    """What `list_libraries` finds."""

    system: tuple[str, ...]
    static: tuple[str, ...]


@dataclass(frozen=True)
class ReportRequest:
    name: str  # Name of the executable.
    files: Digest  # Everything that was built.
    install_dir: str  # In `files`; the report is written next to it.
    executable: str  # In `files`.
    contents: Contents
    crates: CrateListRequest
    with_template: bool


@dataclass(frozen=True)
class Report:
    digest: Digest
    paths: tuple[str, ...]


@rule
async def list_crates(request: CrateListRequest) -> CrateList:
    surroundings = await set_up_build_environment(
        BuildEnvironmentRequest(request.python, request.rust, request.c_toolchain), **implicitly()
    )
    result = await run_tool(
        ToolProcess(
            program="pyoxidizer.list_crates",
            argv=("--triple", request.python.target_triple, "--output", _OUTPUT),
            description="List the crates of PyOxidizer",
            immutable_input_digests=surroundings.immutable_input_digests,
            env=surroundings.env,
            append_only_caches=surroundings.append_only_caches,
            output_files=(_OUTPUT,),
        )
    )
    contents = await get_digest_contents(result.output_digest)
    found = json.loads(contents[0].content)
    return CrateList(found["pyoxidizer"], tuple(Crate(**crate) for crate in found["crates"]))


@rule
async def list_libraries(request: LibrariesRequest) -> Libraries:
    python, root = request.python.python, "__files"
    files = await add_prefix(AddPrefix(request.files, root))
    input_digest = await merge_digests(MergeDigests((request.python.digest, files)))
    archive = ("--archive", python.path) if isinstance(python, PythonArchive) else ()
    result = await run_tool(
        ToolProcess(
            program="report.list_libraries",
            argv=(*archive, "--output", _OUTPUT, root),
            description="List the libraries of an executable",
            input_digest=input_digest,
            output_files=(_OUTPUT,),
        )
    )
    contents = await get_digest_contents(result.output_digest)
    found = json.loads(contents[0].content)
    return Libraries(tuple(found["system"]), tuple(found["static"]))


@rule(desc="Write the report on a PyOxidizer binary", level=LogLevel.DEBUG)
async def write_report(request: ReportRequest, tool: PyOxidizerReport) -> Report:
    sbom = f"{request.name}.cdx.json"
    folder = os.path.dirname(request.install_dir)
    entries, crates, libraries = await concurrently(
        get_digest_entries(request.files),
        list_crates(request.crates, **implicitly()),
        list_libraries(LibrariesRequest(request.crates.python, request.files), **implicitly()),
    )
    hashes = _sha256_by_path(entries)
    facts = {
        "executable": report_facts.executable(request.name, hashes[request.executable]),
        "components": list(_components(request, crates, libraries)),
    }
    content = FileContent(_FACTS, json.dumps(facts, indent=1).encode())
    result = await run_tool(
        ToolProcess(
            program="report.make_sbom",
            argv=(_FACTS, sbom),
            description=f"Write the SBOM {sbom}",
            input_digest=await create_digest(CreateDigest([content])),
            output_files=(sbom,),
            tool=tool.to_pex_request(),
        )
    )
    written = _sha256_by_path(await get_digest_entries(result.output_digest))
    below = {os.path.relpath(path, folder): sha256 for path, sha256 in hashes.items()}
    checksums = FileContent(
        f"{request.name}.sha256", report_facts.checksums({**below, **written}).encode()
    )
    checksums_digest = await create_digest(CreateDigest([checksums]))
    digest = await merge_digests(MergeDigests((result.output_digest, checksums_digest)))
    paths = tuple(os.path.join(folder, name) for name in (sbom, checksums.path))
    return Report(await add_prefix(AddPrefix(digest, folder)), paths)


def _sha256_by_path(entries: DigestEntries) -> dict[str, str]:
    # The fingerprint of a digest is the SHA-256 of the content.
    return {e.path: e.file_digest.fingerprint for e in entries if isinstance(e, FileEntry)}


def _components(
    request: ReportRequest, crates: CrateList, libraries: Libraries
) -> Iterable[Component]:
    for placement in request.contents.placements:
        is_first_party = placement.wheel.path in request.contents.first_party
        yield report_facts.wheel(placement.wheel, is_first_party=is_first_party)
    python = request.crates.python
    archive = python.python.sha256 if isinstance(python.python, PythonArchive) else None
    yield report_facts.python(python.version, archive)
    for name in libraries.static:
        yield report_facts.library(name, "static")
    for name in libraries.system:
        yield report_facts.library(name, "system")
    yield report_facts.pyoxidizer(crates.pyoxidizer_version)
    yield report_facts.rust(_rust_version(request.crates.rust))
    for crate in crates.crates:
        # Without a template, we choose Python's own allocator.
        if request.with_template or not crate.optional:
            yield report_facts.crate(crate.name, crate.version, crate.checksum, crate.optional)


def _rust_version(rust: RustToolchain) -> str:
    release = parse_release(rust.system.fingerprint) if rust.system else None
    return ".".join(map(str, release)) if release else MANAGED_VERSION


def rules() -> Iterable[Any]:
    return collect_rules()
