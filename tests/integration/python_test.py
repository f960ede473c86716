# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A program in a binary does what it does with `python -m`, whose results are compared."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Iterator

import pytest

from integration import python_program
from integration.repository import Repository
from python_suite import command

TRIPLE = f"{platform.machine()}-unknown-linux-gnu"
VARIABLE = "PANTS_PYOXIDIZER_INTERPRETER"

BUILD = """\
    python_requirement(name="third", requirements=["certifi==2024.2.2", "tzdata==2024.1"])
    resources(name="data", sources=["data.txt"])
    python_sources(name="lib", dependencies=[":data", ":third"])
    python_distribution(
        name="dist",
        dependencies=[":lib"],
        provides=python_artifact(name="app-dist", version="0.0.1"),
        entry_points={"app.plugins": {"one": "app.main:double"}},
    )
    fields = {"dependencies": [":dist"], "entry_point": "app.main"}
    pyoxidizer_binary(name="memory", resources="in-memory", **fields)
    pyoxidizer_binary(name="files", resources="filesystem", **fields)
    pyoxidizer_binary(name="sealed", interpreter=False, **fields)
    pyoxidizer_binary(name="unguarded", dependencies=[":dist"], entry_point="app.unguarded")
    """
UNGUARDED = """\
    import multiprocessing
    import sys
    print("started", flush=True)
    process = multiprocessing.get_context(sys.argv[1]).Process(target=abs, args=(-1,))
    process.start()
    process.join()
    print(process.exitcode)
    """

# How `multiprocessing` starts a process, and a pickle that prints, as it would send it.
SPAWNED = ("--multiprocessing-fork", "tracker_fd=0", "pipe_handle=0")
PICKLE = "cbuiltins\nprint\n(S'hacked'\ntR."


@dataclass(frozen=True)
class Program:
    """One way to start the program: `root` is what its modules seem to lie in."""

    argv: tuple[str, ...]
    root: Path
    env: dict[str, str]

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        """As on another machine: from `/`, with an empty environment."""
        pipe = subprocess.PIPE
        options = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "cwd": "/", **options}
        env = {**self.env, **options.pop("env", {})}
        process: subprocess.Popen[str] = subprocess.Popen(
            [*self.argv, *args],
            env=env,
            text=True,
            encoding="utf-8",
            preexec_fn=heed_interrupts,
            **options,
        )
        return process

    def run(self, *args: str, stdin: str = "", **options: Any) -> tuple[str, str, int]:
        """Output, errors and exit status, without what differs from run to run."""
        process = self.start(*args, **options)
        return self.end(process, stdin)

    def end(self, process: subprocess.Popen[str], stdin: str = "") -> tuple[str, str, int]:
        try:
            output, errors = process.communicate(stdin, timeout=120)
        except BaseException:
            process.kill()
            raise
        return self.normalized(output), self.normalized(errors), process.returncode

    def normalized(self, text: str | None) -> str:
        # Below the executable is the standard library, wherever the other code is.
        text = (text or "").replace(f"{self.argv[0]}/", "ROOT/").replace(str(self.root), "ROOT")
        text = re.sub(r"(?m)^ +[~^]+\n", "", text)  # Since Python 3.11, parts are underlined.
        return re.sub(r"0x[0-9a-f]+|in \d\.\d+s", "...", text)


