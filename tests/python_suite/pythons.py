# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The two sides: a Python of this machine, and an executable that it went into."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Collection, Sequence

from processes import supervisor
from python_suite import runner

# Packages of tests whose modules are run one by one, as regrtest does: each is long.
SPLIT = re.compile(
    r"test_(asyncio|concurrent_futures|inspect|multiprocessing_\w+|pydoc|pyrepl|importlib)"
)

# As `pack_cpython.py` leaves them out.
TEST_EXTENSION = re.compile(r"_test\w+|_ctypes_test|_xxtestfuzz|xxlimited\w*")

# Of a file or a test. Others say why it ended early.
OUTCOMES = ("passes", "fails", "is skipped")

# So often a file is started again after a test that ends it early.
MOST_STARTS = 12
MOST_TIMES = 2  # As long as one start may take.

# All of them, and what they start: no test asks for more, and few get near it.
MOST_PROCESSES = 100


@dataclass(frozen=True)
class Side:
    """`command` starts a Python whose `sys.path` has CPython's tests."""

    command: tuple[str, ...]
    folder: Path  # For results.


@dataclass(frozen=True)
class Result:
    """What became of a file, and of its tests by name."""

    outcome: str
    tests: dict[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether all tests were tried, so that what is not in `tests` is not there."""
        return self.outcome in OUTCOMES


def version_of(command: Sequence[str]) -> str:
    """As in "3.11.7"."""
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    run = subprocess.run([*command, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout.strip()


def plain_python(version: str) -> Path:
    """That of pyenv, where the plugin looks as well."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return pyenv / f"versions/{version}/bin/python{version.rpartition('.')[0]}"


@dataclass(frozen=True)
class CPythonTests:
    """Where a Python has its tests: the package, and the extension modules that only tests need."""

    package: Path
    extensions: tuple[Path, ...]

    @classmethod
    def of(cls, python: Path) -> CPythonTests:
        code = "import sysconfig, test; print(test.__path__[0], sysconfig.get_path('platstdlib'))"
        command = [str(python), "-I", "-c", code]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        package, library = run.stdout.split()
        extensions = [
            path
            for path in sorted(Path(library, "lib-dynload").glob("*.so"))
            if TEST_EXTENSION.fullmatch(path.name.partition(".")[0])
        ]
        return cls(Path(package), tuple(extensions))

    @property
    def names(self) -> list[str]:
        """Of files, as regrtest takes them."""
        names = []
        for path in self.package.glob("test_*"):
            if path.is_dir() and SPLIT.fullmatch(path.name):
                names += [f"test.{path.name}.{module.stem}" for module in path.glob("test_*.py")]
            elif path.suffix == ".py" or (path / "__init__.py").is_file():
                names.append(path.stem)
        return sorted(names)

    def offer(self, executable: Path, folder: Path) -> None:
        """Put them on the `sys.path` of an executable and of all that it starts.

        It has `lib` there, and honours the `.pth` files in it, but no PYTHONPATH. Nothing else is
        offered: what there is beside them is to come from the executable.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in (self.package, *self.extensions):
            (folder / path.name).symlink_to(path)
        lib = executable.parent / "lib"
        lib.mkdir(exist_ok=True)
        (lib / "python_suite.pth").write_text(f"{folder}\n")


def run_file(side: Side, name: str, seconds: float) -> Result:
    """What became of each test, those included that come after one at which Python ends or hangs."""
    side.folder.mkdir(parents=True, exist_ok=True)
    output = side.folder / f"{name}.log"
    output.write_text("")
    tests: dict[str, str] = {}
    end = time.monotonic() + MOST_TIMES * seconds
    for _ in range(MOST_STARTS):
        # Short, as the paths of sockets have to be.
        scratch = Path(tempfile.mkdtemp(prefix="suite-"))
        (scratch / "home").mkdir()
        outcome, new = start_file(side, name, seconds, scratch, output, tests)
        shutil.rmtree(scratch, ignore_errors=True)
        tests.update(new)
        interrupted = [test for test, outcome in new.items() if outcome == "starts"]
        for test in interrupted:
            tests[test] = outcome
        if outcome in OUTCOMES or not interrupted or time.monotonic() > end:
            break
    result = Result(outcome, {shortened(test, name): outcome for test, outcome in tests.items()})
    (side.folder / f"{name}.json").write_text(json.dumps(asdict(result)))
    return result


def start_file(
    side: Side, name: str, seconds: float, scratch: Path, output: Path, known: Collection[str]
) -> tuple[str, dict[str, str]]:
    """What became of the file, and of its tests but those that are known."""
    results = scratch / "results"
    results.write_text("")
    ignored = scratch / "ignored"
    ignored.write_text("".join(f"{test}\n" for test in known))
    options = ["--ignorefile", str(ignored)] if known else []
    with output.open("ab") as log:
        start = log.tell()
        status = subprocess.run(
            [sys.executable, supervisor.__file__, str(seconds), str(MOST_PROCESSES)]
            + [*side.command, runner.__file__, str(results), name, *options],
            cwd=scratch,
            env={
                "HOME": str(scratch / "home"),
                "LANG": "C.UTF-8",
                "PATH": os.environ["PATH"],
                "TERM": "dumb",
                "TMPDIR": str(scratch),
            },
            stdout=log,
            stderr=log,
        ).returncode
    text = output.read_bytes()[start:].decode(errors="replace")
    tests = parse(results.read_text("utf-8"))
    return outcome_of_file(name, status, text, "starts" in tests.values()), tests


def earlier_result(side: Side, name: str) -> Result | None:
    path = side.folder / f"{name}.json"
    return Result(**json.loads(path.read_text())) if path.is_file() else None


def parse(results: str) -> dict[str, str]:
    """What the runner wrote, by test."""
    tests: dict[str, str] = {}
    for line in results.splitlines():
        outcome, _, test = line.partition("\t")
        known = tests.get(test)
        if outcome == "ends":
            # What has no other outcome has subtests that are all skipped.
            tests[test] = "is skipped" if known == "starts" else known or "passes"
        elif known != "fails":  # One of its subtests, or its tear-down, did.
            tests[test] = outcome
    return tests


def outcome_of_file(name: str, status: int, output: str, is_interrupted: bool) -> str:
    """From the exit status of the supervisor, and what regrtest printed."""
    if status == supervisor.KILLED_STATUS:
        return output.rstrip().rpartition("\n")[2]
    if status > 128:
        return f"is ended by signal {status - 128}"
    if is_interrupted:
        return f"ends Python with status {status}"
    if re.search(rf"(?m)^{re.escape(name)} skipped", output):
        return "is skipped"
    has_none = re.search("(?m)^(NO TESTS RAN|Result: NO TESTS RAN)|no tests ran", output)
    return "passes" if not status or has_none else "fails"


def shortened(test: str, name: str) -> str:
    """Without the module, and what differs from run to run."""
    test = re.sub(r"0x[0-9a-f]+", "0x...", test)
    module = name if name.startswith("test.") else f"test.{name}"
    return test.replace(f"{module}.", "", 1)
