# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What a process of an executable is: the program, or a Python. Each of these really is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from unit.payloads import pythons, run_program, write_program

VARIABLE = "PANTS_PYOXIDIZER_INTERPRETER"
CODE = ("-c", "print('a Python')")
# Prints its arguments, or runs what it has as functions.
SOURCE = """
import os, subprocess, sys
def main():
    run = globals().get("run_" + sys.argv[1]) if sys.argv[1:] else None
    print("the program", sys.argv[1:]) if run is None else run(*sys.argv[2:])
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture(scope="module", params=pythons(), ids=str)
def python(request: Any) -> str:
    path: str = request.param
    return path


def write(folder: Path, source: str = "", python: str = sys.executable, **options: bool) -> Path:
    files = {"app/__init__.py": "", "app/main.py": SOURCE + dedent(source)}
    options = {"interpreter": True, "variables": True, **options}
    return write_program(folder / "my-app", python, files, ("app.main", "main"), **options)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("program"))


def as_python(path: Path) -> str:
    return f"/proc/self/root{path}"


def printed(argv: list[str], **options: Any) -> str:
    result: subprocess.CompletedProcess[str] = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **options
    )
    return result.stdout


# --- By which path it was started


def test_the_path_tells_what_it_is(program: Path) -> None:
    assert printed([str(program), *CODE]) == f"the program {[*CODE]}\n"
    assert printed([as_python(program), *CODE]) == "a Python\n"


@pytest.mark.parametrize(
    "command",
    [
        ["/bin/sh", "-c", '"$0" "$@"; true'],
        ["/bin/sh", "-c", 'exec "$0" "$@"'],
        ["/usr/bin/env", "-i"],
        ["/usr/bin/nice"],
        ["/usr/bin/timeout", "60"],
        [sys.executable, "-c", "import os, sys; os.execve(sys.argv[1], sys.argv[1:], {})"],
        [
            sys.executable,
            "-c",
            "import pathlib, subprocess, sys; _, path, *rest = sys.argv;"
            "subprocess.run([pathlib.Path(path).absolute(), *rest])",
        ],
        [
            sys.executable,
            "-c",
            "import os, subprocess, sys; _, path, *rest = sys.argv;"
            "subprocess.run(['python', *rest], executable=os.path.normpath(path))",
        ],
    ],
)
def test_what_starts_other_programs_keeps_the_path(program: Path, command: list[str]) -> None:
    assert printed([*command, as_python(program), *CODE]) == "a Python\n"


def test_the_real_path_is_the_program(program: Path) -> None:
    path = os.path.realpath(as_python(program))
    assert printed([path, *CODE]) == f"the program {[*CODE]}\n"


def test_a_script_may_name_it_in_its_first_line(program: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!{as_python(program)} -u\nimport sys; print(sys.argv[1:])\n")
    script.chmod(0o755)
    assert printed([str(script), "a"]) == "['a']\n"


def test_argv_0_alone_tells_nothing(program: Path) -> None:
    """It is what a user types before sudo, which starts what it finds by that."""
    argv = [as_python(program), *CODE]
    assert printed(argv, executable=program) == f"the program {[*CODE]}\n"


def test_a_file_that_was_replaced_is_still_a_python(tmp_path: Path) -> None:
    source = """
    def run_replaced(path):
        os.rename(path, path + ".old")
        os.rename(path + ".new", path)
        subprocess.run([sys.executable, "-c", "print(40 + 2)"])
    """
    program = write(tmp_path, source)
    shutil.copy(program, f"{program}.new")
    assert printed([str(program), "replaced", str(program)]) == "42\n"


# --- The program


@pytest.mark.parametrize("name", ["./app", "./link", "link", "folder/../app", "{folder}/link"])
def test_its_name_is_that_of_a_script(tmp_path: Path, name: str) -> None:
    """What was typed, or found on PATH, as a script would see it."""
    (tmp_path / "folder").mkdir()
    source = "import sys; print(sys.argv)"
    executable = write_program(tmp_path / "app", sys.executable, {"a.py": source}, ("a", None))
    (tmp_path / "link").symlink_to("app")
    command = ["/bin/sh", "-c", name.format(folder=tmp_path) + " x"]
    options: dict[str, Any] = {"cwd": tmp_path, "env": {"PATH": f"{tmp_path}:/bin"}}
    own = printed(command, **options)
    executable.write_text(f"#!{sys.executable}\n{source}\n")
    assert own == printed(command, **options)


def test_without_a_path_its_name_is_its_real_path(tmp_path: Path) -> None:
    """As when sudo or a service manager starts a file that it has opened."""
    code = "import os, sys; os.execve(os.open(sys.argv[1], os.O_RDONLY), ['x', 'name'], {})"
    program = write(tmp_path, "def run_name(): print(sys.argv[0])")
    assert printed([sys.executable, "-c", code, str(program)]) == f"{program}\n"


RESTARTS = """
def run_restart(how):
    if "RESTARTED" in os.environ:
        print(sys.argv[1:], os.path.basename(sys.argv[0]))
        return
    os.environ["RESTARTED"] = "1"
    if how == "a": os.execv(sys.executable, [sys.executable] + sys.argv)
    if how == "b": os.execv(sys.executable, ["python"] + sys.argv)
    if how == "c": os.execv(sys.argv[0], sys.argv)
    if how == "d": os.execv(sys.executable, getattr(sys, "orig_argv", ["python"] + sys.argv))
    options = subprocess._args_from_interpreter_flags()
    if how == "e": os.execv(sys.executable, [sys.executable, "-Wi", *options] + sys.argv)
