# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
from typing import Any
from unittest.mock import Mock

import pytest
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.core.target_types import FileSourceField, FileTarget, http_source
from pants.core.target_types import rules as core_target_rules
from pants.engine.addresses import Address, AddressInput
from pants.engine.fs import Digest
from pants.engine.platform import Platform
from pants.engine.target import (
    HydratedSources,
    HydrateSourcesRequest,
    Target,
    WrappedTarget,
    WrappedTargetRequest,
)
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_pyoxidizer.configuration.config import PythonArchive
from pants_pyoxidizer.engine import hydrate_sources, resolve_address, resolve_target
from pants_pyoxidizer.standalone_python_target import (
    StandalonePythonSourceField,
    StandalonePythonTarget,
)
from pants_pyoxidizer.util_rules.host_links import HostLink, HostLinkRequest, make_host_link
from pants_pyoxidizer.util_rules.python.archived_python import (
    AdoptArchiveRequest,
    ArchivedPythonRequest,
    adopt_archive,
    allows,
    choose_archived_python,
)
from pants_pyoxidizer.util_rules.python.host_python import (
    FindPythonRequest,
    FoundPython,
    find_host_python,
)
from pants_pyoxidizer.util_rules.python.packing import PackingRequest, PackingResult, run_packing
from pants_pyoxidizer.util_rules.python.standalone_python import (
    ArchivedPython,
    NoUsablePythonError,
    PackedPython,
)
from rules.mocks import run_rule

BINARY = Address("project", target_name="bin")
ADDRESS = Address("py", target_name="py311")
TARGET = StandalonePythonTarget({"source": "cpython.tar.zst"}, ADDRESS)
INPUT, ARCHIVE = (Digest(letter * 64, 1) for letter in "ab")
PYTHON = PackedPython(
    PythonArchive("python.tar.zst", "0123", "3.11"),
    version="3.11.7",
    target_triple="x86_64-unknown-linux-gnu",
    digest=ARCHIVE,
    description="Contains Python 3.11.7 (cpython.tar.zst, static); runs with glibc 2.35 or newer.",
)
CONSTRAINTS = InterpreterConstraints(["CPython>=3.9"])
PACKED = PackingResult(PYTHON)
HOST = FoundPython("/usr/bin/python3.11", "0123", "")
OPTION = "`[pyoxidizer].python`"
FIELD = "the `python` field of the target project:bin"


# --- Choosing


def choose(
    python: str = "py:py311",
    *,
    origin: str = OPTION,
    relative_to: str | None = None,
    constraints: InterpreterConstraints = CONSTRAINTS,
    target: Target = TARGET,
    packed: PackingResult = PACKED,
    host: FoundPython = HOST,
) -> ArchivedPython:
    parsed = AddressInput.parse(python, relative_to=relative_to, description_of_origin=origin)
    minor_version = packed.python.python.minor_version if packed.python else "3.11"
    hosts = {FindPythonRequest(InterpreterConstraints([f"CPython=={minor_version}.*"])): host}
    links = {HostLinkRequest("/usr/bin/python3.11", "0123", what=""): HostLink(".cache/python")}
    chosen: ArchivedPython = run_rule(
        choose_archived_python,
        ArchivedPythonRequest(BINARY, constraints, python, origin, relative_to),
        Mock(version="v2.1.137"),
        mocks={
            resolve_address: {parsed: ADDRESS}.__getitem__,
            resolve_target: {
                WrappedTargetRequest(ADDRESS, origin): WrappedTarget(target)
            }.__getitem__,
            adopt_archive: {
                AdoptArchiveRequest(TARGET[StandalonePythonSourceField]): packed
            }.__getitem__,
            find_host_python: hosts.__getitem__,
            make_host_link: links.__getitem__,
        },
    )
    return chosen


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(NoUsablePythonError) as e:
        choose(*args, **kwargs)
    return str(e.value)


@pytest.mark.parametrize(
    ("python", "origin", "relative_to"),
    [
        ("py:py311", OPTION, None),
        ("//py:py311", FIELD, "project"),
        (":py311", FIELD, "py"),
    ],
)
def test_the_target_that_is_named(python: str, origin: str, relative_to: str | None) -> None:
    chosen = choose(python, origin=origin, relative_to=relative_to)
    assert chosen.digest == ARCHIVE
    assert chosen.host_python == ".cache/python"
    assert chosen.cache_key == "0123"
    # That very patch version need not be on this machine.
    assert chosen.resolver_constraints == InterpreterConstraints(["CPython==3.11.*"])


def test_a_word_that_is_no_address() -> None:
    assert refused("hots") == (
        "`[pyoxidizer].python` is 'hots', which is neither `host`, `pyoxidizer` nor the address of "
        "a `standalone_python` target, such as `path/to:py311`. To fix, use one of these."
    )
    assert refused("py311", origin=FIELD).startswith(
        "The `python` field of the target project:bin is 'py311', which is neither"
    )


