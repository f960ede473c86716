# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A team's cache: what one machine has built, another one uses, wherever its tools and code lie."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pythons import Python, find_python
from benchmarks.remote import remote_cache
from benchmarks.workplace import Workplace
from integration.repository import Repository, run_binary
from pants_pyoxidizer.util_rules.rust_toolchain import rustup_homes

# Stands before the real cargo and rustc. PyOxidizer starts each build with cargo.
NOTES_CALLS = """\
#!/bin/sh
echo "${{0##*/}} $*" >> {log}
exec "$0.real" "$@"
"""

FILES = {
    "app/BUILD": """\
        python_sources(name="lib")
        python_distribution(
            name="dist",
            dependencies=[":lib"],
            provides=python_artifact(name="app-dist", version="0.0.1"),
        )
        pyoxidizer_binary(name="bin", dependencies=[":dist"], entry_point="app.main")
        """,
    "app/__init__.py": "",
    "app/main.py": "print('Hello, team!')\n",
}


@dataclass(frozen=True)
class Machine:
    """Has a home with a Rust and a Python in it, an empty store, and the code elsewhere."""

    repository: Repository
    log: Path

    @classmethod
    def create(cls, folder: Path, python: Python) -> Machine:
        home, log = folder / "home", folder / "log"
        copy(rust_sysroot(), home / "rust")
        for name in ("cargo", "rustc"):
            path = home / "rust/bin" / name
            path.rename(f"{path}.real")
            path.write_text(NOTES_CALLS.format(log=log))
            path.chmod(0o755)
        copy(Path(python.path).parent.parent, home / "python")
        pants_toml = f"""\

            rust_search_path = ["{home}/rust/bin"]

            [python-bootstrap]
            search_path = ["{home}/python/bin"]
            """
        repository = Repository.create(folder / "code", pants_toml, home=home)
        repository.write(FILES)
        return cls(repository, log)

    def keep_crates_in(self, folder: Path) -> None:
        assert self.repository.home is not None
        named_caches = self.repository.home / "cache/pants/named_caches"
        folder.mkdir(parents=True, exist_ok=True)
        named_caches.mkdir(parents=True)
        (named_caches / folder.name).symlink_to(folder)

    def build(self, *options: str) -> list[str]:
        """Build, run what was built, and return what cargo and rustc were called for."""
        self.repository.succeed(*options, "--no-pantsd", "package", "app:bin")
        (binary,) = self.repository.path.glob("dist/app/bin/*/debug/install/bin")
        assert run_binary(binary).stdout == "Hello, team!\n"
        return self.log.read_text().splitlines()


def rust_sysroot() -> Path:
    rustc = shutil.which("rustc")
    assert rustc is not None
    # As the plugin does, if HOME is not that of rustup.
    for env in rustup_homes(rustc, os.environ):
        argv = [rustc, "--print", "sysroot"]
        result = subprocess.run(argv, env=env, stdout=subprocess.PIPE, text=True)
        if result.returncode == 0:
            return Path(result.stdout.strip())
    raise AssertionError(f"{rustc} has no toolchain")


def copy(source: Path, target: Path) -> None:
    """Link files rather than copy them, where that can be; leave out what is many and not needed."""

    def link_or_copy(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:
            shutil.copy2(old, new)

    ignore = shutil.ignore_patterns("share", "site-packages", "test", "__pycache__")
    shutil.copytree(source, target, symlinks=True, ignore=ignore, copy_function=link_or_copy)


def test_a_second_machine_compiles_nothing(tmp_path: Path) -> None:
    python = find_python(None)
    checkout = Path(__file__).resolve().parent.parent.parent
    workplace = Workplace(tmp_path / "remote", checkout, python)
    first, second = (Machine.create(tmp_path / name, python) for name in ("one", "the/other"))
    with remote_cache(workplace) as options:
        # Without it, Pants ends before all is stored.
        options = (*options, "--session-end-tasks-timeout=300")
        # Crates that other tests have compiled may serve. The second machine has none.
        kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        first.keep_crates_in(kept / "pants/named_caches/pyoxidizer_crates")
        calls = first.build(*options)
        assert any(call.startswith("cargo build ") for call in calls)
        # Rust was looked for, and nothing else.
        assert sorted(second.build(*options)) == [
            "cargo --version --verbose",
            "rustc --print sysroot",
            "rustc --print sysroot",
            "rustc --version --verbose",
        ]
