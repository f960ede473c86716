# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Mapping

import pytest

from pants_pyoxidizer.programs.wheels import inspect_wheels
from unit import shipped

METADATA = "Metadata-Version: 2.1\nName: Demo.App\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
RECORD = "demo_app-1.0.dist-info/RECORD,,\n"
DIST_INFO = {
    "demo_app-1.0.dist-info/METADATA": METADATA,
    "demo_app-1.0.dist-info/WHEEL": WHEEL,
    "demo_app-1.0.dist-info/RECORD": RECORD,
}
FILENAME = "demo_app-1.0-py3-none-any.whl"


def write_wheel(
    folder: Path,
    files: Mapping[str, str | bytes] | None = None,
    *,
    filename: str = FILENAME,
    without: str = "",
) -> str:
    path = folder / filename
    contents: dict[str, str | bytes] = {**DIST_INFO}
    contents.update(files or {})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            if not without or without not in name:
                archive.writestr(name, content)
    return str(path)


def test_everything_about_a_wheel(tmp_path: Path) -> None:
    path = write_wheel(
        tmp_path,
        {
            "demo/__init__.py": "",
            "demo/__main__.py": "import inspect\n\nprint(__file__, inspect)\n" "inspect.stack()\n",
            "demo/main.py": "print(__file__)\n",
            "demo/data.json": "{}",
            "demo_app-1.0.dist-info/METADATA": METADATA
            + "Requires-Python: >=3.9\n"
            + "Requires-Dist: requests[socks] (>=2)\n"
            + 'Requires-Dist: pytest>=7 ;\n        extra == "test"\n'
            + "Provides-Extra: test\nLicense: Straße\n\nRequires-Dist: not-a-header\n",
        },
    )
    assert inspect_wheels.describe_wheel(path) == {
        "path": path,
        "filename": FILENAME,
        "name": "Demo.App",
        "version": "1.0",
        "requires_dist": ["requests[socks] (>=2)", 'pytest>=7 ; extra == "test"'],
        "requires_python": ">=3.9",
        "provides_extra": ["test"],
        "tags": ["py3-none-any"],
        "root_is_purelib": True,
        "modules": ["demo", "demo.__main__", "demo.main"],
        "packages": ["demo"],
        "namespaces": [],
        "executable_packages": ["demo"],
        "native_files": [],
        "pth_files": [],
        "data_files": ["demo/data.json"],
        "file_uses": [
            {"kind": "file", "what": "`__file__`", "where": "demo/__main__.py:3", "needs": ()},
            {"kind": "any", "what": "`inspect.stack`", "where": "demo/__main__.py:4", "needs": ()},
        ],
        "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        "record_sha256": hashlib.sha256(RECORD.encode()).hexdigest(),
    }


ELF, SCRIPT = b"\x7fELF\x02\x01\x01", b"#!python\nprint(1)\n"
MACH_O, MACH_O_OF_SEVERAL = b"\xcf\xfa\xed\xfe\x0c", b"\xca\xfe\xba\xbe\0\0"


@pytest.mark.parametrize(
    ("files", "native"),
    [
        ({"demo-1.data/scripts/tool": ELF}, True),
        ({"demo-1.data/scripts/tool": MACH_O}, True),
        ({"demo-1.data/scripts/tool": MACH_O_OF_SEVERAL}, True),
        ({"demo-1.data/scripts/a": SCRIPT, "demo-1.data/scripts/tool": ELF}, True),
        ({"demo-1.data/scripts/": b"", "demo-1.data/scripts/tool": SCRIPT}, False),
        ({"demo-1.data/scripts/tool": b""}, False),
        # Nothing starts these.
        ({"pkg/tool": ELF}, False),
        ({"pkg/demo-1.data/scripts/tool": ELF}, False),
    ],
)
def test_programs_of_machine_code_are_native(
    tmp_path: Path, files: dict[str, str | bytes], native: bool
) -> None:
    found = inspect_wheels.describe_wheel(write_wheel(tmp_path, files))["native_files"]
    assert found == ([name for name in files if name.endswith("/tool")] if native else [])


def test_modules_of_any_size_are_looked_at(tmp_path: Path) -> None:
    table = f"TABLE = '{'x' * (16 << 20)}'\n"
    path = write_wheel(
        tmp_path, {"demo/big.py": f"{table}print(__file__)\n", "demo/data.py": table}
    )
    assert inspect_wheels.describe_wheel(path)["file_uses"] == [
        {"kind": kind, "what": "`__file__`", "where": "demo/big.py:1", "needs": ()}
        for kind in ("file", "any")
    ]


def test_tags_come_from_wheel_each_alone(tmp_path: Path) -> None:
    wheel = WHEEL.replace("true", "false").replace(
        "Tag: py3-none-any", "Tag: py2.py3-none-any\nTag: cp311-abi3-linux_x86_64"
    )
    description = inspect_wheels.describe_wheel(
        write_wheel(tmp_path, {"demo_app-1.0.dist-info/WHEEL": wheel})
    )
    assert description["tags"] == ["cp311-abi3-linux_x86_64", "py2-none-any", "py3-none-any"]
    assert description["root_is_purelib"] is False


def test_tags_fall_back_to_the_file_name(tmp_path: Path) -> None:
    wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
    path = write_wheel(
        tmp_path,
        {"demo_app-1.0.dist-info/WHEEL": wheel},
        filename="demo_app-1.0-7-py2.py3-none-any.whl",
    )
    assert inspect_wheels.describe_wheel(path)["tags"] == ["py2-none-any", "py3-none-any"]