def heed_interrupts() -> None:
    """Also when these tests run in the background, for which a shell has them ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))


@pytest.fixture(scope="module")
def programs(repository: Repository) -> dict[str, Program]:
    source = Path(python_program.__file__).read_text()
    repository.write(
        {
            "app/BUILD": BUILD,
            "app/__init__.py": "",
            "app/data.txt": "data\n",
            "app/main.py": source,
            "app/unguarded.py": UNGUARDED,
        }
    )
    log = repository.succeed("package", "app:").stderr
    built = {}
    for name in ("memory", "files", "sealed", "unguarded"):
        install = repository.path / f"dist/app/{name}/{TRIPLE}/debug/install"
        root = install / "lib" if name == "files" else install / name
        built[name] = Program((str(install / name),), root, {})
    python = re.search(r"Contains Python \S+ \((\S+), \w+\)", log)
    assert python is not None, log
    lib = built["files"].root
    for module in ("main", "unguarded"):
        argv = (python[1], "-X", "utf8", "-s", "-m", f"app.{module}")
        built[f"python {module}"] = Program(argv, lib, {"PYTHONPATH": str(lib)})
    return built


# The arguments, what is typed, the exit status, and some of what is printed.
CASES: list[tuple[str, str, int, str]] = [
    ("argv a -b --c=d", "", 0, "5 ['a', '-b', '--c=d']\n"),
    ("argv -c code -m module", "", 0, "['-c', 'code', '-m', 'module']\n"),
    (
        "main_module",
        "",
        0,
        "__main__ app app.main True\nPoint(x=1, other=Point(x=2, other=None)) True",
    ),
    ("metadata", "", 0, "0.0.1 app-dist\n['one']\n"),
    ("inspection", "", 0, "def double(number: int) -> int:\n    return 2 * number\n"),
    ("hints", "", 0, "{'x': <class 'int'>, 'other': __main__.Point | None}\n"),
    ("text ü", "", 0, "größer € utf-8 utf-8 utf-8\n['ä€']\n"),
    ("raising", "", 1, "in raising\n    raise KeyError(\"ü\") from error\nKeyError: 'ü'\n"),
    ("warning", "", 0, ": UserWarning: careful\n"),
    ("logs", "", 0, " logs main MainProcess hello\n"),
    ("unraisable", "", 0, "Exception ignored in: <function unraisable.<locals>.Failing.__del__ at"),
    ("tests", "", 1, "    self.assertEqual(1, 2)\nAssertionError: 1 != 2\n"),
    ("doctests", "", 0, "TestResults(failed=1, attempted=2)\n"),
    (
        "debugging",
        "p number + 2\nnumber = 3\nc\n",
        0,
        "-> print(number)\n(Pdb) 42\n(Pdb) (Pdb) 3\n",
    ),
    ("interaction", "print(number + 2)\nx\n", 0, ">>> 42\n"),
    ("questions", "a\nb\nc\n", 0, "name? a b\n c\n"),
    (
        "standard_library",
        "",
        0,
        "os.py\njson/__init__.py\njson/decoder.py\nTrue\nFalse True\n",
    ),
    ("exiting none", "", 0, "at exit\n"),
    ("exiting 0", "", 0, "at exit\n"),
    ("exiting 3", "", 3, "at exit\n"),
    ("exiting -1", "", 255, "at exit\n"),
    ("exiting big", "", 0, "at exit\n"),
    ("exiting text", "", 1, "oh\n"),
    ("quitting", "", 4, ""),
    ("no_newline", "", 0, "out"),
    ("at_exit", "", 0, "finalized\nlast\nfirst\ndeleted\n"),
    ("threads", "", 0, "end\nlate\n"),
    ("forking", "", 0, "parent and child parent and child 5\n"),
    ("handlers", "", 0, "True\n1 0\n"),
    ("recursion", "", 0, "maximum recursion depth exceeded 1000\n"),
    *(
        (
            f"processes {method}",
            "",
            0,
            "[2, 4] 6\n5\n0 ['abc']\n[6, 8]\n1\n",
        )
        for method in ("fork", "spawn", "forkserver")
    ),
    ("asynchronous", "", 0, "hello\n 0\n"),
    ("c_library", "", 0, "True\nTrue\n"),
    ("time_zones", "", 0, "2:00:00 True\n-1 day, 20:00:00\nTrue\n"),
    ("tls", "", 0, "True CERT_REQUIRED\n"),
    ("terminal", "", 0, "256 b"),
    ("locales", "", 0, "C.UTF-8 C\n"),
]


# What prints errors in C finds the lines of a file alone, as it does for code in a zip file.
WITHOUT_LINES_IN_MEMORY = ("warning", "unraisable", "at_exit", "threads")


@pytest.mark.parametrize("name", ["memory", "files"])
@pytest.mark.parametrize(("args", "stdin", "status", "printed"), CASES)
def test_it_does_as_with_python(
    programs: dict[str, Program], name: str, args: str, stdin: str, status: int, printed: str
) -> None:
    expected = programs["python main"].run(*args.split(), stdin=stdin)
    own = programs[name].run(*args.split(), stdin=stdin)
    errors = without_frames(expected[1])
    if name == "memory" and args in WITHOUT_LINES_IN_MEMORY:
        errors = re.sub(r"(?m)^  (  |warnings).*\n", "", errors)
    assert own == (expected[0], errors, expected[2])
    assert own[2] == status
    assert printed in own[0] + own[1]


def without_frames(errors: str) -> str:
    """What a binary prints: no frames of runpy, and the standard library without its sources."""
    errors = re.sub(r'  File ".*\brunpy(\.py|>)", .*\n(    .*\n)?', "", errors)
    return re.sub(
        r'  File "/.*/lib/python3\.\d+/(\w.*\.py", .*\n)    .*\n', r'  File "ROOT/\1', errors
    )


def in_binaries(programs: dict[str, Program]) -> Iterator[Program]:
    yield from (programs["memory"], programs["files"])


def test_what_is_of_a_binary_alone(programs: dict[str, Program]) -> None:
    for program in in_binaries(programs):
        executable = program.argv[0]
        lib = str(Path(executable).with_name("lib")).replace(str(program.root), "ROOT")
        executable = executable.replace(str(program.root), "ROOT")
        env = {"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere", "PYTHONOPTIMIZE": "2"}
        expected = f"{executable} True\n/proc/self/root{executable}\n['{executable}', '{lib}']\n"
        assert program.run("imports", env=env) == (f"{expected}1 1 0\n", "", 0)
        expected = (
            f"{{'{lib}'}} [True]\n/proc/self/root{executable} cannot make virtual environments, which "
            "need an installed Python; to fix, make /nowhere/venv with one\n"
        )
        assert program.run("installed") == (expected, "", 0)


def test_files_are_where_they_seem_to_be(programs: dict[str, Program]) -> None:
    for program in in_binaries(programs):
        output, _, status = program.run("data")
        exists = program is programs["files"]
        assert (output, status) == (f"ROOT/app/main.py {exists}\ndata\n", 0)


def test_the_environment_is_left_alone(programs: dict[str, Program]) -> None:
    # The C locale is made an UTF-8 one, as Python does it.
    for program in in_binaries(programs):
        assert program.run("environment", env={"A": "1"}) == ("['A', 'LC_CTYPE']\n", "", 0)
        env = {"LC_ALL": "C.UTF-8"}
        assert program.run("environment", env=env) == ("['LC_ALL']\n", "", 0)


def test_the_standard_library_is_below_the_executable(programs: dict[str, Program]) -> None:
    for program in in_binaries(programs):
        _, errors, status = program.run("raising_in_the_standard_library")
        assert status == 1
        files = re.findall('File "(.*)", line', errors)
        assert files == ["ROOT/app/main.py"] * 2 + [
            "ROOT/json/__init__.py",
            "ROOT/json/decoder.py",
            "ROOT/json/decoder.py",
        ]


# --- How it ends


@pytest.mark.parametrize(
    ("case", "number", "status", "output"),
    [
        ("interrupted", signal.SIGINT, -signal.SIGINT, "cleaned up\n"),
        ("interrupted_and_caught", signal.SIGINT, 130, ""),
        ("interrupted", signal.SIGTERM, -signal.SIGTERM, ""),
    ],
)
def test_signals(
    programs: dict[str, Program], case: str, number: int, status: int, output: str
) -> None:
    results = []
    for program in (programs["python main"], *in_binaries(programs)):
        process = program.start(case)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        printed, errors, ended = program.end(process)
        # What was interrupted may be this or that.
        first, last = without_frames(errors).splitlines()[:2], errors.splitlines()[-1:]
        results.append((printed, first, last, ended))
    assert results == [(output, *results[0][1:3], status)] * 3
    assert (results[0][2] == ["KeyboardInterrupt"]) == (status == -signal.SIGINT)


def test_readers_that_leave(programs: dict[str, Program]) -> None:
    results = []
    for program in (programs["python main"], *in_binaries(programs)):
        process = program.start("much")
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        process.stdout = None
        _, errors, status = program.end(process)
        results.append((without_frames(errors), status))
    assert results == [(results[0][0], 1)] * 3
    assert "BrokenPipeError: [Errno 32] Broken pipe" in results[0][0]


def test_what_cannot_be_written(programs: dict[str, Program]) -> None:
    for program in (programs["python main"], *in_binaries(programs)):
        with open("/dev/full", "w") as full:
            _, errors, status = program.run("no_newline", stdout=full)
        assert "No space left on device" in errors
        assert status == 120


# --- Other processes


def test_what_leaks_is_cleaned_up(programs: dict[str, Program]) -> None:
    for program in in_binaries(programs):
        output, errors, status = program.run("leaking")
        assert "There appear to be 1 leaked shared_memory objects to clean up" in errors
        assert status == 0
        memory = Path("/dev/shm", output.strip())
        for _ in range(100):
            if not memory.exists():
                break
            time.sleep(0.1)
        assert not memory.exists()


def test_what_it_starts(programs: dict[str, Program]) -> None:
    for program in in_binaries(programs):
        own = f"['{program.argv[0]}', 'itself']".replace(str(program.root), "ROOT")
        expected = f"{own}\n3 ['-c']\n3 ['a']\n3 ['b']\n['-c', 'c'] 42\n"
        assert program.run("itself") == (expected, "", 0)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_program_that_does_not_guard_itself_does_not_multiply(
    programs: dict[str, Program], method: str
) -> None:
    """Python's own check stops the second one."""
    for name in ("python unguarded", "unguarded"):
        output, errors, status = programs[name].run(method)
        assert "before the current process has finished its bootstrapping phase" in " ".join(
            errors.split()
        )
        assert (output, status) == ("started\nstarted\n1\n", 0)


