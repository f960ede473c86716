# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from pants_pyoxidizer.programs.pyoxidizer import compile_files

SOURCES = {
    "app/__init__.py": "",
    "app/main.py": "def start():\n    return 1 / 0 if 'x' in {'a', 'b', 'c', 'd'} else 'started'\n",
    "app/bad.py": "def f(:\n",
    "app/data.txt": "text",
}


def compiled(folder: Path, seed: str) -> dict[str, bytes]:
    """The bytecode that was made of SOURCES, by path."""
    for name, content in SOURCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    argv = [sys.executable, compile_files.__file__, str(folder)]
    result = subprocess.run(
        argv, env={"PYTHONHASHSEED": seed}, stderr=subprocess.PIPE, check=True, text=True
    )
    assert not result.stderr
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.pyc")}


def cached(name: str) -> str:
    return importlib.util.cache_from_source(name)


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    one = compiled(tmp_path / "one", "0")
    assert one.keys() == {cached("app/__init__.py"), cached("app/main.py")}
    assert compiled(tmp_path / "another/folder", "0") == one


def test_bytecode_serves_whatever_the_times_of_files(tmp_path: Path) -> None:
    compiled(tmp_path, "0")
    (tmp_path / "app/main.py").write_text("wrong")
    os.utime(tmp_path / "app/main.py", (1e9, 1e9))
    code = "from app import main; print(main.start(), main.start.__code__.co_filename)"
    argv = [sys.executable, "-c", code]
    output = subprocess.run(argv, cwd=tmp_path, stdout=subprocess.PIPE, text=True).stdout
    assert output.split() == ["started", str(tmp_path / "app/main.py")]


def test_what_is_compiled_stays(tmp_path: Path) -> None:
    path = tmp_path / cached("app/main.py")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of PyOxidizer")
    assert compiled(tmp_path, "0")[cached("app/main.py")] == b"of PyOxidizer"
