# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs PyOxidizer in the sandbox, and finds the executable among its output.

usage: pyoxidizer.run_pyoxidizer --name NAME --result FILE [--strip-libraries] [--compile-files]
           [--wheels FOLDER]... -- ARGUMENT...

ARGUMENT... goes to PyOxidizer. Its output goes to `pyoxidizer.log`, and the last lines are shown if
it fails, because a cargo build prints thousands of lines. FILE is JSON: `{"executable": PATH}`,
relative to PyOxidizer's `build` folder. `--strip-libraries` strips debug information and local
symbols from the shared libraries below `lib` folders, if there is a `strip`. `--compile-files`
compiles modules there that have no bytecode. `--wheels` names a folder with wheels for pip.

Environment: PANTS_PYOXIDIZER_PATH becomes PATH, PANTS_PYOXIDIZER_RUST is the folder of the Rust
toolchain (if unset, PyOxidizer downloads one), and PANTS_PYOXIDIZER_BUILT names the file to which
the cargo driver adds the hashes of executables.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterable, Mapping, Sequence

from ...diagnostics import known_failures
from ...diagnostics.redaction import without_credentials
from ..cargo.project import file_digest
from ..cargo.reproducible import normalize_metadata, normalize_packed_resources
from ..formats import packed_resources
from .extraction import ExtractionLock, is_extracted, writable

BUILD_DIR = Path("build")
LOG = Path("pyoxidizer.log")
LINES = Path("pyoxidizer.lines.json")  # Written by `util_rules/rendered_config.py`.
SHOWN_LINES = 60
# The magic of executables: ELF, and 64-bit Mach-O in both byte orders.
MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--name", required=True)
    parser.add_argument("--result", required=True)
    parser.add_argument("--strip-libraries", action="store_true")
    parser.add_argument("--compile-files", action="store_true")
    parser.add_argument("--wheels", action="append", default=[])
    parser.add_argument("arguments", nargs="+")
    options = parser.parse_args()

    foreign = foreign_configuration(Path.cwd())
    if foreign is not None:
        print(refusal(foreign), file=sys.stderr)
        return 1
    env = environment(os.environ, options.wheels)
    os.mkdir(env["TMPDIR"])
    cache = Path(env["PYOXIDIZER_CACHE_DIR"])
    env["PYOXIDIZER_CACHE_DIR"] = str(writable(cache) or Path(env["TMPDIR"], "cache"))
    # Until the end, because the extracted Python compiles files.
    with ExtractionLock(Path(env["PYOXIDIZER_CACHE_DIR"])) as extraction:
        return build(options, env, extraction)


def build(options: argparse.Namespace, env: Mapping[str, str], extraction: ExtractionLock) -> int:
    status = run(options.arguments, env, extraction)
    if status != 0:
        print(failure(LOG.read_text(errors="replace"), status, *template_lines()), file=sys.stderr)
        return 1
    built = find_executables(BUILD_DIR, noted_hashes(), options.name)
    if len(built) != 1:
        print(ambiguous(built, options.name), file=sys.stderr)
        return 1
    normalize_files(BUILD_DIR)
    if options.strip_libraries:
        strip_libraries(BUILD_DIR, env["PATH"])
    if options.compile_files:
        compile_files(BUILD_DIR, env)
    Path(options.result).write_text(json.dumps({"executable": built[0]}))
    return 0


def environment(own: Mapping[str, str], wheel_dirs: Iterable[str] = ()) -> dict[str, str]:
    """PyOxidizer's environment, derived from `own`, the environment of this program.

    pip looks for wheels in `wheel_dirs`.
    """
    env = dict(own)
    env["PATH"] = env["PANTS_PYOXIDIZER_PATH"]
    env["PANTS_PYOXIDIZER_PYTHON"] = sys.executable
    if "PANTS_PYOXIDIZER_RUST" in env:
        # The real path, because the path of the sandbox differs each time.
        programs = os.path.join(os.path.realpath(env["PANTS_PYOXIDIZER_RUST"]), "bin")
        env["RUSTC"] = os.path.join(programs, "rustc")
        env["PANTS_PYOXIDIZER_CARGO"] = os.path.join(programs, "cargo")
    # PyOxidizer's temporary folders hold half a gigabyte, which must go with the sandbox.
    env["TMPDIR"] = os.path.abspath("__tmp")
    # As URLs: pip splits the variable at spaces, and the path of a sandbox may contain some.
    env["PIP_FIND_LINKS"] = " ".join(Path(folder).absolute().as_uri() for folder in wheel_dirs)
    # Without it, the bytecode of a set of strings varies.
    env["PYTHONHASHSEED"] = "0"
    return env


def foreign_configuration(folder: Path) -> Path | None:
    """A configuration that cargo would read in `folder` or above it, if there is one."""
    paths = (
        parent / ".cargo" / name
        for parent in (folder, *folder.parents)
        for name in ("config.toml", "config")
    )
    return next((path for path in paths if os.path.isfile(path)), None)


