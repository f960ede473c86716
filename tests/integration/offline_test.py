# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Builds with the network taken away, and crates that come from elsewhere than from crates.io."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Iterator

import pytest

from benchmarks.pythons import find_python
from integration.projects import project
from integration.repository import Repository, run_binary

NO_NETWORK = ("unshare", "--net")


def write(repository: Repository, name: str, text: str, fields: str = "") -> None:
    module = f"import click\nclick.echo({text!r})\n"
    fields = f'entry_point="{name}.main", {fields}'
    requirements = {
        "3rdparty/BUILD": 'python_requirement(name="click", requirements=["click==8.1.7"])\n'
    }
    repository.write({**requirements, **project(name, module, {"bin": fields})})


def without_network(repository: Repository) -> Repository:
    """Runs Pants in a network namespace of its own, in which there is none."""
    try:
        subprocess.run([*NO_NETWORK, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no process can be kept from the network here: {error}")
    return dataclasses.replace(repository, wrapper=NO_NETWORK)


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


def test_the_first_build_with_all_in_the_repository_needs_no_network(tmp_path: Path) -> None:
    """As docs/offline.md says, step by step."""
    wheels = tmp_path / "code/3rdparty/wheels"
    repository = Repository.create(
        tmp_path / "code",
        f"""\
        crates_dir = "3rdparty/crates"

        [python-repos]
        find_links = ["file://{wheels}"]
        """,
        home=tmp_path / "home",
    )
    write(repository, "app", "all at home")
    # Pants' own tools are what is left to fetch: the tool's wheels, and what builds wheels.
    wheels.mkdir(parents=True)
    repository.succeed("--no-pantsd", "vendor-crates")
    repository.succeed("--no-pantsd", "package", "app:dist")
    shutil.rmtree(repository.path / "dist")
    pip = [find_python(None).path, "-m", "pip", "download", "--no-deps", "-d", str(wheels)]
    # Pex has a pip of its own for each Python.
    pips = ["pip==23.1.2", "setuptools==67.7.2", "wheel==0.40.0"]
    subprocess.run([*pip, "click==8.1.7", *pips], check=True, capture_output=True)

    offline = without_network(repository)
    assert package(offline, "app", "--python-repos-indexes=[]") == "all at home\n"


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
        assert "The Rust crates that PyOxidizer compiles cannot be fetched:" in message
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
    cure = "To fix, run `pants vendor-crates`, which fetches them into that folder"
    message = repository.fail("--no-pantsd", "package", "app:bin")
    assert "It is empty, or not there." in message and cure in message

    repository.succeed("--no-pantsd", "vendor-crates")
    (crate,) = repository.path.glob("3rdparty/crates/pyembed-*.crate")
    crate.write_bytes(crate.read_bytes()[:-1])
    message = repository.fail("--no-pantsd", "package", "app:bin")
    assert "failed to verify the checksum of `pyembed" in message and cure in message
    assert "Building the Python" not in message
