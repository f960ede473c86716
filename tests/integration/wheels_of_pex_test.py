# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Wheels of third parties, after a Pex of either kind has installed them: before 2.60, and newer."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from integration.pex_cli import PexCli
from integration.projects import project
from integration.repository import Repository, run_binary
from integration.small_distributions import make_wheel
from pants_pyoxidizer.programs.wheels import repack_wheels

SCRIPT = "demo-1.0.data/scripts/demo-script"
FILES = {
    "demo-1.0.data/data/data/table.txt": "table",
    "demo-1.0.data/data/etc/demo.conf": "conf",
    "demo-1.0.data/headers/demo.h": "",
    "demo-1.0.data/scripts/demo-program": "\x7fELF",
    SCRIPT: "#!python\nprint('script')\n",
    "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ndemo = demo:name\n",
    "demo-1.0.dist-info/licenses/LICENSE": "",
}
# In a wheel of `purelib`.
PLATLIB = "demo-1.0.data/platlib/demo_native.py"
PROGRAM = """
    import importlib.metadata
    import sys
    from pathlib import Path

    import demo
    import demo_native

    lib = Path(sys.executable).parent / "lib"
    print(demo.name(), demo_native.VALUE, (lib / "etc/demo.conf").read_text())
    for file in sorted(map(str, importlib.metadata.files("demo"))):
        print(file)
    """
PRINTED = """\
demo 1.0 1 conf
__pycache__/demo.cpython-311.pyc
__pycache__/demo_native.cpython-311.pyc
bin/demo-program
data/table.txt
demo-1.0.dist-info/METADATA
demo-1.0.dist-info/RECORD
demo-1.0.dist-info/WHEEL
demo-1.0.dist-info/entry_points.txt
demo-1.0.dist-info/licenses/LICENSE
demo.py
demo_native.py
etc/demo.conf
"""


@pytest.fixture(scope="module", params=["that of Pants", "that of the launcher"])
def pex(request: Any, pex_of_pants: PexCli) -> PexCli:
    of_launcher = PexCli.of_launcher()
    assert Version(pex_of_pants.version) < Version("2.60.0") < Version(of_launcher.version)
    return pex_of_pants if request.param == "that of Pants" else of_launcher


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {n: archive.read(n) for n in archive.namelist() if not n.endswith("/RECORD")}


def test_a_wheel_comes_out_as_it_went_in(pex: PexCli, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "links", "demo", more=FILES, executable=(SCRIPT,))
    env = {name: value for name, value in os.environ.items() if not name.startswith("PEX")}
    subprocess.run(
        [sys.executable, str(pex.path), str(wheel), "--no-pypi", "--layout=packed", "-o", "it.pex"],
        cwd=tmp_path,
        env={**env, "PEX_ROOT": str(tmp_path / "root")},
        check=True,
    )
    output = tmp_path / "wheels"
    assert repack_wheels.main(["--output", str(output), str(tmp_path / "it.pex")]) == 0
    (found,) = output.iterdir()
    assert found.name == wheel.name
    assert contents(found) == contents(wheel)


def test_all_of_a_wheel_goes_in(pex: PexCli, tmp_path: Path) -> None:
    files = {**FILES, PLATLIB: "VALUE = 1\n"}
    make_wheel(tmp_path / "links", "demo", more=files, executable=(SCRIPT,))
    repository = Repository.create(tmp_path)
    repository.write(
        project("app", PROGRAM, {"bin": 'entry_point="app.main"'}, requirements=("demo==1.0",))
    )
    # Without a daemon, which would not end by itself.
    repository.succeed(
        "--no-pantsd",
        *pex.options,
        f"--python-repos-find-links=['file://{tmp_path}/links']",
        "package",
        "app:bin",
    )
    (binary,) = repository.path.glob("dist/app/bin/*/*/install/bin")
    result = run_binary(binary)
    assert (result.stdout, result.stderr) == (PRINTED, "")
