# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The interpreter in a binary, compared with the `python` that it is."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from unit.payloads import pythons, run_program, write_program

VARIABLE = "PANTS_PYOXIDIZER_INTERPRETER"
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
@pytest.fixture(scope="module", params=pythons(oldest=9), ids=str)
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
    (path / "empty").mkdir()
    with zipfile.ZipFile(path / "empty.zip", "w") as archive:
        archive.writestr("other.py", "")
    with zipfile.ZipFile(path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", "import sys; print(__file__, sys.argv, sys.path[0])\n")
    return path


def test_a_signal_ends_it(tmp_path: Path, python: str) -> None:
    for name in ("SIGSEGV", "SIGBUS"):
        code = f"import os, signal; os.kill(os.getpid(), signal.{name}); print('oh')"
        (expected, own) = in_both(tmp_path, tmp_path, python, "-c", code)
        assert own == expected
        assert own[0] < 0, own


def test_a_stream_that_is_closed_is_none(tmp_path: Path, python: str) -> None:
    program = binary(tmp_path, python)
    code = "import os, sys; os._exit(5 if sys.stdin is None and sys.stdout is None else 6)"
    result = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" <&- >&-', program, code], env={VARIABLE: "1"}
    )
    assert result.returncode == 5


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
    text = text.replace(str(executable), "PYTHON").replace("/proc/self/root", "")
    return re.sub("0x[0-9a-f]+", "0x", text)


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
        ("empty",),
        ("empty.zip",),
        ("not_there.py",),
        ("spawning.py",),
        ("-m", "spawning"),
        ("-V",),
        ("-BVV",),
        ("--version",),
        ("-W", "-V", "-h"),
        ("-IEc", "import sys; print(sys.flags.isolated, sys.flags.ignore_environment, sys.argv)"),
        ("-bbc", "print(str(b''))"),
        (
            "-X",
            "dev",
            "-X",
            "tracemalloc=3",
            "-c",
            "import sys; print(sys.flags.dev_mode, sys._xoptions)",
        ),
        ("-Xfaulthandler", "-c", "import faulthandler; print(faulthandler.is_enabled())"),
        ("-qic", "x = 5"),
        ("-x", "script.py"),
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


@pytest.mark.parametrize("args", [("-y",), ("--nothing",), ("-c",), ("-BW",), ("-X", "utf8", "-m")])
def test_command_lines_that_python_does_not_take(
    folder: Path, tmp_path: Path, python: str, args: tuple[str, ...]
) -> None:
    expected, own = in_both(folder, tmp_path, python, *args)
    assert own == expected
    assert own[0] == 2


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


RESTARTING = """\
import os, sys
print(sys.argv[1:], flush=True)
if len(sys.argv) < 3:
    os.execv(sys.executable, [sys.executable] + sys.argv + ["again"])
"""
RUN_PATH = """\
import os, runpy
path = os.path.dirname(__file__) + "/beside.py"
found = runpy.run_path(path)
print(found["__name__"], found["__file__"] == path, found["VALUE"])
"""


@pytest.mark.parametrize(
    "args",
    [
        ("app/script.py", "a"),
        ("app/fails.py",),
        ("app/spawning.py",),
        ("app/run_path.py",),
        ("-m", "app.restarting", "a"),
        ("-I", "app/restarting.py", "a", "b"),
        ("app/nowhere.py",),
        ("nowhere.py",),
    ],
)
def test_modules_in_it_are_scripts(
    folder: Path, tmp_path: Path, python: str, args: tuple[str, ...]
) -> None:
    """`python -m` gives them their path for `sys.argv[0]`."""
    files = {name: (folder / name).read_text() for name in ("script.py", "spawning.py", "fails.py")}
    files.update({"__init__.py": "", "beside.py": "VALUE = 5\n"})
    files.update({"restarting.py": RESTARTING, "run_path.py": RUN_PATH})
    there, program = tmp_path / "there", tmp_path / "my-app"
    (there / "app").mkdir(parents=True)
    for name, content in files.items():
        (there / "app" / name).write_text(content)
    modules = {f"app/{name}": content for name, content in files.items()}
    write_program(program, python, modules, ENTRY_POINT, interpreter=True, sources=True)
    results = []
    for root, executable, env in (
        (there, Path(python), {"PYTHONPATH": str(there)}),
        (program, program, {VARIABLE: "1"}),
    ):
        argv = [f"{root}/{arg}" if arg.endswith(".py") else arg for arg in args]
        result = run_program(executable, *argv, env={**env, "PYTHONDONTWRITEBYTECODE": "1"})
        errors = normalized(result.stderr, executable).replace("Errno 20", "Errno 2")
        errors = errors.replace("Not a directory", "No such file or directory")
        errors = errors.replace(str(root), "PYTHON")
        # The frames of Python itself are of no interest.
        output = normalized(result.stdout.replace(str(root), "ROOT"), executable)
        results.append((result.returncode, output, errors))
    assert results[1] == results[0]


def test_without_an_entry_point_it_is_one(tmp_path: Path, python: str) -> None:
    program = write_program(tmp_path / "my-app", python, {"app/__init__.py": "VALUE = 5\n"})
    for args, code in ((("-c", "import app; print(app.VALUE)"), ""), ((), "print(5)")):
        result = run_program(program, *args, input=code)
        assert (result.stdout, result.stderr) == ("5\n", "")