def test_a_sealed_binary_runs_nothing_else(programs: dict[str, Program]) -> None:
    program = programs["sealed"]
    output = program.run("processes", "spawn")[0]
    assert output == "[2, 4] 6\n5\n0 ['abc']\n[6, 8]\n1\n"
    for value in ("1", program.argv[0]):
        assert program.run("argv", "-c", env={VARIABLE: value}) == ("3 ['-c']\n", "", 0)
    message = "sealed: only the program itself can start such a process\n"
    assert program.run(*SPAWNED, stdin=PICKLE) == ("", message, 1)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that other users may enter."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def copy_of(program: Program, folder: Path) -> Path:
    executable = Path(program.argv[0])
    return Path(shutil.copytree(executable.parent, folder / "install"), executable.name)


def as_user(argv: list[str], user: int = 12345, **options: Any) -> str:
    """What is printed when another user runs this."""
    return subprocess.run(
        argv,
        preexec_fn=lambda: (os.setgroups([]), os.setgid(user), os.setuid(user)),  # type: ignore
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        **options,
    ).stdout


RIGHTS = {"set-user-ID": ["chmod", "4755"], "capabilities": ["setcap", "cap_net_raw=ep"]}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give rights to a file")
@pytest.mark.parametrize("kind", RIGHTS)
def test_a_binary_with_rights_of_its_own_runs_nothing_else(
    programs: dict[str, Program], public: Path, kind: str
) -> None:
    executable = copy_of(programs["memory"], public)
    if shutil.which(RIGHTS[kind][0]) is None:
        pytest.skip(f"there is no {RIGHTS[kind][0]}")
    python = f"/proc/self/root{executable}"
    # Started by one who may do no less than it, it takes a pickle from all.
    assert "hacked\n" in as_user([str(executable), *SPAWNED], input=PICKLE)
    subprocess.run([*RIGHTS[kind], str(executable)], check=True)
    message = "memory: such a process cannot run with the rights of another user\n"
    for argv in ([str(executable), *SPAWNED], [python, *SPAWNED], [python, "-c", "print(1)"]):
        assert as_user(argv, input=PICKLE) == message
    env = {VARIABLE: "1", "PYTHONINSPECT": "1", "PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"}
    assert as_user([str(executable), "argv", "-c"], env=env) == "3 ['-c']\n"
    assert as_user([str(executable), "environment"], env={**env, "LC_ALL": "C"}) == (
        f"['LC_ALL', '{VARIABLE}']\n"
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can change the user")
def test_a_sealed_binary_trusts_no_parent_that_it_cannot_see(
    programs: dict[str, Program], public: Path
) -> None:
    executable = copy_of(programs["sealed"], public)
    output = as_user([f"/proc/self/root{executable}", "-c", "print(1)"])
    assert re.fullmatch(
        "sealed: only the program itself can start such a process, and /proc/[0-9]+/exe, which tells "
        "who did, cannot be read\n",
        output,
    )


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("sudo") is None or shutil.which("unshare") is None,
    reason="needs root, sudo and unshare",
)
def test_who_may_start_it_by_sudo_gets_the_program(
    programs: dict[str, Program], public: Path
) -> None:
    for name in ("memory", "sealed"):
        executable = copy_of(programs[name], public / name)
        rules = public / "sudoers"
        rules.write_text(f"nobody ALL=(root) NOPASSWD: {executable}\n")
        rules.chmod(0o440)
        # Nobody else sees these rules.
        namespace = ["unshare", "--mount", "sh", "-c"]
        mount = f"mount --bind {rules} /etc/sudoers && exec setpriv --reuid=nobody --clear-groups"
        for path in (str(executable), f"/proc/self/root{executable}"):
            sudo = f"{mount} sudo -n {path} argv -c"
            result = subprocess.run([*namespace, sudo], capture_output=True, text=True, cwd="/")
            assert (result.stdout, result.stderr) == ("3 ['-c']\n", "")


