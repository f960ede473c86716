# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The other goals of Pants, on targets and options of ours."""

from __future__ import annotations

import json

from integration.repository import Repository
from pants_pyoxidizer.diagnostics.known_failures import summaries

FILES = {
    "BUILD": 'local_environment(name="local")\n',
    "app/BUILD": """\
        python_sources(name="lib")
        python_requirement(name="six", requirements=["six>=1.15"])
        python_distribution(
            name="dist",
            dependencies=[":lib"],
            provides=python_artifact(name="app-dist", version="0.0.1"),
        )
        pyoxidizer_binary(
            name="bin",
            dependencies=[":dist"],
            entry_point="app.main",
        )
        """,
    "app/__init__.py": "",
    "app/main.py": "import six\nprint(six.__version__)\n",
}

RESOLVES = """\

[python]
enable_resolves = true
interpreter_constraints = ["CPython>=3.9,<3.12"]

[python.resolves]
python-default = "default.lock"

[environments-preview.names]
local = "//:local"

[pyoxidizer]
rust = "system"
"""


def test_targets_are_listed_and_described(repository: Repository) -> None:
    repository.write(FILES)
    assert "app:bin\n" in repository.succeed("list", "app:").stdout
    assert repository.succeed("dependencies", "app:bin").stdout == "app:dist\n"
    (peeked,) = json.loads(repository.succeed("peek", "app:bin").stdout)
    assert peeked["target_type"] == "pyoxidizer_binary"
    assert peeked["entry_point"] == "app.main"
    assert peeked["binary_name"] is None
    assert peeked["dependencies"] == ["app:dist"]


def test_help(repository: Repository) -> None:
    target = repository.succeed("help", "pyoxidizer_binary").stdout
    assert "An executable that contains your code and a Python interpreter" in target
    for field in ("binary_name", "dependencies", "entry_point", "filesystem_resources", "template"):
        assert f"\n{field}\n" in target
    options = repository.succeed("help", "pyoxidizer").stdout
    for option in ("--pyoxidizer-args", "--pyoxidizer-python", "--pyoxidizer-rust"):
        assert option in options
    advanced = " ".join(repository.succeed("help-advanced", "pyoxidizer").stdout.split())
    for summary in summaries():
        assert f"* {summary}" in advanced
    backends = " ".join(repository.succeed("help", "backends").stdout.split())
    assert "pants_pyoxidizer" in backends
    assert "Package code and a Python interpreter into one executable" in backends


def test_a_lockfile_pins_what_goes_in(repository: Repository) -> None:
    repository.write(FILES)
    toml = repository.path / "pants.toml"
    toml.write_text(toml.read_text().partition("[python]")[0] + RESOLVES)
    # Locked at a version that is not the newest, as after some months.
    build = repository.path / "app/BUILD"
    build.write_text(build.read_text().replace("six>=1.15", "six==1.15.0"))
    repository.succeed("generate-lockfiles", "--resolve=python-default")
    build.write_text(
        build.read_text()
        .replace("six==1.15.0", "six>=1.15")
        .replace('entry_point="app.main"', 'entry_point="app.main", environment="local"')
    )
    assert repository.succeed("run", "app:bin").stdout == "1.15.0\n"


def test_the_tools_lockfile_and_export(repository: Repository) -> None:
    result = repository.succeed(
        "--pyoxidizer-lockfile=tool.lock", "generate-lockfiles", "--resolve=pyoxidizer"
    )
    assert "Wrote lockfile for the resolve `pyoxidizer` to tool.lock" in result.stderr
    assert '"project_name": "pyoxidizer"' in (repository.path / "tool.lock").read_text()

    repository.succeed("export", "--resolve=pyoxidizer")
    (tool,) = repository.path.glob("dist/export/python/virtualenvs/**/bin/pyoxidizer")
    assert tool.exists()


def test_a_template_can_be_started_from_what_is_printed(repository: Repository) -> None:
    """Without what builds executables."""
    repository.write(FILES)
    nowhere = (
        "--pyoxidizer-rust-search-path=['/nowhere']",
        "--pyoxidizer-c-toolchain-search-path=['/nowhere']",
    )
    shown = repository.succeed(*nowhere, "pyoxidizer-config", "app:bin").stdout
    assert "# app:bin has no template. Where its code goes:" in shown
    assert "#     app-dist 0.0.1  executable\n" in shown
    build = FILES["app/BUILD"].replace('entry_point="app.main"', 'template="own.bzlt"')
    repository.write({"app/own.bzlt": shown, "app/BUILD": build})
    rendered = repository.succeed(*nowhere, "pyoxidizer-config", "app:bin").stdout
    assert "# The configuration of app:bin, from app/own.bzlt. Its wheels:" in rendered
    assert 'name = "bin"' in rendered and "app_dist-0.0.1-py3-none-any.whl" in rendered
    assert "$" not in rendered.replace("$ORIGIN", "")
