# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Requirements that say where the distribution is (PEP 440): local files and Git repositories."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Iterator

import pytest

from integration.repository import Repository, run_binary
from integration.small_distributions import make_project, make_sdist, make_wheel, program_files

EXPECTED = "in_wheel 1.0\nin_sdist 1.0 42\nin_folder 1.0 42\nin_git 1.0 42\n"


def make_git_repository(folder: Path, name: str) -> None:
    """A bare one with a tag `v1`, that any web server can serve."""
    sources = folder / "sources"
    make_project(sources, name)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "commit.gpgsign=false"]
    for command in (["init"], ["add", "."], ["commit", "-m", "One"], ["tag", "v1"]):
        subprocess.run([*git, *command], cwd=sources, check=True, capture_output=True)
    bare = folder / f"{name}.git"
    for command in (["clone", "--bare", "sources", bare.name], ["-C", bare.name, "gc"]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    subprocess.run(["git", "update-server-info"], cwd=bare, check=True)


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def test_files_folders_and_git_without_and_with_a_lockfile(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("local")
    wheel = make_wheel(folder, "in_wheel")
    sdist = make_sdist(folder, "in_sdist", native=True)
    make_project(folder / "project", "in_folder")
    make_git_repository(folder / "git", "in_git")
    with serve(folder / "git") as url:
        requirements = (
            f"in_wheel @ file://{wheel}",
            f"in_sdist @ file://{sdist}",
            f"in_folder @ file://{folder / 'project'}",
            f"in_git @ git+{url}/in_git.git@v1",
        )
        repository.write(program_files("direct", requirements))
        resolves = ("--python-enable-resolves", "--python-resolves={'python-default': 'x.lock'}")
        for options in ((), resolves):
            if options:
                repository.succeed(*options, "generate-lockfiles", "--resolve=python-default")
            repository.succeed(*options, "package", "direct:bin")
            (binary,) = repository.path.glob("dist/direct/bin/*/*/install/bin")
            result = run_binary(binary)
            assert result.stdout == EXPECTED, result.stderr
            shutil.rmtree(repository.path / "dist")


def test_pants_refuses_a_url_without_a_host(tmp_path: Path) -> None:
    """As docs/usage.md says."""
    repository = Repository.create(tmp_path)
    repository.write(program_files("hostless", ["in_git @ git+file:///srv/in_git.git@v1"]))
    message = repository.fail("--no-pantsd", "package", "hostless:bin")
    assert "hostless/requirements:in_git: Invalid URL: git+file:///srv/in_git.git@v1" in message