"""


@pytest.mark.parametrize("how", ["a", "b", "c", "d", "e"])
@pytest.mark.parametrize("is_link", [False, True])
def test_it_restarts(python: str, tmp_path: Path, how: str, is_link: bool) -> None:
    path = write(tmp_path, RESTARTS, python)
    if is_link:
        path = tmp_path / "link"
        path.symlink_to("my-app")
    assert printed([str(path), "restart", how]) == f"['restart', '{how}'] {path.name}\n"


def test_a_sealed_program_restarts(tmp_path: Path) -> None:
    program = write(tmp_path, RESTARTS, interpreter=False)
    assert printed([str(program), "restart", "a"]) == "['restart', 'a'] my-app\n"
    # By other options, it could become a Python at its end.
    argv = [as_python(program), "-i", str(program), "restart", "a"]
    assert printed(argv) == "my-app: only the program itself can start such a process\n"


ITSELF = """
def run_itself():
    sys.stdout.flush()
    code = "import app.main, sys; print(sys.argv, app.main.__name__)"
    options = [["-c", code, "x"], ["-Ic", code], ["-Ec", code], ["-m", "app.main"], ["script.py", "x"]]
    for arguments in [*options, [sys.argv[0], "x"]]:
        subprocess.run([sys.executable, *arguments])
    subprocess.run([sys.executable, "-", "x"], input=code, text=True)
    subprocess.run([sys.argv[0], "-c", code])
    subprocess.run(["my-app", "-m", "x"])
"""


def test_what_it_starts(python: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import app.main, sys; print(sys.argv, 'script')")
    path = write(tmp_path, ITSELF, python)
    env = {"PATH": str(tmp_path)}
    assert printed(["my-app", "itself"], cwd=tmp_path, env=env, executable=path).splitlines() == [
        "['-c', 'x'] app.main",
        "['-c'] app.main",
        "['-c'] app.main",
        "['script.py', 'x'] script",
        "the program ['x']",
        "['-', 'x'] app.main",
        "the program ['-c', 'import app.main, sys; print(sys.argv, app.main.__name__)']",
        "the program ['-m', 'x']",
    ]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("function", [None, "main"])
def test_processes(python: str, tmp_path: Path, method: str, function: str | None) -> None:
    source = f"""
        import multiprocessing
        def double(number):
            return number * 2
        def main():
            context = multiprocessing.get_context({method!r})
            with context.Pool(2) as pool:
                print(pool.map(double, [1, 2, 3]))
            event = context.Event()  # The resource tracker knows it.
            process = context.Process(target=event.set)
            process.start()
            process.join()
            print(process.exitcode, event.is_set())
        if __name__ == "__main__":
            main()
        """
    files = {"app/__init__.py": "", "app/main.py": dedent(source)}
    start = ("app.main", function)
    program = write_program(tmp_path / "my-app", python, files, start, interpreter=False)
    result = run_program(program, "an argument")
    assert (result.stdout, result.stderr) == ("[2, 4, 6]\n0 True\n", "")


def test_run_path_finds_the_program(python: str, tmp_path: Path) -> None:
    source = """
    def run_path():
        import runpy
        sys.argv[1:] = ["by run_path"]
        print(runpy.run_path(sys.argv[0])["__name__"])
    """
    assert printed([str(write(tmp_path, source, python)), "path"]) == (
        "the program ['by run_path']\n<run_path>\n"
    )
    source = "import runpy, sys\nprint(__name__)\n"
    source += "if __name__ == '__main__': print(runpy.run_path(sys.argv[0], run_name='x')['sys'])\n"
    program = write_program(tmp_path / "module", python, {"app.py": source}, ("app", None))
    assert printed([str(program)]) == "__main__\nx\n<module 'sys' (built-in)>\n"


def test_a_function_runs_as_in_a_script(python: str, tmp_path: Path) -> None:
    source = """
    def run_main():
        main = sys.modules["__main__"]
        print(main, main.__file__, main.__spec__, main.__package__)
        print(main.__loader__.get_source("__main__").splitlines()[1])
    """
    path = write(tmp_path, source, python)
    assert printed([str(path), "main"]).splitlines() == [
        f"<module '__main__' from '{path}'> {path} None None",
        "from app.main import main",
    ]


# --- Processes that start one another

NESTING = """
def run_nest(number):
    # It would end by itself.
    if int(number) == 100:
        print("without end")
    subprocess.run([os.path.realpath(sys.executable), "nest", str(int(number) + 1)])
