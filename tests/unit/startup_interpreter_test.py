# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The interpreter in a binary, compared with the `python` that it is."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pants_pyoxidizer.startup import start
from pants_pyoxidizer.startup.start import VARIABLE
from unit.payloads import pythons, run_program, write_program

FILES = {"app/__init__.py": "", "app/main.py": "import sys\nprint('program', sys.argv[1:])\n"}
ENTRY_POINT = ("app.main", None)
SCRIPT = """\
import os, sys
import beside
print(__name__, __file__, __spec__, __package__, sys.argv, beside.VALUE)
if __name__ == "__main__":
    class C:
        pass
    import pickle
    print(type(pickle.loads(pickle.dumps(C()))) is C)
    sys.exit(4)
"""
SPAWNING = """\
import multiprocessing
def double(number):
    return number * 2
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]))
"""


# Python 3.8 does some of it in another way.
@pytest.fixture(scope="module", params=pythons()[1:], ids=str)
def python(request: Any) -> str:
    path: str = request.param
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that both run in."""
    path = tmp_path_factory.mktemp("folder")
    (path / "script.py").write_text(SCRIPT)
    (path / "beside.py").write_text("VALUE = 5\n")
    (path / "fails.py").write_text("def f():\n    1 / 0\nf()\n")
    (path / "wrong.py").write_text("x = )\n")
    (path / "spawning.py").write_text(SPAWNING)
    (path / "dir").mkdir()
    (path / "dir/__main__.py").write_text("import sys; print(__file__, sys.argv, sys.path[0])\n")
    with zipfile.ZipFile(path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", "import sys; print(__file__, sys.argv, sys.path[0])\n")
    return path


def binary(folder: Path, python: str, *, interpreter: bool = True) -> Path:
    return write_program(folder / "my-app", python, FILES, ENTRY_POINT, interpreter)


def in_both(
    folder: Path, tmp_path: Path, python: str, *args: str, stdin: str = ""
) -> list[tuple[int, str, str]]:
    """Status, output and errors of `python`, and of the interpreter in a binary."""
    program = binary(tmp_path, python)
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    options: dict[str, Any] = {"cwd": folder, "input": stdin, "env": {**env, VARIABLE: "1"}}
    own = run_program(program, *args, **options)
    options["env"] = env
    expected = run_program(Path(python), *args, **options)
    return [
        (result.returncode, normalized(result.stdout, path), normalized(result.stderr, path))
        for result, path in ((expected, python), (own, program))
    ]


def normalized(text: str, executable: object) -> str:
    text = re.sub("0x[0-9a-f]+", "0x", text.replace(str(executable), "PYTHON"))
    # Since Python 3.11, parts of lines are underlined; since 3.13, lines of `-c` are shown. And we
    # show no frames of runpy.
    text = re.sub(r"^ +[~^]+\n", "", text, flags=re.MULTILINE)
    text = re.sub(r'(?<="<string>)(.*\n)    .*\n', r"\1", text)
    return re.sub(r'  File ".*\brunpy(\.py|>)", .*\n(    .*\n)?', "", text)


@pytest.mark.parametrize(
    "args",
    [
        ("-c", "import sys; print(__name__, __spec__, sys.argv, repr(sys.path[0]))", "a", "-b"),
        ("-cimport sys; print(sys.argv)", "a"),
        ("-c", "import beside; print(beside.VALUE)"),
        ("-Bc", "import sys; print(sys.dont_write_bytecode)"),
        ("-c", "raise SystemExit(3)"),
        ("-c", "exit(3)"),
        ("-c", "def f():\n    1 / 0\nf()"),
        ("-c", "x = ("),
        ("-W", "error", "-c", "import warnings; warnings.warn('oh')"),
        ("-Wignore", "-X", "utf8", "-c", "import sys; print(sys.warnoptions, sys._xoptions)"),
        ("-u", "-c", "import os, sys; print('unbuffered'); sys.stdout.write('x'); os._exit(0)"),
        ("-m", "beside"),
        ("-m", "script", "a"),
        ("-m", "fails"),
        ("-um", "json.tool", "--help"),
        ("-m", "not_there"),
        ("script.py", "a", "-b"),
        ("./script.py",),
        ("--", "script.py"),
        ("fails.py",),
        ("wrong.py",),
        ("dir", "a"),
        ("app.zip", "a"),
        ("not_there.py",),
        ("spawning.py",),
        ("-m", "spawning"),
        ("-V",),
        ("--version",),
    ],
)
def test_it_does_as_python_does(
    folder: Path, tmp_path: Path, python: str, args: tuple[str, ...]
) -> None:
    expected, own = in_both(folder, tmp_path, python, *args)
    if "spawning" in args[-1]:
        assert own == (0, "[2, 4]\n", "")
    assert own == expected


@pytest.mark.parametrize("args", [(), ("-",), ("-", "a"), ("-B",)])
@pytest.mark.parametrize(
    "code",
    [
        "import beside, sys\nif beside:\n    print(__name__, sys.argv, repr(sys.path[0]))\nf = 1\n",
        "import sys; sys.exit(3)",
        "def f():\n    1 / 0\nf()\n",
    ],
)
def test_code_on_standard_input(
    folder: Path, tmp_path: Path, python: str, args: tuple[str, ...], code: str
) -> None:
    expected, own = in_both(folder, tmp_path, python, *args, stdin=code)
    assert own == expected


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-y",), "Unknown option: -y"),
        (("--nothing",), "Unknown option: --nothing"),
        (("-c",), "Argument expected for the -c option"),
        (("-BW",), "Argument expected for the -W option"),
    ],
)
def test_command_lines_that_python_does_not_take(
    folder: Path, tmp_path: Path, python: str, args: tuple[str, ...], message: str
) -> None:
    expected, own = in_both(folder, tmp_path, python, *args)
    assert own[:2] == expected[:2] == (2, "")
    assert own[2].splitlines()[0] == message


@pytest.mark.parametrize("args", [("-y",), ("not_there.py",), ("fails.py",)])
def test_nothing_of_it_gets_into_stdout_when_stderr_is_closed(
    folder: Path, tmp_path: Path, python: str, args: tuple[str, ...]
) -> None:
    argv = ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', str(binary(tmp_path, python)), *args]
    result = subprocess.run(argv, stdout=subprocess.PIPE, cwd=folder, env={VARIABLE: "1"})
    assert (result.stdout, result.returncode) == (b"", 1 if args == ("fails.py",) else 2)


def test_a_prompt(tmp_path: Path, python: str) -> None:
    program = binary(tmp_path, python)
    master, slave = pty.openpty()
    env = {VARIABLE: "1", "TERM": "dumb"}
    process = subprocess.Popen(
        [str(program)], stdin=slave, stdout=subprocess.PIPE, stderr=slave, env=env, text=True
    )
    os.write(master, b"import app; print(app.__name__, 40 + 2)\nexit(3)\n")
    output, _ = process.communicate(timeout=60)
    os.close(slave)
    os.close(master)
    assert process.returncode == 3
    assert "app 42\n" in output


# --- When it is one


@pytest.mark.parametrize("value", ["", "0", "2", "/usr/bin/other"])
def test_other_values_start_the_program(tmp_path: Path, python: str, value: str) -> None:
    result = run_program(binary(tmp_path, python), "-c", "print(1)", env={VARIABLE: value})
    assert (result.stdout, result.stderr) == ("program ['-c', 'print(1)']\n", "")


def test_it_can_be_switched_off(tmp_path: Path, python: str) -> None:
    program = binary(tmp_path, python, interpreter=False)
    for value in ("1", str(program)):
        result = run_program(program, "-c", "print(1)", env={VARIABLE: value})
        assert (result.stdout, result.stderr) == ("program ['-c', 'print(1)']\n", "")


def test_processes_that_it_starts_are_interpreters(tmp_path: Path, python: str) -> None:
    """But another program made in this way is not."""
    program = binary(tmp_path, python)
    (tmp_path / "other").mkdir()
    other = binary(tmp_path / "other", python)
    code = f"""