# --- The interpreter in it


@pytest.mark.parametrize(
    ("args", "stdin", "printed"),
    [
        (("-c", "import app.main, sys; print(sys.argv, app.main.double(21))", "a"), "", "42\n"),
        (("-m", "app.main", "argv", "a"), "", "3 ['a']\n"),
        (("-Im", "json.tool"), "[1]", "[\n    1\n]\n"),
        (("-", "a"), "import sys; print(__name__, sys.argv)", "__main__ ['-', 'a']\n"),
        ((), "print(1)\n1 / 0\n", "1\n"),
        (("/nowhere.py",), "", ""),
        (("-m", "nowhere"), "", ""),
        (("-X", "dev", "-c", "import sys; print(sys.flags.dev_mode)"), "", "True\n"),
        (("-y",), "", ""),
    ],
)
def test_the_interpreter(
    programs: dict[str, Program], args: tuple[str, ...], stdin: str, printed: str
) -> None:
    _, *options, _, _ = (python := programs["python main"]).argv
    expected = Program((python.argv[0], *options), python.root, python.env).run(*args, stdin=stdin)
    for program in in_binaries(programs):
        output, errors, status = program.run(*args, stdin=stdin, env={VARIABLE: "1"})
        name = program.argv[0].replace(str(program.root), "ROOT")
        errors = errors.replace("/proc/self/root", "").replace(name, python.argv[0])
        assert (output, without_frames(errors), status) == (
            expected[0],
            without_frames(expected[1]),
            expected[2],
        )
        assert printed in output


