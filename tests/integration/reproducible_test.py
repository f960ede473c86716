# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The same input gives the same bytes: in another folder, for another user, with empty caches."""

from __future__ import annotations

import hashlib
from pathlib import Path

from integration.projects import project
from integration.repository import Repository, run_binary
from pants_pyoxidizer import package_data

MODULE = """\
    import click
    import markupsafe

    def start():
        print(click.__name__ in {"click", "clack", "cluck"}, markupsafe.escape("<"))
    """
FILES = {
    **project(
        "app",
        MODULE,
        {
            "bin": 'entry_point="app.main:start"',
            "templated": """\
                entry_point="app.main:start",
                template="own.bzlt",
                filesystem_resources=["markupsafe"]""",
        },
        requirements=("click==8.1.7", "markupsafe==2.1.5"),
        distribution='entry_points={"console_scripts": {"app": "app.main:start"}},',
    ),
    "app/own.bzlt": package_data.read("templates/start.bzlt").decode(),
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
    # Bytecode of plain files, both ways.
    assert len([path for path in first if path.endswith(".pyc") and "markupsafe" in path]) >= 2
    assert first == second
