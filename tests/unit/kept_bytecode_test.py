# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path

import pytest

from pants_pyoxidizer.programs.pack import kept_bytecode

# Does with its input what PyOxidizer's script does: one line is a module.
SCRIPT = """\
import marshal, sys
for line in sys.stdin:
    try:
        code = compile(line, "name", "exec", optimize=0)
        print(marshal.dumps(code).hex())
    except Exception as e:
        print("error:", type(e).__name__)
"""


def run(tmp_path: Path, source: str) -> list[str]:
    script = tmp_path / "bytecode-compiler.py"
    script.write_text(SCRIPT)
    result = subprocess.run(
        [sys.executable, "-I", kept_bytecode.__file__, str(script)],
        input=source,
        env={"PYOXIDIZER_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return result.stdout.splitlines()


def test_what_is_kept_is_what_was_compiled(tmp_path: Path) -> None:
    source = "x = 1\n)\ny = 'a'\n"
    first = run(tmp_path, source)
    assert marshal.loads(bytes.fromhex(first[0])) == compile(
        "x = 1\n", "name", "exec", dont_inherit=True
    )
    assert first[1] == "error: SyntaxError"
    kept = (tmp_path / "bytecode").read_bytes()
    assert run(tmp_path, source) == first
    assert (tmp_path / "bytecode").read_bytes() == kept


def test_it_is_taken_from_the_file(tmp_path: Path) -> None:
    promise = kept_bytecode.Promise("x = 1\n", "name", "exec", 0)
    kept = kept_bytecode.Kept(str(tmp_path / "bytecode"))
    kept.used[promise.key] = b"kept"
    kept.write()
    assert run(tmp_path, "x = 1\n") == [b"kept".hex()]


@pytest.mark.parametrize("part", [slice(-1), slice(1, None), slice(0)])
def test_a_damaged_file_costs_time_only(part: slice, tmp_path: Path) -> None:
    first = run(tmp_path, "x = 1\n")
    file = tmp_path / "bytecode"
    whole = file.read_bytes()
    file.write_bytes(whole[part])
    assert run(tmp_path, "x = 1\n") == first
    assert file.read_bytes() == whole


def test_no_file_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "bytecode").mkdir()
    assert len(run(tmp_path, "x = 1\n")) == 1
    assert list((tmp_path / "bytecode").iterdir()) == []


def test_too_much_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_bytecode, "MAX_BYTES", 3)
    path = str(tmp_path / "bytecode")
    for key in (b"old", b"new"):
        kept = kept_bytecode.Kept(path)
        kept.used[key] = b"12"
        kept.write()
    assert kept_bytecode.Kept(path).before == {b"new": b"12"}