def test_the_interpreter_runs_files(programs: dict[str, Program], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, app.main, beside\n"
        "def triple(number):\n    return 3 * number\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(triple, [1]), __file__, app.main.__name__, beside.__name__)\n"
    )
    (tmp_path / "beside.py").write_text("")
    for program in in_binaries(programs):
        expected = f"[3] {script} app.main beside\n"
        assert program.run(str(script), env={VARIABLE: "1"}) == (expected, "", 0)


# --- CPython's own tests


def test_tests_of_cpython_differ_where_expected(
    programs: dict[str, Program],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A few of those that `tests/python_suite` runs; here, above all, that it does."""
    executable = Path(programs["memory"].argv[0])
    install = tmp_path / "install"
    # It adds to `lib`.
    shutil.copytree(executable.parent, install)
    options = [str(install / executable.name), "--plain", programs["python main"].argv[0]]
    options += ["--work", str(tmp_path / "work")]
    files = ["cmd_line", "linecache", "pkgutil", "posix", "runpy", "sysconfig", "zipimport"]
    status = command.main([*options, *(f"test_{name}" for name in files)])
    output = capsys.readouterr().out
    assert status == 0, output
    assert "7 files: 0 differences without a reason, " in output

    (tmp_path / "expected.txt").write_text("")
    monkeypatch.setattr(command, "EXPECTED", tmp_path / "expected.txt")
    assert command.main([*options, "--resume", "all", "test_linecache"]) == 1
    expected = "test_linecache: LineCacheTests.test_getline: fails; under plain Python: passes\n"
    assert expected in capsys.readouterr().out
