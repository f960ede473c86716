# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Mapping
from unittest.mock import Mock

import pytest
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.engine.addresses import Address
from pants.engine.fs import Digest
from pants.engine.platform import Platform
from pants.engine.process import Process, ProcessCacheScope
from pants.testutil.option_util import create_subsystem
from pants.util.logging import LogLevel

from pants_pyoxidizer.configuration.config import PyOxidizerPython, PythonArchive
from pants_pyoxidizer.engine import EnvironmentTarget, execute_process, setup_pex_cli_process
from pants_pyoxidizer.subsystem import PyOxidizer, PythonSource
from pants_pyoxidizer.util_rules.host_links import HostLink, HostLinkRequest, make_host_link
from pants_pyoxidizer.util_rules.python import host_python
from pants_pyoxidizer.util_rules.python.archived_python import (
    ArchivedPythonRequest,
    choose_archived_python,
)
from pants_pyoxidizer.util_rules.python.chosen_python import (
    ChosenPython,
    ChosenPythonRequest,
    choose_python,
)
from pants_pyoxidizer.util_rules.python.host_python import (
    FindPythonRequest,
    FoundPython,
    PackedHostPython,
    PackHostPythonRequest,
    find_host_python,
    narrow,
    pack_host_python,
)
from pants_pyoxidizer.util_rules.python.packing import (
    PackingRequest,
    PackingResult,
    run_packing,
)
from pants_pyoxidizer.util_rules.python.standalone_python import (
    ArchivedPython,
    DownloadedPython,
    HostPython,
    NoUsablePythonError,
    PackedPython,
    StandalonePython,
)
from rules.mocks import Mocks, run_rule

ARCHIVE = Digest("a" * 64, 1)


def constraints(*texts: str) -> InterpreterConstraints:
    return InterpreterConstraints(texts)


# --- Narrowing


@pytest.mark.parametrize(
    ("wide", "narrowed"),
    [
        (constraints(), constraints("CPython==3.9.*")),
        (constraints("CPython>=3.7"), constraints("CPython==3.9.*,>=3.7")),
        (constraints("==3.9.18"), constraints("CPython==3.9.*,==3.9.18")),
        (constraints("CPython>=3.9.5,<3.12"), constraints("CPython<3.12,==3.9.*,>=3.9.5")),
        (constraints("CPython>=3.10"), None),
        (constraints("CPython<3.9"), None),
        (constraints("CPython==2.7.*"), None),
        (constraints("PyPy>=3.7"), None),
    ],
)
def test_narrow(wide: InterpreterConstraints, narrowed: InterpreterConstraints | None) -> None:
    assert narrow(wide, "3.9") == narrowed


def test_narrow_takes_the_alternatives_that_allow_the_version() -> None:
    narrowed = narrow(constraints("CPython==3.7.*", "CPython>=3.9.5"), "3.9")
    assert narrowed is not None
    assert narrowed.enumerate_python_versions(["3.7", "3.9", "3.10"]) == constraints(
        "CPython==3.9.*,>=3.9.5"
    ).enumerate_python_versions(["3.9"])


# --- Choosing

NO_ARCHIVE: Mocks = {choose_archived_python: lambda _: pytest.fail("asked for an archive")}


def choose(
    wanted: InterpreterConstraints,
    *,
    source: PythonSource = PythonSource.HOST,
    field: str | None = None,
    platform: Platform = Platform.linux_x86_64,
    hosts: Mapping[str, FoundPython] | None = None,
    packed: Mapping[str, PackedHostPython] | None = None,
    pex: str = "v2.20.4",
) -> tuple[StandalonePython, list[str]]:
    """The choice, and the paths of the interpreters that were packed for it.

    `hosts` are by minor version, `packed` by path.
    """
    tried = []

    def find(request: FindPythonRequest) -> FoundPython:
        return next(
            host
            for version, host in (hosts or {}).items()
            if request.interpreter_constraints == narrow(wanted, version)
        )

    def pack(request: PackHostPythonRequest) -> PackedHostPython:
        assert request == PackHostPythonRequest(request.path, f"fingerprint of {request.path}")
        tried.append(request.path)
        return (packed or {})[request.path]

    chosen = run_rule(
        choose_python,
        ChosenPythonRequest(Address("project", target_name="bin"), wanted, field),
        create_subsystem(PyOxidizer, python=source.value),
        Mock(version=pex),
        platform,
        mocks={
            find_host_python: find,
            pack_host_python: pack,
            **NO_ARCHIVE,
        },
    )
    return chosen.python, tried


