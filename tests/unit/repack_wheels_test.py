# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import base64
import csv
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Mapping

import pytest

from pants_pyoxidizer.programs.wheels import repack_wheels
from unit.wheels import write_wheel

NAME = "demo-1.0-py3-none-any.whl"
# As `sha256sum` says it, in the spelling of PEP 427.
SHA256_OF_NOTHING = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

# What Pex 2.1.137, 2.60.1 and 2.105.2 make of the same wheel, found by running them.
INSTALLED = {
    "demo/__init__.py": "",
    "demo/tool": "#!/bin/sh\n",
    "demo/other-2.0.dist-info/METADATA": "",
    'demo/a, "b".txt': "",
    "demo-1.0.dist-info/METADATA": "Name: demo\n",
    "demo-1.0.dist-info/entry_points.txt": """\
[console_scripts]
demo = demo:main
Demo.Tool = demo:main [extra]

[gui_scripts]
demo-gui=demo:main

[demo.plugins]
own = demo:main
""",
    "demo-1.0.dist-info/licenses/LICENSE": "",
    ".prefix/bin/demo": "#!python\n# generated",
    ".prefix/bin/Demo.Tool": "#!python\n# generated",
    ".prefix/bin/demo-gui": "#!python\n# generated",
    ".prefix/bin/own": "#!python\n",
    ".prefix/include/site/pythonX.Y/demo/demo.h": "",
    ".prefix/include/site/pythonX.Y/demo/inner/include.h": "",
}
BY_2_1 = {
    **INSTALLED,
    "../": "",
    "demo/": "",
    ".layout.json": '{"record_relpath": "demo-1.0.dist-info/RECORD", "stash_dir": ".prefix"}',
    "demo-1.0.dist-info/INSTALLER": "pip\n",
    "demo-1.0.dist-info/REQUESTED": "",
    ".prefix/etc/demo.conf": "",
    ".prefix/data/table.txt": "",
    ".prefix/include/other.h": "",
}
BY_2_60_1 = {
    **INSTALLED,
    ".layout.json": '{"record_relpath":"demo-1.0.dist-info/RECORD","stash_dir":".prefix"}',
    "demo-1.0.dist-info/RECORD": "demo/__init__.py,,\n.prefix/bin/demo,,\n",
    "demo-1.0.pex-info/original-whl-info.json": '{"filename":"demo-1.0-py3-none-any.whl"}',
    ".prefix/etc/demo.conf": "",
    ".prefix/data/table.txt": "",
    ".prefix/include/other.h": "",
}
BY_2_105 = {
    **INSTALLED,
    ".layout.json": '{"root_is_purelib":true,"stash_dir":".prefix","sys_path_entries":["."]}',
    "demo-1.0.dist-info/RECORD": "demo/__init__.py,,\n.prefix/bin/demo,,\n",
    "demo-1.0.pex-info/original-whl-info.json": '{"filename":"demo-1.0-py3-none-any.whl"}',
    ".prefix/data/etc/demo.conf": "",
    ".prefix/data/data/table.txt": "",
    ".prefix/data/include/other.h": "",
}
MEMBERS = [
    "demo-1.0.data/data/data/table.txt",
    "demo-1.0.data/data/etc/demo.conf",
    "demo-1.0.data/data/include/other.h",
    "demo-1.0.data/headers/demo.h",
    "demo-1.0.data/headers/inner/include.h",
    "demo-1.0.data/scripts/own",
    "demo/__init__.py",
    'demo/a, "b".txt',
    "demo/other-2.0.dist-info/METADATA",
    "demo/tool",
    "demo-1.0.dist-info/METADATA",
    "demo-1.0.dist-info/entry_points.txt",
    "demo-1.0.dist-info/licenses/LICENSE",
    "demo-1.0.dist-info/RECORD",
]


def repack(
    folder: Path, distributions: Mapping[str, Mapping[str, str | bytes]], status: int = 0
) -> Path:
    """The folder with the wheels of a Pex with these distributions."""
    deps = folder / "third_party.pex/.deps"
    deps.mkdir(parents=True)
    for name, files in distributions.items():
        write_wheel(deps / name, files, executable=("demo/tool", ".prefix/bin/own"))
    argv = ["--output", str(folder / "wheels"), str(folder / "third_party.pex")]
    assert repack_wheels.main(argv) == status
    return folder / "wheels"


