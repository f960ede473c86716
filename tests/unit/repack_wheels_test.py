# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import zipfile
from pathlib import Path

from pants_pyoxidizer.programs.wheels import repack_wheels

# As `sha256sum` says it, in the spelling of PEP 427.
SHA256_OF_NOTHING = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def record(folder: Path, distributions: dict[str, dict[str, str]]) -> Path:
    """The folder with the wheels of a Pex with these distributions."""
    deps = folder / "third_party.pex/.deps"
    deps.mkdir(parents=True)
    for name, files in distributions.items():
        with zipfile.ZipFile(deps / name, "w") as archive:
            for path, content in files.items():
                archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content)
    argv = ["--output", str(folder / "wheels"), str(folder / "third_party.pex")]
    assert repack_wheels.main(argv) == 0
    return folder / "wheels"


SIX = {
    ".layout.json": "{}",
    "six/": "",
    "six/__init__.py": "",
    "six/vendored-1.0.dist-info/METADATA": "",
    'six/a, "b".txt': "",
    "../": "",
    "six-1.16.0.dist-info/": "",
    "six-1.16.0.dist-info/METADATA": "Name: six\n",
}


def test_a_distribution_gets_a_record_of_its_files(tmp_path: Path) -> None:
    wheels = record(tmp_path, {"six-1.16.0-py2.py3-none-any.whl": SIX})
    (wheel,) = wheels.iterdir()
    assert wheel.name == "six-1.16.0-py2.py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in SIX if not name.endswith("/")]
        assert archive.namelist() == [*files, "six-1.16.0.dist-info/RECORD"]
        assert archive.read("six-1.16.0.dist-info/METADATA") == b"Name: six\n"
        lines = archive.read("six-1.16.0.dist-info/RECORD").decode().splitlines()
    assert f"six/__init__.py,{SHA256_OF_NOTHING},0" in lines
    assert f'"six/a, ""b"".txt",{SHA256_OF_NOTHING},0' in lines
    assert lines[-1] == "six-1.16.0.dist-info/RECORD,,"
    assert len(lines) == len(files) + 1


def test_equal_distributions_become_equal_wheels(tmp_path: Path) -> None:
    one, two = (
        record(tmp_path / name, {"six-1.16.0-py3-none-any.whl": SIX}) for name in ("one", "two")
    )
    name = "six-1.16.0-py3-none-any.whl"
    assert (one / name).read_bytes() == (two / name).read_bytes()


def test_no_requirement_may_apply(tmp_path: Path) -> None:
    assert list(record(tmp_path, {}).iterdir()) == []