def host(path: str) -> FoundPython:
    return FoundPython(path, f"fingerprint of {path}", "")


def standalone(version: str) -> HostPython:
    return HostPython(
        PythonArchive("python.tar.zst", "0123", version[: version.rindex(".")]),
        version=version,
        target_triple="x86_64-unknown-linux-gnu",
        digest=ARCHIVE,
        description=f"Contains Python {version}.",
        host_python=".cache/links/python",
    )


def test_the_newest_python_of_the_host_is_packed_and_no_other() -> None:
    versions = ("3.9", "3.10", "3.11", "3.12", "3.13")
    assert choose(
        constraints("CPython>=3.9"),
        hosts={version: host(f"/py{version}") for version in versions},
        packed={"/py3.13": PackedHostPython(standalone("3.13.0"))},
    ) == (standalone("3.13.0"), ["/py3.13"])


def test_the_next_python_is_tried_when_one_is_missing_or_refused() -> None:
    assert choose(
        constraints("CPython>=3.9,<3.12"),
        hosts={
            "3.11": FoundPython(None, "", "CPython==3.11.*: none found"),
            "3.10": host("/py310"),
            "3.9": host("/py39"),
        },
        packed={
            "/py310": PackedHostPython(None, "/py310: it is a debug build"),
            "/py39": PackedHostPython(standalone("3.9.18")),
        },
    ) == (standalone("3.9.18"), ["/py310", "/py39"])


def test_no_python_of_the_host_can_be_embedded() -> None:
    with pytest.raises(NoUsablePythonError) as e:
        choose(
            constraints("CPython>=3.10,<3.12"),
            hosts={
                "3.11": FoundPython(None, "", "CPython<3.12,==3.11.*,>=3.10: none found"),
                "3.10": host("/py310"),
            },
            packed={"/py310": PackedHostPython(None, "/py310: it is a debug build")},
        )
    assert str(e.value) == (
        "No Python on this machine can be embedded into the target project:bin, whose dependencies "
        "have the interpreter constraints `CPython<3.12,>=3.10`. Searched in "
        "`[python-bootstrap].search_path`:\n\n"
        "  * CPython<3.12,==3.11.*,>=3.10: none found\n"
        "  * /py310: it is a debug build\n\n"
        "To fix, install one of 3.11, 3.10 with its libpython (pyenv: `pyenv install 3.11`; Debian "
        "and Ubuntu: `apt-get install libpython3.11-dev`), or set `[pyoxidizer].python` to "
        "`pyoxidizer`."
    )


def test_the_field_overrides_the_option() -> None:
    chosen, _ = choose(constraints(), source=PythonSource.HOST, field="pyoxidizer")
    assert chosen.version == "3.10.9"
    with pytest.raises(NoUsablePythonError) as e:
        choose(constraints("CPython==3.8.*"), source=PythonSource.PYOXIDIZER, field="host")
    assert (
        "With the `python` field of the target project:bin set to `host`, only 3.13, 3.12, 3.11, "
        "3.10, 3.9 can be embedded."
    ) in str(e.value)