"""


def test_processes_do_not_multiply_without_end(tmp_path: Path) -> None:
    assert printed([str(write(tmp_path, NESTING)), "nest", "0"]) == (
        "my-app: not started, because 32 processes of it have started one another; to fix, start the "
        "program by `sys.argv[0]`, and Python code by `sys.executable`, not by its `realpath`\n"
    )


def test_a_restart_is_no_nesting(tmp_path: Path) -> None:
    source = """
    def run_restart(number):
        if int(number) == 100:
            print("restarted", number)
        else:
            os.execv(sys.executable, [sys.executable, sys.argv[0], "restart", str(int(number) + 1)])
    """
    assert printed([str(write(tmp_path, source)), "restart", "0"]) == "restarted 100\n"


# --- What is asked for


@pytest.mark.parametrize("value", ["", "0", "2", "/usr/bin/other"])
def test_other_values_start_the_program(program: Path, value: str) -> None:
    assert printed([str(program), *CODE], env={VARIABLE: value}) == f"the program {[*CODE]}\n"


def test_a_variable_asks_for_a_python(program: Path, tmp_path: Path) -> None:
    """But not for those that this one starts."""
    code = f"import subprocess, sys; subprocess.run([sys.argv[1], *{CODE}])"
    for path, expected in (program, f"the program {[*CODE]}\n"), (as_python(program), "a Python\n"):
        argv = [str(program), "-c", code, str(path)]
        assert printed(argv, env={VARIABLE: "1"}) == expected


def test_help_is_no_error(program: Path) -> None:
    for option in ("-V", "--version", "-h", "--help", "-BV", "-Wi", "-?"):
        result = run_program(Path(as_python(program)), option, "-V")
        assert (result.returncode, result.stderr) == (0, ""), option


@pytest.mark.parametrize("options", ["-O", "-OO", "-OB", "-BOO"])
def test_bytecode_is_that_of_a_python_without_optimization(program: Path, options: str) -> None:
    code = "import sys; print(sys.flags.optimize, __debug__)"
    argv = [as_python(program), options, "-O", "-Xutf8", "-c", code, "-O"]
    assert printed(argv, env={"PYTHONOPTIMIZE": "2"}) == "0 True\n"


# --- Variables


VARIABLES = {
    "PYTHONBREAKPOINT": ("breakpoint()", "sys.exit", ""),
    "PYTHONDEVMODE": ("print(sys.flags.dev_mode)", "1", "True"),
    "PYTHONDONTWRITEBYTECODE": ("print(sys.dont_write_bytecode)", "1", "True"),
    "PYTHONFAULTHANDLER": ("import faulthandler; print(faulthandler.is_enabled())", "1", "True"),
    "PYTHONHASHSEED": ("print(sys.flags.hash_randomization)", "0", "0"),
    "PYTHONIOENCODING": ("print(sys.stdout.encoding, 'é')", "ascii:replace", "ascii ?"),
    "PYTHONTRACEMALLOC": ("import tracemalloc as t; print(t.get_traceback_limit())", "3", "3"),
    "PYTHONUNBUFFERED": ("sys.stdout.write('x'); os._exit(0)", "1", "x"),
    "PYTHONWARNINGS": ("print(sys.warnoptions)", "error", "['error']"),
}
NEVER = {
    "PYTHONINSPECT": ("", "1", ""),
    "PYTHONOPTIMIZE": ("print(sys.flags.optimize)", "2", "0"),
    "PYTHONSTARTUP": ("", "/nowhere", ""),
}


def of_variables(folder: Path, python: str, **options: bool) -> Path:
    return write(folder, "def run_code(code): exec(code)", python, **options)


@pytest.mark.parametrize("name", [*VARIABLES, *NEVER])
def test_variables(python: str, tmp_path: Path, name: str) -> None:
    code, value, expected = {**VARIABLES, **NEVER}[name]
    program = of_variables(tmp_path, python)
    for argv in ([str(program), "code"], [as_python(program), str(program), "code"]):
        assert printed([*argv, code], env={name: value}, input="").strip() == expected


def test_a_prompt_runs_no_code_from_elsewhere(program: Path, tmp_path: Path) -> None:
    startup = tmp_path / "startup.py"
    startup.write_text("print('from elsewhere')\n")
    argv, env = [as_python(program), "-i"], {"PYTHONSTARTUP": str(startup)}
    result = printed(argv, env=env, input="print('from ' + 'here')\n")
    assert "from here\n" in result and "from elsewhere" not in result


@pytest.mark.parametrize("name", [name for name in VARIABLES if name != "PYTHONDONTWRITEBYTECODE"])
def test_no_variable_counts_if_the_target_says_so(tmp_path: Path, name: str) -> None:
    code, value, expected = VARIABLES[name]
    program = of_variables(tmp_path, sys.executable, variables=False)
    code = code.replace("breakpoint()", "print(sys.flags.ignore_environment)")
    assert printed([str(program), "code", code], env={name: value}).strip() != expected


# --- Who may start a Python


def test_without_an_interpreter_there_is_none_for_others(tmp_path: Path) -> None:
    program = write(tmp_path, ITSELF, interpreter=False)
    assert printed([str(program), *CODE], env={VARIABLE: "1"}) == f"the program {[*CODE]}\n"
    fork = [str(program), "--multiprocessing-fork", "tracker_fd=0", "pipe_handle=0"]
    for argv in ([as_python(program), *CODE], [as_python(program)], fork):
        message = "my-app: only the program itself can start such a process\n"
        assert printed(argv, input="print('a Python')") == message


def test_without_an_interpreter_the_program_starts_its_own(tmp_path: Path) -> None:
    source = """
    def run_own(how):
        if how != "whole":
            path = os.path.realpath(sys.argv[0])
            os.rename(path, path + " (gone)") if how == "renamed" else os.unlink(path)
            os.rename(path + ".new", path)
        subprocess.run([sys.executable, "-c", "print('a Python')"])
    """
    other = "my-app: only the program itself can start such a process\n"
    # An upgrade replaces the file, so a parent with our path counts.
    for how, expected in ("whole", "a Python\n"), ("unlinked", "a Python\n"), ("renamed", other):
        program = write(tmp_path, source, interpreter=False)
        shutil.copy(program, f"{program}.new")
        assert printed([str(program), "own", how]) == expected


# --- Rights


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to others")
def test_with_rights_of_its_own_it_runs_nothing_else(tmp_path: Path) -> None:
    program = of_variables(tmp_path, sys.executable)
    os.chown(program, -1, os.getgid() + 1)
    program.chmod(0o2755)
    message = "my-app: such a process cannot run with the rights of another user\n"
    fork = ["--multiprocessing-fork", "tracker_fd=0", "pipe_handle=0"]
    for argv in ([as_python(program), *CODE], [str(program), *fork], [as_python(program), *fork]):
        assert printed(argv) == message
    assert printed([str(program), *CODE], env={VARIABLE: "1"}) == f"the program {[*CODE]}\n"
    # Restarted, it is what it is. A link could lead elsewhere when the program starts it.
    link = program.with_name("link")
    link.symlink_to(program)
    code = "print(sys.argv[0])"
    for argv in ([str(program)], [str(link)], [as_python(program), str(link)]):
        assert printed([*argv, "code", code]) == f"{program}\n"
    variables = {**VARIABLES, **NEVER}
    env = {name: value for name, (_, value, _) in variables.items()}
    code = "print(sys.flags.ignore_environment, [name for name in os.environ if 'PYTHON' in name])"
    assert printed([str(program), "code", code], env=env) == "1 []\n"