def broken(path: str) -> str:
    with pytest.raises(inspect_wheels.BrokenWheel) as error:
        inspect_wheels.describe_wheel(path)
    return str(error.value)


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_missing_member(tmp_path: Path, name: str) -> None:
    path = write_wheel(tmp_path, without=name)
    assert broken(path) == f"it has no 'demo_app-1.0.dist-info/{name}'."


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_member_twice(tmp_path: Path) -> None:
    path = write_wheel(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("demo_app-1.0.dist-info/METADATA", METADATA)
    assert broken(path) == "it has 2 'demo_app-1.0.dist-info/METADATA'."


def test_no_dist_info(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, {"demo.py": ""}, without="dist-info")
    assert broken(path) == "it has no `.dist-info` folder."


def test_two_dist_infos(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, {"other-2.dist-info/METADATA": METADATA})
    assert broken(path) == (
        "it has 2 `.dist-info` folders: 'demo_app-1.0.dist-info', 'other-2.dist-info'."
    )


def test_dist_info_of_another_distribution(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, filename="other-1.0-py3-none-any.whl")
    assert broken(path) == (
        "its folder 'demo_app-1.0.dist-info' belongs to another distribution than its file name."
    )


@pytest.mark.parametrize("name", ["METADATA", "WHEEL"])
def test_invalid_utf8(tmp_path: Path, name: str) -> None:
    path = write_wheel(tmp_path, {f"demo_app-1.0.dist-info/{name}": b"Summary: \xff\n"})
    assert broken(path) == (
        f"its 'demo_app-1.0.dist-info/{name}' is not valid UTF-8 (invalid start byte)."
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("METADATA", "Metadata-Version: 2.1\nVersion: 1\n", "its metadata has no `Name`."),
        ("METADATA", "Name: demo-app\nVersion: \n", "its metadata has no `Version`."),
        ("WHEEL", "Tag: py3-none-any\n", "its metadata has no `Wheel-Version`."),
        (
            "WHEEL",
            WHEEL.replace("1.0", "2.0"),
            "its format '2.0' is not known; only version 1 is.",
        ),
        (
            "WHEEL",
            WHEEL.replace("py3-none-any", "py3"),
            "its tag 'py3' is not of the form `python-abi-platform`.",
        ),
    ],
)
def test_unusable_headers(tmp_path: Path, name: str, content: str, message: str) -> None:
    assert broken(write_wheel(tmp_path, {f"demo_app-1.0.dist-info/{name}": content})) == message


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "demo/../../evil.py",
        "/etc/evil.py",
        "C:/evil.py",
        "demo\\..\\evil.py",
        # Where this is installed is what comes after "data/".
        "demo_app-1.0.data/data//etc/evil.py",
        "demo//evil.py",
        "demo//",
        "./evil.py",
    ],
)
def test_hostile_names(tmp_path: Path, name: str) -> None:
    path = write_wheel(tmp_path, {name: ""})
    assert broken(path) == f"the name of its member {name!r} is not a path inside it."


def test_dots_in_names_are_harmless(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, {"demo/a..b.txt": "", "demo/.hidden": ""})
    assert inspect_wheels.describe_wheel(path)["data_files"] == ["demo/.hidden", "demo/a..b.txt"]


def test_huge_metadata_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_wheels, "MAX_METADATA_BYTES", 10)
    assert broken(write_wheel(tmp_path)) == (
        "its 'demo_app-1.0.dist-info/METADATA' is larger than 10 bytes."
    )


@pytest.mark.parametrize(
    "filename", ["demo_app.whl", "demo_app-1.0-py3-none.whl", "a-1-1-1-py3-none-any.whl", "a.zip"]
)
def test_file_name(tmp_path: Path, filename: str) -> None:
    assert broken(write_wheel(tmp_path, filename=filename)) == (
        "its file name is not of the form `name-version(-build)-python-abi-platform.whl`."
    )


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shipped.command("wheels.inspect_wheels", *arguments),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_program_writes_wheels_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "z").mkdir()
    wheels = [write_wheel(tmp_path / folder) for folder in ("z", "a")]
    outputs = [tmp_path / "1.json", tmp_path / "2.json"]
    for output in outputs:
        result = run_program("--output", str(output), *wheels)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert [wheel["path"] for wheel in json.loads(outputs[0].read_bytes())] == wheels
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_program_without_wheels(tmp_path: Path) -> None:
    assert run_program("--output", str(tmp_path / "out.json")).returncode == 0
    assert (tmp_path / "out.json").read_text() == "[]\n"


def damage(path: str) -> None:
    content = bytearray(Path(path).read_bytes())
    position = content.index(b"Name: Demo.App")
    content[position] ^= 0xFF
    Path(path).write_bytes(content)


def test_program_says_what_is_broken_in_one_line(tmp_path: Path) -> None:
    no_zip = tmp_path / FILENAME
    no_zip.write_text("not a zip")
    damaged = write_wheel(tmp_path, filename="demo_app-2-py3-none-any.whl")
    damage(damaged)
    truncated = write_wheel(tmp_path, filename="demo_app-3-py3-none-any.whl")
    Path(truncated).write_bytes(Path(truncated).read_bytes()[:-60])
    missing = str(tmp_path / "demo_app-4-py3-none-any.whl")
    good = write_wheel(tmp_path, filename="demo_app-5-py3-none-any.whl")
    for path, message in [
        (str(no_zip), "it is not a readable zip file (File is not a zip file)."),
        (damaged, "it is not a readable zip file (Bad CRC-32 for file "),
        (truncated, "it "),
        (missing, "it cannot be read ("),
    ]:
        output = tmp_path / "out.json"
        result = run_program("--output", str(output), good, path)
        assert result.returncode == 1
        assert result.stderr.startswith(f"The wheel {path!r} is broken: {message}")
        assert result.stderr.count("\n") == 1
        assert not output.exists()