@pytest.mark.parametrize(
    ("option", "field", "origin", "relative_to"),
    [
        ("py:py311", None, "`[pyoxidizer].python`", None),
        ("host", "py:py311", "the `python` field of the target project:bin", "project"),
    ],
)
def test_any_other_word_is_the_address_of_an_archive(
    option: str, field: str | None, origin: str, relative_to: str | None
) -> None:
    address = Address("project", target_name="bin")
    wanted = constraints("CPython>=3.9")
    request = ArchivedPythonRequest(address, wanted, "py:py311", origin, relative_to)
    archived = {request: ArchivedPython(**vars(standalone("3.11.7")))}
    chosen = run_rule(
        choose_python,
        ChosenPythonRequest(address, wanted, field),
        create_subsystem(PyOxidizer, python=option),
        Mock(version="v2.20.4"),
        Platform.linux_x86_64,
        mocks={
            find_host_python: lambda _: pytest.fail("asked for a host"),
            pack_host_python: lambda _: pytest.fail("packed a host"),
            choose_archived_python: archived.__getitem__,
        },
    )
    assert chosen == ChosenPython(archived[request])


@pytest.mark.parametrize(
    ("version", "pex", "hint"),
    [
        (
            "3.13",
            "v2.1.137",
            " by Pex 2.1.137, which may be too old for it (to fix, set `[pex-cli].version` to "
            "`v2.20.4` or newer)",
        ),
        ("3.13", "v2.20.4", ""),
        ("3.11", "v2.1.137", ""),
    ],
)
def test_pex_is_too_old_for_what_is_not_found(version: str, pex: str, hint: str) -> None:
    with pytest.raises(NoUsablePythonError) as e:
        choose(
            constraints(f"CPython=={version}.*"),
            hosts={version: FoundPython(None, "", f"CPython=={version}.*: none found")},
            pex=pex,
        )
    assert f"  * CPython=={version}.*: none found{hint}\n\n" in str(e.value)


@pytest.mark.parametrize(
    ("source", "wanted", "known"),
    [
        (PythonSource.HOST, "CPython>=3.14", "3.13, 3.12, 3.11, 3.10, 3.9"),
        (PythonSource.HOST, "CPython==3.8.*", "3.13, 3.12, 3.11, 3.10, 3.9"),
        (PythonSource.PYOXIDIZER, "CPython==3.11.*", "3.10, 3.9, 3.8"),
    ],
)
def test_constraints_that_allow_nothing_that_can_be_embedded(
    source: PythonSource, wanted: str, known: str
) -> None:
    with pytest.raises(NoUsablePythonError) as e:
        choose(constraints(wanted), source=source)
    assert str(e.value) == (
        f"The target project:bin needs a Python that matches `{wanted}`, the interpreter "
        f"constraints of its dependencies. With `[pyoxidizer].python` set to `{source.value}`, "
        f"only {known} can be embedded.\n\nTo fix, change the `interpreter_constraints` of the "
        "code or of `[python]` to allow one of these."
    )


@pytest.mark.parametrize(
    ("wanted", "version", "minor_version"),
    [
        ("CPython>=3.7", "3.10.9", "3.10"),
        ("CPython>=3.7,<3.10", "3.9.16", "3.9"),
        ("CPython==3.8.*", "3.8.16", "3.8"),
    ],
)
def test_pyoxidizers_own_python_is_the_newest_that_is_allowed(
    wanted: str, version: str, minor_version: str
) -> None:
    chosen, tried = choose(constraints(wanted), source=PythonSource.PYOXIDIZER)
    assert chosen == DownloadedPython(
        PyOxidizerPython(minor_version),
        version=version,
        target_triple="x86_64-unknown-linux-gnu",
        description=(
            f"Contains Python {version} (downloaded by PyOxidizer); "
            "runs with the glibc of this machine or newer."
        ),
    )
    assert not tried


@pytest.mark.parametrize(
    ("platform", "triple"),
    [
        (Platform.linux_x86_64, "x86_64-unknown-linux-gnu"),
        (Platform.linux_arm64, "aarch64-unknown-linux-gnu"),
        (Platform.macos_x86_64, "x86_64-apple-darwin"),
        (Platform.macos_arm64, "aarch64-apple-darwin"),
    ],
)
def test_the_target_triple_is_that_of_this_machine(platform: Platform, triple: str) -> None:
    chosen, _ = choose(constraints(), source=PythonSource.PYOXIDIZER, platform=platform)
    assert chosen.target_triple == triple


# --- Finding


