# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Builds with the network taken away, and crates that come from elsewhere than from crates.io."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest

from benchmarks.pythons import find_python
from integration.projects import TEMPLATE, project
from integration.repository import Repository, run_binary
from unit import full_archives

# As root, and for who is not.
NO_NETWORK = (("unshare", "--net"), ("unshare", "--net", "--map-root-user"))

# As docs/offline.md says, for what the tests build.
VENDORED = """\
    [python]
    enable_resolves = true

    [python.resolves]
    python-default = "3rdparty/python/default.lock"
    pyoxidizer = "3rdparty/python/pyoxidizer.lock"
    pyoxidizer-report = "3rdparty/python/report.lock"
    setuptools = "3rdparty/python/setuptools.lock"

    [python.resolves_to_interpreter_constraints]
    pyoxidizer = ["CPython=={minor_version}.*"]
    pyoxidizer-report = ["CPython=={minor_version}.*"]

    [pyoxidizer]
    install_from_resolve = "pyoxidizer"
    python = "3rdparty/python:pinned"
    crates_dir = "3rdparty/crates"
    report = true

    [pyoxidizer-report]
    install_from_resolve = "pyoxidizer-report"

    [setuptools]
    install_from_resolve = "setuptools"

    [python-repos]
    indexes = []
    find_links = ["file://%(buildroot)s/3rdparty/wheels"]
    path_mappings = ["WHEELS|%(buildroot)s/3rdparty/wheels"]
    """
TOOLS = {
    "pyoxidizer": ("pyoxidizer==0.24.0", "pip==23.3.2", "zstandard==0.23.0"),
    "pyoxidizer-report": ("cyclonedx-python-lib==9.1.0", "jsonschema==4.23.0"),
    "setuptools": ("setuptools==63.4.3", "wheel==0.37.1"),
}
# In the standard library of no Python but the one in the repository.
MARK = "pinned_mark"


def write(
    repository: Repository, name: str, text: str, fields: str = "", imports: str = ""
) -> None:
    module = f"import click\n{imports}\nclick.echo({text!r})\n"
    fields = f'entry_point="{name}.main", {fields}'
    requirements = {
        "3rdparty/BUILD": 'python_requirement(name="click", requirements=["click==8.1.7"])\n'
    }
    repository.write({**requirements, **project(name, module, {"bin": fields})})


def without_network(repository: Repository) -> Repository:
    """Runs Pants in a network namespace of its own, in which there is none."""
    for wrapper in NO_NETWORK:
        if (
            shutil.which("unshare")
            and subprocess.run([*wrapper, "true"], capture_output=True).returncode == 0
        ):
            return dataclasses.replace(repository, wrapper=wrapper)
    pytest.skip("no process can be kept from the network here")


def package(repository: Repository, name: str, *options: str) -> str:
    """Build, without Pants' daemon, which would be outside, and return what the binary prints."""
    shutil.rmtree(repository.path / "dist", ignore_errors=True)
    repository.succeed("--no-pantsd", *options, "package", f"{name}:bin")
    (folder,) = repository.path.glob(f"dist/{name}/bin/*/*/install")
    (binary,) = (path for path in folder.iterdir() if path.name in ("bin", "another-name"))
    result = run_binary(binary)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_after_one_build_no_network_is_needed(tmp_path: Path) -> None:
    repository = Repository.create(tmp_path)
    write(repository, "app", "one")
    assert package(repository, "app") == "one\n"

    offline = without_network(repository)
    write(repository, "app", "an edit")
    assert package(offline, "app") == "an edit\n"
    write(repository, "second", "a second binary")
    assert package(offline, "second") == "a second binary\n"
    write(repository, "app", "another name", fields='binary_name="another-name"')
    assert package(offline, "app") == "another name\n"
    # PyOxidizer and cargo run for this.
    assert package(offline, "app", "--pyoxidizer-args=--release") == "another name\n"
    # With a template, pip runs as well, inside PyOxidizer.
    repository.write({"templated/own.bzlt": TEMPLATE})
    for text in ("a template", "an edit with a template"):
        write(repository, "templated", text, fields='template="own.bzlt"')
        assert package(offline, "templated") == f"{text}\n"


