# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The same input gives the same bytes: in another folder, for another user, with empty caches."""

from __future__ import annotations

import hashlib
from pathlib import Path

from integration.repository import Repository, run_binary

TEMPLATE = """\
    def make_exe():
        dist = $PYTHON_DISTRIBUTION
        policy = dist.make_python_packaging_policy()
        policy.resources_location_fallback = "filesystem-relative:lib"
        python_config = dist.make_python_interpreter_config()
        python_config.allocator_backend = "default"
        $RUN_MODULE
        exe = dist.to_python_executable(
            name="$NAME",
            packaging_policy=policy,
            config=python_config,
        )
        exe.add_python_resources(exe.pip_install($WHEELS))
        return exe

    def make_install(exe):
        files = FileManifest()
        files.add_python_resource(".", exe)
        return files

    register_target("exe", make_exe)
    register_target("install", make_install, depends=["exe"], default=True)
    resolve_targets()
    """

FILES = {
    "app/BUILD": """\
        python_sources(name="lib")
        python_requirement(name="click", requirements=["click==8.1.7"])
        python_requirement(name="markupsafe", requirements=["markupsafe==2.1.5"])
        python_distribution(
            name="dist",
            dependencies=[":lib"],
            provides=python_artifact(name="app-dist", version="0.0.1"),
            entry_points={"console_scripts": {"app": "app.main:start"}},
        )
        pyoxidizer_binary(name="bin", dependencies=[":dist"], entry_point="app.main:start")
        pyoxidizer_binary(
            name="templated",
            dependencies=[":dist"],
            entry_point="app.main:start",
            template="own.bzlt",
        )
        """,
    "app/__init__.py": "",
    "app/main.py": """\
        import click
        import markupsafe

        def start():
            print(click.__name__ in {"click", "clack", "cluck"}, markupsafe.escape("<"))
        """,
    "app/own.bzlt": TEMPLATE,
}


def built(repository: Repository) -> dict[str, str]:
    """Paths below `dist`, and what tells one content from another."""
    dist = repository.path / "dist"
    return {
        str(path.relative_to(dist)): f"{path.stat().st_mode:o} "
        + hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(dist.rglob("*"))
        if path.is_file()
    }


def test_two_users_with_empty_caches_build_the_same(tmp_path: Path) -> None:
    results = []
    # One path sorts after the folder of temporary files, the other before.
    for name in ("one", "zzz/and/another"):
        (tmp_path / name / "home").mkdir(parents=True)
        repository = Repository.create(tmp_path / name / "code", home=tmp_path / name / "home")
        repository.write(FILES)
        repository.succeed(
            "--no-pantsd", "--pyoxidizer-report", "package", "app:bin", "app:templated"
        )
        for binary in repository.path.glob("dist/app/*/*/debug/install/*"):
            if binary.name in ("bin", "templated"):
                assert run_binary(binary).stdout == "True &lt;\n"
        results.append(built(repository))
    first, second = results
    assert len([path for path in first if path.endswith(("/bin", "/templated"))]) == 2
    assert len([path for path in first if path.endswith((".cdx.json", ".sha256"))]) == 4
    assert first == second