def refusal(configuration: Path) -> str:
    """The error message for such a configuration."""
    return (
        f"cargo would read {configuration}, which is not an input of the build but may change its"
        " result. To fix, move that file, or set `[GLOBAL].local_execution_root_dir` to a folder"
        f" that is not below {configuration.parent.parent}. To configure registries of crates, use"
        " `[pyoxidizer].crates_config`."
    )


def pyoxidizer_executable() -> str:
    return os.path.join(os.path.dirname(sys.executable), "pyoxidizer")


def run(arguments: Sequence[str], env: Mapping[str, str], extraction: ExtractionLock) -> int:
    """Run PyOxidizer, with its output in the log, and return its exit status."""
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            [pyoxidizer_executable(), *arguments], env=env, stdout=log, stderr=log
        )
        # When Pants cancels this process, PyOxidizer and cargo must end as well.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: process.send_signal(received))
        while not extraction.is_shared and not is_extracted(extraction.cache):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
                break
        else:
            extraction.share()
        status = process.wait()
        if status == 0:
            extraction.share()
        return status


def template_lines() -> tuple[str, Sequence[int]]:
    """The path of the user's template, and its line number for each line of the configuration."""
    if not LINES.exists():
        return "", ()
    found = json.loads(LINES.read_text())
    return found["template"], found["lines"]


def failure(log: str, status: int, template: str = "", template_lines: Sequence[int] = ()) -> str:
    """The error message for a run that ended with `status` and the output `log`."""
    lines = log.rstrip().splitlines()
    shown = lines[-SHOWN_LINES:]
    left_out = len(lines) - len(shown)
    heading = f"PyOxidizer failed with exit status {status}."
    if left_out:
        heading += (
            f" These are the last {len(shown)} of {len(lines)} lines. To see all, use"
            f" `--keep-sandboxes=on_failure` and read {LOG}."
        )
    explanation = known_failures.explain(log, template, template_lines)
    said = [*([explanation, ""] if explanation else []), heading, *shown]
    return without_credentials("\n".join(said))


def noted_hashes() -> set[str] | None:
    """The SHA-256 of each executable that the cargo driver built; None without the driver."""
    noted = os.environ.get("PANTS_PYOXIDIZER_BUILT")
    if noted is None:
        return None
    path = Path(noted)
    return set(path.read_text().split()) if path.exists() else set()


def find_executables(build_dir: Path, hashes: set[str] | None, name: str) -> list[str]:
    """The paths of executables, relative to `build_dir`: found by content, or else by `name`.

    If a template installs several, only those called `name` count.
    """
    found = []
    for folder, _, files in os.walk(build_dir):
        for file in files:
            path = Path(folder, file)
            if path.is_symlink() or not os.access(path, os.X_OK):
                continue
            if file == name if hashes is None else is_noted(path, hashes):
                found.append(path.relative_to(build_dir).as_posix())
    named = [path for path in found if path.rsplit("/", 1)[-1] == name]
    return sorted(named if len(found) > 1 else found)


def is_noted(path: Path, hashes: set[str]) -> bool:
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            return False
    return file_digest(path) in hashes


def normalize_files(build_dir: Path) -> None:
    """Normalize the files of a template as the cargo driver normalizes embedded resources."""
    for folder, _, files in os.walk(build_dir):
        for path in filter(Path.is_file, (Path(folder, file) for file in files)):
            with path.open("rb") as file:
                start = file.read(len(packed_resources.MAGIC))
            if start == packed_resources.MAGIC:
                normalize_packed_resources(path)
            elif folder.endswith(".dist-info") and path.name in ("RECORD", "direct_url.json"):
                content = path.read_bytes()
                path.write_bytes(normalize_metadata(os.fsencode(path.name), content))


def strip_libraries(build_dir: Path, path: str) -> None:
    """Strip the shared libraries below `lib` folders, if there is a `strip` on `path`.

    Files that `strip` cannot read stay as they are.
    """
    strip = shutil.which("strip", path=path)
    libraries = sorted(file for file in build_dir.glob("**/lib/**/*.so") if not file.is_symlink())
    if strip is not None and libraries:
        argv = [strip, "--strip-unneeded", *map(str, libraries)]
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def compile_files(build_dir: Path, env: Mapping[str, str]) -> None:
    """Compile the modules below `lib` folders with the packed Python."""
    distributions = Path(env["PYOXIDIZER_CACHE_DIR"], "python_distributions")
    python = next(distributions.glob("python.*/python/install/bin/python3"))
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compile_files.py")
    folders = sorted(map(str, build_dir.glob("*/*/*/lib")))
    subprocess.run([python, "-B", program, *folders], env=env, check=True)


def ambiguous(built: Sequence[str], name: str) -> str:
    if not built:
        return (
            "PyOxidizer built no executable. To fix, make the template's default target install"
            ' one, usually by a FileManifest with `files.add_python_resource(".", exe)`.'
        )
    return (
        f"PyOxidizer built several executables, and not exactly one is called {name}:"
        f" {', '.join(built)}. To fix, give exactly one the name `$NAME` in the template."
    )


if __name__ == "__main__":
    sys.exit(main())
