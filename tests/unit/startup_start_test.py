# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pants_pyoxidizer.startup.payload import FOOTER_SIZE
from pants_pyoxidizer.startup.start import load
from unit.payloads import pythons, run_program, write_launcher, write_program


@pytest.fixture(scope="module", params=pythons(), ids=str)
def python(request: Any) -> str:
    path: str = request.param
    return path


class Program:
    """A program of one module `app.main`."""

    def __init__(
        self,
        folder: Path,
        python: str,
        source: str,
        function: str | None = None,
        **options: bool,
    ) -> None:
        files = {"app/__init__.py": "", "app/main.py": dedent(source)}
        start = ("app.main", function)
        self.path = write_program(folder / "my-app", python, files, start, **options)

    def run(self, *args: str, stdin: str | None = None) -> tuple[int, str, str]:
        """Status, output and errors, with `ROOT` for the executable's path."""
        return results(self.path, run_program(self.path, *args, input=stdin))


def results(path: Path, result: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    # Python 3.11 and newer underline parts of lines.
    errors = re.sub(r"^ +[~^]+\n", "", result.stderr, flags=re.MULTILINE)
    named = (text.replace(str(path), "ROOT") for text in (result.stdout, errors))
    return (result.returncode, *named)  # type: ignore[return-value]


# --- What runs


def test_a_module_runs_as_main(python: str, tmp_path: Path) -> None:
    program = Program(
        tmp_path,
        python,
        """
        import sys
        print(__name__, __package__, __file__, __spec__.name, __doc__)
        print(sys.argv)
        print(sys.modules["__main__"].__dict__ is globals())
        """,
    )
    assert program.run("-x", "a b") == (
        0,
        "__main__ app ROOT/app/main.py app.main None\n['ROOT', '-x', 'a b']\nTrue\n",
        "",
    )


def test_a_package_runs_its_main(python: str, tmp_path: Path) -> None:
    files = {"app/__init__.py": "", "app/__main__.py": "print(__name__, __spec__.name)"}
    program = write_program(tmp_path / "my-app", python, files, ("app", None))
    assert results(program, run_program(program)) == (0, "__main__ app.__main__\n", "")


def test_no_name_of_ours_is_left_in_main(python: str, tmp_path: Path) -> None:
    program = Program(
        tmp_path, python, "print(sorted(name for name in globals() if name[:2] != '__'))"
    )
    assert program.run() == (0, "[]\n", "")


@pytest.mark.parametrize(
    ("value", "status", "errors"),
    [
        ("None", 0, ""),
        ("0", 0, ""),
        ("3", 3, ""),
        ("False", 0, ""),
        ("'a message'", 1, "a message\n"),
    ],
)
def test_a_functions_value_is_the_exit_status(
    python: str, tmp_path: Path, value: str, status: int, errors: str
) -> None:
    source = f"""
        import sys
        def run():
            print(__name__, sys.argv)
            return {value}
        """
    assert Program(tmp_path, python, source, "run").run("a") == (
        status,
        "app.main ['ROOT', 'a']\n",
        errors,
    )


def test_a_function_may_have_dots(python: str, tmp_path: Path) -> None:
    source = """
        class App:
            @classmethod
            def run(cls):
                print(cls.__name__)
        """
    assert Program(tmp_path, python, source, "App.run").run() == (0, "App\n", "")


def test_a_function_in_a_submodule(tmp_path: Path) -> None:
    assert load("json", "decoder.JSONDecoder.decode") is load("json.decoder", "JSONDecoder.decode")


def test_argparse_names_the_program(python: str, tmp_path: Path) -> None:
    source = """
        import argparse
        argparse.ArgumentParser().parse_args()
        """
    assert Program(tmp_path, python, source).run("-x") == (
        2,
        "",
        "usage: my-app [-h]\nmy-app: error: unrecognized arguments: -x\n",
    )


# --- How it ends


@pytest.mark.parametrize("function", [None, "main"])
@pytest.mark.parametrize(
    ("value", "status", "errors"),
    [("", 0, ""), ("3", 3, ""), ("'a message'", 1, "a message\n"), ("None", 0, "")],
)
def test_system_exit(
    python: str, tmp_path: Path, function: str | None, value: str, status: int, errors: str
) -> None:
    source = f"""
        import sys
        def main():
            sys.exit({value})
        if __name__ == "__main__":
            main()
        """
    assert Program(tmp_path, python, source, function).run() == (status, "", errors)


@pytest.mark.parametrize("function", [None, "main"])
def test_tracebacks_show_the_program_alone(
    python: str, tmp_path: Path, function: str | None
) -> None:
    source = """\
        import atexit
        atexit.register(print, "at exit")
        def main():
            raise ValueError("oh")
        if __name__ == "__main__":
            main()
        """
    lines = [
        "Traceback (most recent call last):",
        '  File "ROOT/app/main.py", line 6, in <module>',
        "    main()",
        '  File "ROOT/app/main.py", line 4, in main',
        '    raise ValueError("oh")',
        "ValueError: oh",
    ]
    if function is not None:
        del lines[1:3]
    program = Program(tmp_path, python, source, function, sources=True)
    assert program.run() == (1, "at exit\n", "".join(f"{line}\n" for line in lines))


def test_what_caused_an_error_is_shown(python: str, tmp_path: Path) -> None:
    source = """\
        def main():
            try:
                1 / 0
            except ZeroDivisionError as e:
                raise ValueError("oh") from e
        """
    assert Program(tmp_path, python, source, "main", sources=True).run() == (
        1,
        "",
        "Traceback (most recent call last):\n"
        '  File "ROOT/app/main.py", line 3, in main\n'
        "    1 / 0\n"
        "ZeroDivisionError: division by zero\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        '  File "ROOT/app/main.py", line 5, in main\n'
        '    raise ValueError("oh") from e\n'
        "ValueError: oh\n",
    )


def test_a_hook_of_the_program_sees_its_errors_once(python: str, tmp_path: Path) -> None:
    source = """
        import sys
        def hook(kind, error, traceback):
            print(kind.__name__, error, traceback.tb_frame.f_code.co_name)
        sys.excepthook = hook
        def main():
            raise ValueError("oh")
        """
    assert Program(tmp_path, python, source, "main").run() == (1, "ValueError oh main\n", "")


def test_an_error_while_the_program_is_imported(python: str, tmp_path: Path) -> None:
    assert Program(tmp_path, python, "import not_there\n", "main", sources=True).run() == (
        1,
        "",
        "Traceback (most recent call last):\n"
        '  File "ROOT/app/main.py", line 1, in <module>\n'
        "    import not_there\n"
        "ModuleNotFoundError: No module named 'not_there'\n",
    )


def test_a_function_that_is_not_there(python: str, tmp_path: Path) -> None:
    assert Program(tmp_path, python, "", "main").run() == (
        1,
        "",
        "AttributeError: module 'app.main' has no attribute 'main'\n",
    )


@pytest.mark.parametrize("function", [None, "main"])
def test_a_keyboard_interrupt_ends_it_by_the_signal(
    python: str, tmp_path: Path, function: str | None
) -> None:
    source = """\
        import os, signal
        def main():
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                print("cleaned up")
        if __name__ == "__main__":
            main()
        """
    status, output, errors = Program(tmp_path, python, source, function).run()
    assert (status, output) == (-signal.SIGINT, "cleaned up\n")
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert re.findall('File "(.*)", line', errors) == ["ROOT/app/main.py"] * (1 if function else 2)


@pytest.mark.parametrize(
    ("source", "output", "status"),
    [
        ("def main():\n    print('out')\n    1 / 0\n", "out\n", 1),
        ("def main():\n    return 'a message'\n", "", 1),
        ("def f(:\n", "", 1),
    ],
)
def test_nothing_of_stderr_gets_into_stdout_when_that_is_closed(
    python: str, tmp_path: Path, source: str, output: str, status: int
) -> None:
    assert without_stderr(Program(tmp_path, python, source, "main").path) == (output, status)


def without_stderr(program: Path, *args: str, **options: Any) -> tuple[str, int]:
    argv = ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', str(program), *args]
    result = subprocess.run(argv, stdout=subprocess.PIPE, text=True, **options)
    return result.stdout, result.returncode


def test_a_hook_of_the_program_is_called_when_stderr_is_closed(python: str, tmp_path: Path) -> None:
    source = """
        import sys
        sys.excepthook = lambda kind, error, traceback: print(error)
        def main():
            raise ValueError("oh")
        """
    assert without_stderr(Program(tmp_path, python, source, "main").path) == ("oh\n", 1)


# --- Without a program


def test_a_payload_that_is_not_there(python: str, tmp_path: Path) -> None:
    program = write_launcher(tmp_path / "my-app", python)
    assert results(program, run_program(program)) == (
        1,
        "",
        "my-app: the program is missing: nothing is appended to ROOT (a tool such as strip may "
        "have removed it, or a download was cut short), and there is no ROOT.payload; to fix, "
        "get a new copy\n",
    )
    assert without_stderr(program) == ("", 1)


def test_a_damaged_index(python: str, tmp_path: Path) -> None:
    program = Program(tmp_path, python, "print('started')")
    content = bytearray(program.path.read_bytes())
    content[-FOOTER_SIZE - 1] ^= 1
    program.path.write_bytes(content)
    assert program.run() == (1, "", "my-app: ROOT is damaged; to fix, get a new copy\n")


@pytest.mark.parametrize("function", [None, "main"])
def test_a_damaged_module(python: str, tmp_path: Path, function: str | None) -> None:
    program = Program(tmp_path, python, "def main():\n    return 'good'\n", function)
    content = program.path.read_bytes()
    program.path.write_bytes(content.replace(b"good", b"evil"))
    assert program.run() == (1, "", "my-app: ROOT is damaged; to fix, get a new copy\n")


def test_a_payload_beside_it(python: str, tmp_path: Path) -> None:
    program = Program(tmp_path, python, "print(__file__)")
    content = program.path.read_bytes()
    launcher = write_launcher(program.path, python).read_bytes()
    beside = tmp_path / "my-app.payload"
    beside.write_bytes(content[len(launcher) :])
    assert program.run() == (0, "ROOT.payload/app/main.py\n", "")
    beside.write_bytes(content[len(launcher) : -1])
    assert program.run() == (1, "", "my-app: ROOT.payload is damaged; to fix, get a new copy\n")


# --- What lies beside it


def test_the_prefixes_are_where_distributions_lie(python: str, tmp_path: Path) -> None:
    names = ("prefix", "exec_prefix", "base_prefix", "base_exec_prefix")
    source = f"import sys; print({{getattr(sys, name) for name in {names}}})"
    expected = f"{{{str(tmp_path / 'lib')!r}}}\n"
    assert Program(tmp_path, python, source).run() == (0, expected, "")


def test_paths_are_where_distributions_lie(python: str, tmp_path: Path) -> None:
    source = """
        import sysconfig
        print(set(sysconfig.get_paths().values()))
        # Who builds a wheel, or makes a virtual environment, asks for elsewhere.
        print(set(sysconfig.get_paths(vars={"base": "/base"}).values()))
        schemes = [name for name in sysconfig.get_scheme_names() if name == "posix_venv"]
        for scheme in schemes:
            print(sysconfig.get_path("scripts", scheme, {"base": "/base"}))
        """
    status, output, errors = Program(tmp_path, python, source).run()
    assert (status, errors) == (0, "")
    own, other, *rest = output.splitlines()
    assert (own, other) == (f"{{{str(tmp_path / 'lib')!r}}}", "{'/base'}")
    assert rest in ([], ["/base/bin"])


@pytest.mark.parametrize("newer", pythons(oldest=13), ids=str)
def test_a_newer_python_keeps_no_file_open(tmp_path: Path, newer: str) -> None:
    source = "import os; print(os.path.exists('/proc/self/fd/3'))"
    assert Program(tmp_path, newer, source).run() == (0, "False\n", "")


def test_pth_files_are_read(python: str, tmp_path: Path) -> None:
    (tmp_path / "lib/more").mkdir(parents=True)
    (tmp_path / "lib/more/found.py").write_text("VALUE = 5\n")
    (tmp_path / "lib/it.pth").write_text("import os; os.environ['IT'] = 'was read'\nmore\n")
    source = "import os, found; print(os.environ['IT'], found.VALUE)"
    assert Program(tmp_path, python, source).run() == (0, "was read 5\n", "")


def test_without_pth_files_nothing_is_imported_for_them(python: str, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/module.py").write_text("")
    program = Program(tmp_path, python, "import sys; print('site' in sys.modules)")
    assert program.run() == (0, "False\n", "")
