# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A user's own repository, in which the tests run Pants with the plugin, as a user does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pants_pyoxidizer

# Real builds on a busy machine with empty caches: crates are downloaded and compiled.
TIMEOUT_SECONDS = 1500

# However the plugin is loaded.
OPTIONS = """
[anonymous-telemetry]
enabled = false

[source]
root_patterns = ["/"]

[python]
interpreter_constraints = ["CPython>=3.9,<3.12"]

[python-infer]
use_rust_parser = true

[pyoxidizer]
rust = "system"
"""

PANTS_TOML = """\
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["{plugins}"]
backend_packages = ["pants.backend.python", "pants_pyoxidizer"]
"""


@dataclass(frozen=True)
class Repository:
    path: Path
    # The user's home, with all caches in it; None for that of the user who runs the tests.
    home: Path | None = None
    # A command that Pants is started with.
    wrapper: tuple[str, ...] = ()

    @classmethod
    def create(cls, path: Path, pants_toml: str = "", home: Path | None = None) -> Repository:
        repository = cls(path, home)
        plugins = Path(pants_pyoxidizer.__file__).parent.parent
        repository.write(
            {"pants.toml": PANTS_TOML.format(plugins=plugins) + OPTIONS + dedent(pants_toml)}
        )
        return repository

    def write(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content))

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start Pants, with its output in pipes."""
        # Pants must not take the sandbox of the test for its own surroundings.
        env = {k: v for k, v in os.environ.items() if not k.startswith("PEX")}
        if self.home is not None:
            env.update(HOME=str(self.home), XDG_CACHE_HOME=str(self.home / "cache"))
        process: subprocess.Popen[str] = subprocess.Popen(
            [*self.wrapper, sys.executable, "-m", "pants", "--no-dynamic-ui", "--no-colors", *args],
            cwd=self.path,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return process

    def pants(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run Pants to its end, whatever its exit status."""
        process = self.start(*args)
        try:
            stdout, stderr = process.communicate(stdin, timeout=TIMEOUT_SECONDS)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(args, process.returncode, stdout, stderr)

    def succeed(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        result = self.pants(*args, stdin=stdin)
        assert result.returncode == 0, f"{args}\n{result.stdout}\n{result.stderr}"
        return result

    def fail(self, *args: str) -> str:
        """Run Pants, which must fail, and return what it says, on one line."""
        result = self.pants(*args)
        assert result.returncode != 0, f"{args}\n{result.stdout}\n{result.stderr}"
        return " ".join(result.stderr.split())

    def stop_pantsd(self) -> None:
        for file in self.path.glob(".pids/*/pantsd/pid"):
            try:
                os.kill(int(file.read_text()), signal.SIGTERM)
            except (ValueError, ProcessLookupError):
                pass


def host_pythons(version: str) -> list[Path]:
    """Where Pants finds a Python by default: those of pyenv, and those on the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    paths = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    on_path = shutil.which(f"python{version}")
    return [*paths, *([Path(on_path)] if on_path else [])]


def run_binary(
    binary: Path, *args: str, stdin: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a built binary as on another machine: from `/`, with an empty environment."""
    return subprocess.run(
        [str(binary), *args],
        cwd="/",
        env=env or {},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