def test_a_target_of_another_kind() -> None:
    assert refused(target=FileTarget({"source": "x"}, ADDRESS)) == (
        "`[pyoxidizer].python` is 'py:py311', but py:py311 is a `file` target. To fix, name a "
        "`standalone_python` target."
    )


def test_an_archive_that_cannot_be_adopted() -> None:
    assert refused(packed=PackingResult(None, "cpython.tar.zst: is truncated")) == (
        "The `source` field of the `standalone_python` target py:py311 names an archive that "
        "cannot be embedded into the target project:bin:\n\n  cpython.tar.zst: is truncated\n\n"
        "To fix, name another archive in that field."
    )


def test_a_version_that_the_code_does_not_allow() -> None:
    assert refused(constraints=InterpreterConstraints(["CPython<3.11,>=3.9"]), origin=FIELD) == (
        "The target project:bin needs a Python that matches `CPython<3.11,>=3.9`, the interpreter "
        "constraints of its dependencies, but the `standalone_python` target py:py311 is Python "
        "3.11.7.\n\nTo fix, name another `standalone_python` target in the `python` field of the "
        "target project:bin, or change the `interpreter_constraints` of the code or of `[python]` "
        "to allow this version."
    )


def test_no_python_to_resolve_with() -> None:
    assert refused(host=FoundPython(None, "", "none found")) == (
        "The target project:bin embeds the `standalone_python` target py:py311, Python 3.11.7. "
        "Resolving third-party wheels for it requires a CPython 3.11 on this machine, but none was "
        "found in `[python-bootstrap].search_path`.\n\nTo fix, install one of any patch version "
        "(pyenv: `pyenv install 3.11`; Debian and Ubuntu: `apt-get install python3.11`)."
    )
    newer = dataclasses.replace(
        PYTHON, python=PythonArchive("python.tar.zst", "0123", "3.13"), version="3.13.0"
    )
    assert (
        "but none was found by Pex 2.1.137, which may be too old for it (to fix, set "
        "`[pex-cli].version` to `v2.20.4` or newer) in `[python-bootstrap].search_path`."
    ) in refused(packed=PackingResult(newer), host=FoundPython(None, "", "none found"))


@pytest.mark.parametrize(
    ("constraints", "allowed"),
    [
        ([], True),
        (["CPython==3.11.7"], True),
        (["CPython==3.9.*", "CPython>=3.11.5"], True),
        (["==3.11.*"], True),
        (["CPython>=3.11.8"], False),
        (["CPython<3.11"], False),
        (["PyPy>=3.9"], False),
    ],
)
def test_allows(constraints: list[str], allowed: bool) -> None:
    assert allows(InterpreterConstraints(constraints), "3.11.7") is allowed


# --- Adopting


def test_adopting() -> None:
    source = TARGET[StandalonePythonSourceField]
    hydrated = Mock(snapshot=Mock(files=("py/cpython.tar.zst",), digest=INPUT))
    hydration = HydrateSourcesRequest(
        source, for_sources_types=(FileSourceField,), enable_codegen=True
    )
    packing = PackingRequest(
        program="pack.adopt_archive",
        argv=("--archive", "py/cpython.tar.zst", "--target-triple", "x86_64-unknown-linux-gnu"),
        description="",
        name="cpython.tar.zst",
        input_digest=INPUT,
    )
    adopted = run_rule(
        adopt_archive,
        AdoptArchiveRequest(source),
        Platform.linux_x86_64,
        mocks={
            hydrate_sources: {hydration: hydrated}.__getitem__,
            run_packing: {packing: PACKED}.__getitem__,
        },
    )
    assert adopted == PACKED


# --- The source


def test_sources_of_the_repository_and_downloads_are_files() -> None:
    runner = RuleRunner(
        rules=[*core_target_rules(), QueryRule(HydratedSources, (HydrateSourcesRequest,))],
        target_types=[StandalonePythonTarget],
        objects={"http_source": http_source},
    )
    runner.write_files(
        {
            "py/BUILD": """
standalone_python(name="local", source="cpython.tar.zst")
standalone_python(
    name="remote",
    source=http_source("https://example.org/a.tar.zst", len=5, sha256="0" * 64),
)
""",
            "py/cpython.tar.zst": "archive",
        }
    )
    local = runner.get_target(Address("py", target_name="local"))[StandalonePythonSourceField]
    request = HydrateSourcesRequest(
        local, for_sources_types=(FileSourceField,), enable_codegen=True
    )
    assert runner.request(HydratedSources, [request]).snapshot.files == ("py/cpython.tar.zst",)
    remote = runner.get_target(Address("py", target_name="remote"))[StandalonePythonSourceField]
    assert remote.file_path == "py/a.tar.zst"