def find(*, exit_code: int = 0, stdout: bytes = b"") -> FoundPython:
    wanted = constraints("CPython==3.11.*")
    process = Process(("./pex",), description="")
    pex_cli_process = PexCliProcess(
        subcommand=(),
        extra_args=(
            *("--interpreter-constraint", "CPython==3.11.*"),
            *("--", "-c", host_python._FINGERPRINT_PROGRAM),
        ),
        description="",
        level=LogLevel.DEBUG,
        cache_scope=ProcessCacheScope.PER_RESTART_ALWAYS,
    )
    found: FoundPython = run_rule(
        find_host_python,
        FindPythonRequest(wanted),
        EnvironmentTarget(None, None),
        mocks={
            setup_pex_cli_process: {pex_cli_process: process}.__getitem__,
            execute_process: {process: Mock(exit_code=exit_code, stdout=stdout)}.__getitem__,
        },
    )
    return found


def test_pex_finds_the_pythons_of_the_host() -> None:
    found = find(stdout=b"/usr/bin/python3.11\n0123\n")
    assert found == FoundPython("/usr/bin/python3.11", "0123", "")


def test_no_python_of_the_host_is_no_error_yet() -> None:
    assert find(exit_code=1) == FoundPython(None, "", "CPython==3.11.*: none found")


def fingerprint(python: Path | str) -> str:
    argv = [str(python), "-c", host_python._FINGERPRINT_PROGRAM]
    path, found = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.decode().split()
    assert path == os.path.realpath(python)
    assert len(bytes.fromhex(found)) == 32
    return found


def test_the_fingerprint_is_of_all_that_is_packed(tmp_path: Path) -> None:
    executable = Path(os.path.realpath(sys.executable))
    stdlib = Path(sysconfig.get_path("stdlib"))
    python = Path("bin", executable.name)
    (tmp_path / "one/bin").mkdir(parents=True)
    shutil.copy(executable, tmp_path / "one" / python)
    ignore = shutil.ignore_patterns("site-packages", "dist-packages", "test", "__pycache__")
    copy = tmp_path / "one" / stdlib.parent.name / stdlib.name
    shutil.copytree(stdlib, copy, ignore=ignore)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    original = fingerprint(tmp_path / "one" / python)
    # The same files at another path.
    assert fingerprint(tmp_path / "two" / python) == original

    (json,) = (tmp_path / "two").glob("lib*/python3.*/json/__init__.py")
    (json.parent / "__pycache__").mkdir(exist_ok=True)
    (json.parent / "__pycache__/of_no_use.pyc").touch()
    assert fingerprint(tmp_path / "two" / python) == original
    source = json.read_text()
    json.write_text(f"{source}# As a distribution may patch it.\n")
    patched = fingerprint(tmp_path / "two" / python)
    # As when a package of the distribution is installed later.
    (json.parent / "later.py").touch()
    assert len({original, patched, fingerprint(tmp_path / "two" / python)}) == 3


# --- Packing


def pack(result: PackingResult, path: str = "/usr/bin/python3.11") -> PackedHostPython:
    links = {HostLinkRequest(path, "4567", what=""): HostLink(".cache/links/python")}
    packing = PackingRequest(
        program="pack.pack_cpython",
        argv=("--python", ".cache/links/python"),
        description="",
        name=path,
    )
    packed: PackedHostPython = run_rule(
        pack_host_python,
        PackHostPythonRequest(path, "4567"),
        mocks={
            make_host_link: links.__getitem__,
            run_packing: {packing: result}.__getitem__,
        },
    )
    return packed


def test_packing() -> None:
    python = standalone("3.11.7")
    facts = {name: value for name, value in vars(python).items() if name != "host_python"}
    # Wherever it is, the process is the same: it knows the link alone.
    for path in ("/usr/bin/python3.11", "/home/user/.pyenv/versions/3.11.7/bin/python3.11"):
        assert pack(PackingResult(PackedPython(**facts)), path) == PackedHostPython(python)


def test_a_python_that_cannot_be_packed_gives_the_reason() -> None:
    packed = pack(PackingResult(None, "/py310: it is a debug build"))
    assert packed == PackedHostPython(None, "/py310: it is a debug build")