@pytest.mark.parametrize("distribution", [BY_2_1, BY_2_60_1, BY_2_105])
def test_a_distribution_becomes_the_wheel_that_it_was(
    tmp_path: Path, distribution: dict[str, str]
) -> None:
    (wheel,) = repack(tmp_path, {NAME: distribution}).iterdir()
    assert wheel.name == NAME
    with zipfile.ZipFile(wheel) as archive:
        assert archive.namelist() == MEMBERS
        assert archive.read("demo-1.0.dist-info/METADATA") == b"Name: demo\n"
        assert archive.read("demo/tool") == b"#!/bin/sh\n"
        executable = [m.filename for m in archive.infolist() if m.external_attr >> 16 == 0o100755]
        assert executable == ["demo-1.0.data/scripts/own", "demo/tool"]
        assert {m.external_attr >> 16 for m in archive.infolist()} == {0o100644, 0o100755}


@pytest.mark.parametrize("distribution", [BY_2_1, BY_2_60_1, BY_2_105])
def test_its_record_has_the_hash_of_each_file(tmp_path: Path, distribution: dict[str, str]) -> None:
    wheels = repack(tmp_path, {NAME: distribution})
    with zipfile.ZipFile(wheels / NAME) as archive:
        text = archive.read("demo-1.0.dist-info/RECORD").decode()
        expected = []
        for name in archive.namelist()[:-1]:
            content = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
            expected.append([name, f"sha256={digest.rstrip('=')}", str(len(content))])
    assert list(csv.reader(text.splitlines())) == [
        *expected,
        ["demo-1.0.dist-info/RECORD", "", ""],
    ]
    assert f"demo/__init__.py,{SHA256_OF_NOTHING},0\n" in text
    assert f'"demo/a, ""b"".txt",{SHA256_OF_NOTHING},0\n' in text


def test_what_a_newer_pex_keeps_apart_stays_apart(tmp_path: Path) -> None:
    files = {
        **BY_2_105,
        ".prefix/platlib/native.abi3.so": "",
        ".prefix/purelib/pure.py": "",
    }
    with zipfile.ZipFile(repack(tmp_path, {NAME: files}) / NAME) as archive:
        assert set(archive.namelist()) == {
            *MEMBERS,
            "demo-1.0.data/platlib/native.abi3.so",
            "demo-1.0.data/purelib/pure.py",
        }


def test_a_file_that_pex_lost_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        **BY_2_105,
        "demo-1.0.dist-info/RECORD": "demo/__init__.py,,\n\ndemo-1.0.data/purelib/pure.py,,\n",
    }
    repack(tmp_path, {NAME: files}, status=1)
    assert capsys.readouterr().err == (
        "The wheel demo-1.0-py3-none-any.whl is incomplete: Pex 2.60.2 and newer lose some files, "
        "here `demo-1.0.data/purelib/pure.py`. To fix, take a version of the distribution that has "
        "no such files, or set `[pex-cli].version` to that of an older Pex, such as `v2.59.5`.\n"
    )


def test_only_notes_of_pex_are_dropped(tmp_path: Path) -> None:
    files = {
        ".layout.json": json.dumps({"sys_path_entries": ["."]}),
        "demo/.layout.json": "",
        "demo/.prefix/bin/tool": "",
        "demo-2.0.pex-info/original-whl-info.json": "",
        "demo-1.0.dist-info/METADATA": "Name: demo\n",
    }
    with zipfile.ZipFile(repack(tmp_path, {NAME: files}) / NAME) as archive:
        assert set(archive.namelist()) == {*files, "demo-1.0.dist-info/RECORD"} - {".layout.json"}


def test_equal_distributions_become_equal_wheels(tmp_path: Path) -> None:
    backwards = dict(reversed(list(BY_2_105.items())))
    one, two, three, four = (
        repack(tmp_path / name, {NAME: files}) / NAME
        for name, files in (
            ("one", BY_2_105),
            ("two", backwards),
            ("three", BY_2_60_1),
            ("four", BY_2_1),
        )
    )
    assert one.read_bytes() == two.read_bytes() == three.read_bytes() == four.read_bytes()


def test_each_distribution_becomes_a_wheel(tmp_path: Path) -> None:
    name = "Some.Other-1.0"
    other = {".layout.json": "{}", f"{name}.dist-info/METADATA": "", ".prefix/share/x": ""}
    wheels = repack(tmp_path, {NAME: BY_2_105, "some_other-1.0-py3-none-any.whl": other})
    assert sorted(file.name for file in wheels.iterdir()) == [
        NAME,
        "some_other-1.0-py3-none-any.whl",
    ]
    with zipfile.ZipFile(wheels / "some_other-1.0-py3-none-any.whl") as archive:
        assert archive.namelist() == [
            f"{name}.data/data/share/x",
            f"{name}.dist-info/METADATA",
            f"{name}.dist-info/RECORD",
        ]


def test_no_requirement_may_apply(tmp_path: Path) -> None:
    assert list(repack(tmp_path, {}).iterdir()) == []