def test_the_first_build_with_all_in_the_repository_needs_no_network(tmp_path: Path) -> None:
    """As docs/offline.md says, step by step: the Python, its wheels, the tools and the crates."""
    python = find_python(None)
    repository = Repository.create(tmp_path / "code")
    vendored = VENDORED.format(minor_version=python.minor_version)
    repository.write({"vendored.toml": vendored})
    write(repository, "app", "all at home", imports=f"import {MARK}")
    write_pinned_python(repository, tmp_path)
    options = ("--no-pantsd", "--pants-config-files=vendored.toml")

    pip = (python.path, "-m", "pip", "download", "-d", "3rdparty/wheels")
    # Pex has a pip of its own for each Python.
    pips = ("pip==23.1.2", "setuptools==67.7.2", "wheel==0.40.0")
    # Locks are for all implementations, of which PyPy is one: zstandard requires cffi there.
    for group in (("click==8.1.7",), pips, ("cffi==1.17.1",), *TOOLS.values()):
        subprocess.run([*pip, *group], cwd=repository.path, check=True, capture_output=True)
    repository.succeed(*options, "generate-lockfiles")
    locks = [path.read_text() for path in repository.path.glob("3rdparty/python/*.lock")]
    assert len(locks) == 4
    assert not any("https://" in lock or str(repository.path) in lock for lock in locks)
    repository.succeed(*options, "vendor-crates")

    # On another machine, and in another folder.
    elsewhere = tmp_path / "elsewhere"
    for folder in (".pants.d", ".pids", "dist"):
        shutil.rmtree(repository.path / folder, ignore_errors=True)
    repository.path.rename(elsewhere)
    offline = without_network(Repository(elsewhere, home=tmp_path / "home"))
    assert package(offline, "app", options[1]) == "all at home\n"
    assert len(list(elsewhere.glob("dist/app/bin/*/debug/bin.cdx.json"))) == 1


def write_pinned_python(repository: Repository, tmp_path: Path) -> None:
    """An archive as python-build-standalone publishes them, and what locks are generated of."""
    packed = full_archives.packed(sys.executable, tmp_path)
    marked = {**packed, f"install/lib/python3.{sys.version_info[1]}/{MARK}.py": b""}
    build = 'standalone_python(name="pinned", source="pinned.tar.zst")\n'
    for resolve, requirements in TOOLS.items():
        build += (
            f'python_requirement(name="{resolve}", requirements={list(requirements)}, '
            f'resolve="{resolve}")\n'
        )
    repository.write({"3rdparty/python/BUILD": build})
    full_archives.write(
        repository.path / "3rdparty/python/pinned.tar.zst",
        *full_archives.published(marked, "8"),
    )


# --- Crates from elsewhere ---


@dataclasses.dataclass
class Mirror:
    """A registry of crates that wants a token."""

    port: int
    token: str
    paths: list[str]  # That were served.


@contextlib.contextmanager
def mirror(folder: Path, token: str) -> Iterator[Mirror]:
    """Serve the crates of a local registry as a sparse registry, at `/index/` and `/crates/`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != token:
                self.send_error(401)
                return
            served.paths.append(self.path)
            if self.path == "/index/config.json":
                archives = f"http://127.0.0.1:{served.port}/crates/{{crate}}-{{version}}.crate"
                content = json.dumps({"dl": archives, "auth-required": True})
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content.encode())
                return
            super().do_GET()

        def translate_path(self, path: str) -> str:
            return str(folder / path.lstrip("/").replace("crates/", ""))

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Mirror(server.server_address[1], token, [])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield served
        finally:
            server.shutdown()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_crates_from_a_mirror_that_wants_a_token(tmp_path: Path) -> None:
    repository = Repository.create(tmp_path / "code", 'crates_dir = "3rdparty/crates"\n')
    repository.succeed("--no-pantsd", "vendor-crates")
    from_crates_io = files(repository.path / "3rdparty/crates")
    served = repository.path / "3rdparty/crates"
    token = "Bearer 8f14e45fceea167a"
    with mirror(served, token) as registry:
        repository.write(
            {
                "cargo.toml": f"""\
                    [source.crates-io]
                    replace-with = "mirror"

                    [registries.mirror]
                    index = "sparse+http://127.0.0.1:{registry.port}/index/"

                    [registry]
                    global-credential-providers = ["cargo:token"]
                    """
            }
        )
        options = ("--no-pantsd", "--pyoxidizer-crates-dir=mirrored", "-ldebug")
        config = "--pyoxidizer-crates-config=cargo.toml"
        message = repository.fail(*options, config, "vendor-crates")
        assert "Cannot fetch the Rust crates that PyOxidizer compiles:" in message
        assert not registry.paths

        credentials = tmp_path / "credentials.toml"
        credentials.write_text(f'[registries.mirror]\ntoken = "{token}"\n')
        result = repository.succeed(
            *options,
            config,
            f"--pyoxidizer-crates-credentials={credentials}",
            "vendor-crates",
        )
        assert any(path.startswith("/crates/") for path in registry.paths)
    assert token not in result.stdout + result.stderr
    assert files(repository.path / "mirrored") == from_crates_io


def test_a_folder_of_crates_that_is_not_as_it_should_be(tmp_path: Path) -> None:
    repository = Repository.create(tmp_path, 'crates_dir = "3rdparty/crates"\n')
    write(repository, "app", "one")
    cure = "To fix, run `pants vendor-crates` to fetch them into that folder"
    message = repository.fail("--no-pantsd", "package", "app:bin")
    assert "It is empty or does not exist." in message and cure in message

    repository.succeed("--no-pantsd", "vendor-crates")
    (crate,) = repository.path.glob("3rdparty/crates/pyembed-*.crate")
    crate.write_bytes(crate.read_bytes()[:-1])
    message = repository.fail("--no-pantsd", "package", "app:bin")
    assert "failed to verify the checksum of `pyembed" in message and cure in message
    assert "Building the Python" not in message