import subprocess, sys
for executable in (sys.executable, {str(other)!r}):
    sys.stdout.flush()
    subprocess.run([executable, "-c", "print(40 + 2)"])
"""
    result = run_program(program, "-c", code, env={VARIABLE: "1"})
    assert (result.stdout, result.stderr) == ("42\nprogram ['-c', 'print(40 + 2)']\n", "")


def test_borrowed_rights_bring_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(start, "is_child_of_ours", lambda: True)
    read, write = socket.socketpair()
    helper = ["-c", str(read.fileno())]
    assert start.wants_interpreter() and start.is_helper(helper)
    for name in ("geteuid", "getegid"):
        with monkeypatch.context() as context:
            context.setattr(os, name, lambda: 12345)
            assert not start.wants_interpreter() and not start.is_helper(helper)
    read.close()
    write.close()


def test_without_an_entry_point_it_is_one(tmp_path: Path, python: str) -> None:
    program = write_program(tmp_path / "my-app", python, {"app/__init__.py": "VALUE = 5\n"})
    for args, code in ((("-c", "import app; print(app.VALUE)"), ""), ((), "print(5)")):
        result = run_program(program, *args, input=code)
        assert (result.stdout, result.stderr) == ("5\n", "")


PROCESSES = """
import multiprocessing
def main():
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(pool.map(abs, [-1]))
"""


TRACKER = "from multiprocessing.resource_tracker import main;main(0)"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        # A pickle that prints, as `multiprocessing` would send it.
        (
            ("--multiprocessing-fork", "tracker_fd=0", "pipe_handle=0"),
            "cbuiltins\nprint\n(S'hacked'\ntR.",
        ),
        # It removes what it is told of.
        (("-c", TRACKER), "REGISTER:/not-there:semaphore\n"),
    ],
)
def test_without_one_others_can_send_nothing(
    tmp_path: Path, arguments: tuple[str, ...], sent: str
) -> None:
    files = {"app.py": PROCESSES}
    program = write_program(tmp_path / "my-app", sys.executable, files, ("app", "main"))
    result = run_program(program)
    assert (result.stdout, result.stderr) == ("[1]\n[1]\n", "")
    # Not started by this Python, which is that of the program.
    argv = ["/bin/sh", "-c", '"$0" "$@"; exit "$?"', str(program), *arguments]
    result = subprocess.run(argv, input=sent, capture_output=True, text=True)
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr == "my-app: only the program itself can start such a process\n"
