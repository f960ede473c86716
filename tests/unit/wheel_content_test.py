# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import pytest

from pants_pyoxidizer.programs.wheels.wheel_content import describe_content


def content_of(*names: str) -> dict[str, object]:
    return describe_content(names)


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("mod.py", "mod"),
        ("pkg/mod.py", "pkg.mod"),
        ("pkg/__init__.py", "pkg"),
        ("pkg/__init__.cpython-311-x86_64-linux-gnu.so", "pkg"),
        ("pkg/_x.cpython-311-x86_64-linux-gnu.so", "pkg._x"),
        ("pkg/_x.cpython-313t-darwin.so", "pkg._x"),
        ("pkg/_x.abi3.so", "pkg._x"),
        ("pkg/_x.so", "pkg._x"),
        ("pkg/_x.cp311-win_amd64.pyd", "pkg._x"),
        ("pkg/sourceless.pyc", "pkg.sourceless"),
        ("demo-1.data/purelib/pkg/mod.py", "pkg.mod"),
        ("demo-1.data/platlib/pkg/_x.abi3.so", "pkg._x"),
        ("demo-1.data/data/share/mod.py", "share.mod"),
        ("pkg/größe.py", "pkg.größe"),
        ("pkg/__pycache__/mod.cpython-311.pyc", None),
        ("pkg/my-script.py", None),
        ("project-template/setup.py", None),
        ("pkg/libfoo.so.1.2", None),
        ("demo.libs/libgfortran-040039e1.so.5.0.0", None),
        ("demo-1.data/scripts/tool.py", None),
        ("demo-1.data/headers/mod.py", None),
        ("demo-1.dist-info/licenses/mod.py", None),
    ],
)
def test_modules(file: str, module: str | None) -> None:
    assert content_of(file)["modules"] == ([module] if module else [])


def test_namespace_packages() -> None:
    content = content_of("org/team/app/__init__.py", "org/team/tool/__main__.py", "org/x/d.txt")
    assert content["modules"] == ["org.team.app", "org.team.tool.__main__"]
    assert content["packages"] == ["org.team.app"]
    assert content["namespaces"] == ["org", "org.team", "org.team.tool"]
    assert content["executable_packages"] == ["org.team.tool"]


@pytest.mark.parametrize(
    ("file", "native"),
    [
        ("pkg/_x.abi3.so", True),
        ("demo.libs/libz-0.so.1.2.3", True),
        ("pkg/.dylibs/libz.dylib", True),
        ("demo-1.data/data/lib/libmkl.so.2", True),
        ("pkg/a.dll", True),
        ("pkg/mod.py", False),
        ("pkg/notes.so.txt", False),
    ],
)
def test_native(file: str, native: bool) -> None:
    assert content_of(file)["native_files"] == ([file] if native else [])


def test_data_files_are_what_no_import_reads() -> None:
    content = content_of(
        "pkg/",
        "pkg/__init__.py",
        "pkg/_x.abi3.so",
        "pkg/__pycache__/__init__.cpython-311.pyc",
        "pkg/py.typed",
        "pkg/mod.pyi",
        "pkg/page.html",
        "pkg/new-project/setup.py",
        "top.pth",
        "demo-1-py3.9-nspkg.pth",
        "pkg/inner.pth",
        "pkg-stubs/METADATA.toml",
        "pkg/strange-name.py",
        "demo.libs/libz.so.1",
        "demo-1.data/platlib/pkg/table.bin",
        "demo-1.data/data/etc/demo.conf",
        "demo-1.data/headers/demo.h",
        "demo-1.data/scripts/tool",
        "demo-1.dist-info/RECORD",
    )
    assert content["data_files"] == [
        "demo.libs/libz.so.1",
        "etc/demo.conf",
        "pkg/inner.pth",
        "pkg/new-project/setup.py",
        "pkg/page.html",
        "pkg/table.bin",
    ]
    assert content["pth_files"] == ["top.pth"]
