# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Binaries with the Python of a `standalone_python` target."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest

from integration.repository import Repository, run_binary
from unit import full_archives
from unit.full_archives import Files, published, with_facts

BUILD = """\
    python_sources(name="lib")
    python_distribution(
        name="dist",
        dependencies=[":lib"],
        provides=python_artifact(name="pinned-dist", version="0.0.1"),
    )
    pyoxidizer_binary(name="bin", dependencies=[":dist"], entry_point="pinned.main")
    pyoxidizer_binary(
        name="other", dependencies=[":dist"], entry_point="pinned.main", python="py:eight"
    )
    """
# `pinned_mark` is in the standard library of an archive that was edited.
MAIN = """\
    import importlib.util, json, sqlite3, ssl, sys

    mark = importlib.util.find_spec("pinned_mark") is not None
    print(json.dumps([sys.version_info[:2], mark]))
    """
MINOR = sys.version_info[1]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return full_archives.packed(sys.executable, tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, packed: Files) -> Iterator[str]:
    """Serves an archive of version 7; what to write into a BUILD file to download it."""
    folder = tmp_path_factory.mktemp("server")
    data = full_archives.write(folder / "1.tar.zst", *published(packed, "7")).read_bytes()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever).start()
        yield (
            f'http_source("http://127.0.0.1:{running.server_address[1]}/1.tar.zst", '
            f'len={len(data)}, sha256="{hashlib.sha256(data).hexdigest()}", '
            'filename="seven.tar.zst")'
        )
        running.shutdown()


@pytest.fixture(scope="module", autouse=True)
def project(repository: Repository, packed: Files, server: str) -> None:
    repository.write(
        {
            "py/BUILD": f"""\
                standalone_python(name="seven", source={server})
                standalone_python(name="eight", source="eight.tar.zst")
                standalone_python(name="bad", source="bad.tar.zst")
                """,
            "pinned/BUILD": BUILD,
            "pinned/__init__.py": "",
            "pinned/main.py": MAIN,
        }
    )
    write_eight(repository, packed)


def write_eight(repository: Repository, files: Files) -> None:
    full_archives.write(repository.path / "py/eight.tar.zst", *published(files, "8"))


def executable(repository: Repository, name: str) -> Path:
    (binary,) = repository.path.glob(f"dist/pinned/{name}/*/debug/install/{name}")
    return binary


def test_both_versions_by_option_and_by_field(repository: Repository) -> None:
    """Both archives become the same one, so that the runtime is built once."""
    result = repository.succeed(
        "--pyoxidizer-python=py:seven", "package", "pinned:bin", "pinned:other"
    )
    for archive in ("seven", "eight"):
        assert f"({archive}.tar.zst, static); runs with glibc" in result.stderr
    # Not at all, if a test before has packed the same Python.
    assert result.stderr.count("Completed: Building the Python") <= 1
    for name in ("bin", "other"):
        result = run_binary(executable(repository, name))
        assert (result.stdout, result.stderr) == (f"[[3, {MINOR}], false]\n", "")


def test_an_edited_archive_is_another_python(repository: Repository, packed: Files) -> None:
    stdlib = f"install/lib/python3.{MINOR}"
    write_eight(repository, {**packed, f"{stdlib}/pinned_mark.py": b""})
    result = repository.succeed("run", "pinned:other")
    assert result.stdout == f"[[3, {MINOR}], true]\n"


def test_a_refused_archive(repository: Repository, packed: Files) -> None:
    files, _ = published(packed, "8")
    debug = with_facts(
        files, lambda facts: facts.update(build_options="debug", optimizations="debug")
    )
    full_archives.write(repository.path / "py/bad.tar.zst", debug)
    message = repository.fail("--pyoxidizer-python=py:bad", "package", "pinned:bin")
    assert (
        "The `source` field of the `standalone_python` target py:bad names an archive that cannot "
        "be embedded into the target pinned:bin: bad.tar.zst: "
        "is a debug build, whose ABI is incompatible with release extension modules; use a release "
        "build "
        "To fix, name another archive in that field."
    ) in message
    assert "Building the Python" not in message


def test_a_tampered_download(repository: Repository, server: str) -> None:
    """Pants itself refuses it."""
    found = server.partition('sha256="')[2].partition('"')[0]
    wanted = "0" * len(found)
    source = server.replace(found, wanted)
    repository.write({"tampered/BUILD": f'standalone_python(name="py", source={source})\n'})
    message = repository.fail("--pyoxidizer-python=tampered:py", "package", "pinned:bin")
    assert "Wrong digest for downloaded file" in message
    assert message.index(f"Fingerprint<{wanted}>") < message.index(f"Fingerprint<{found}>")
    for step in ("Adopt ", "Building the Python", "Embedding "):
        assert step not in message


def test_an_address_that_is_none(repository: Repository) -> None:
    message = repository.fail("--pyoxidizer-python=py:nine", "package", "pinned:bin")
    assert "`[pyoxidizer].python`" in message and "py:nine" in message
    message = repository.fail("--pyoxidizer-python=pinned:lib", "package", "pinned:bin")
    assert (
        "`[pyoxidizer].python` is 'pinned:lib', but pinned:lib is a `python_sources` target. To "
        "fix, name a `standalone_python` target."
    ) in message


def test_peek_and_help(repository: Repository) -> None:
    (peeked,) = json.loads(repository.succeed("peek", "py:eight").stdout)
    assert (peeked["target_type"], peeked["sources"]) == (
        "standalone_python",
        ["py/eight.tar.zst"],
    )
    assert "python-build-standalone" in repository.succeed("help", "standalone_python").stdout
