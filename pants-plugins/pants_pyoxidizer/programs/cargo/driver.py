# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Replaces `cargo` for PyOxidizer, and compiles crates once instead of in each build.

PyOxidizer creates a new Rust project in a new temporary folder for each build. The crates are the
same, but cargo takes them for new ones: the target folder is empty, and the PyO3 configuration has
another path. This driver caches compiled crates in a folder that processes share (see `cache`).
Each build works in the target folder that PyOxidizer passed, which no other build uses.

Environment:
    PANTS_PYOXIDIZER_CARGO      the real cargo (not a rustup proxy)
    PANTS_PYOXIDIZER_CRATES     the cache folder; if unset, nothing is cached
    PANTS_PYOXIDIZER_TOOLCHAIN  text that identifies rustc, cargo and the C toolchain
    PANTS_PYOXIDIZER_BUILT      a file to append the executable's SHA-256 to, if set
    PANTS_PYOXIDIZER_REGISTRY   a local registry with all crates, so that cargo needs no network
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Dict, Iterator, List, Mapping, Optional, Sequence

from .cache import (
    CargoHome,
    Entry,
    registry_folder,
    replace_crates_io,
    require_space,
    say,
)
from .locked_folders import prune
from .project import (
    BuildCall,
    LinkInputs,
    Project,
    Unusable,
    crates_key,
    file_digest,
)
from .reproducible import normalize_artifacts, rustc_env

# Relative to PyOxidizer's temporary project, in which `build` and `metadata` run.
TRIPLE_NOTE = Path(".cargo-driver-triple")
PRIVATE_HOME = Path(".cargo-driver-home")

DEFAULT_ENV = {
    "CARGO_PROFILE_DEV_DEBUG": "0",  # Saves 40 MB per executable.
    "CARGO_PROFILE_RELEASE_STRIP": "symbols",  # Saves 5 MB; dynamic symbols remain.
    "CARGO_INCREMENTAL": "0",  # Each project is built once.
}


class RetryWithoutCache(Exception):
    """Cargo failed, perhaps because of cached crates, those in `suspects`."""

    def __init__(self, problem: str, suspects: Sequence[Entry]) -> None:
        super().__init__(problem)
        self.suspects = suspects


class Interrupted(BaseException):
    def __init__(self, number: int) -> None:
        self.number = number


def main(argv: Sequence[str], env: Mapping[str, str]) -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, INTERRUPTS.receive)
    try:
        call = BuildCall.parse(argv)
        if call is not None and "PYO3_CONFIG_FILE" in env:
            return build(call, {**DEFAULT_ENV, **env})
        if argv[:1] == ["metadata"]:
            return metadata(argv, env)
        return run_cargo(with_edition(argv), with_some_home(env))
    except Interrupted as interrupted:
        # The parent must see that a signal ended this process.
        signal.signal(interrupted.number, signal.SIG_DFL)
        os.kill(os.getpid(), interrupted.number)
        return 128 + interrupted.number
    except OSError as error:
        print(f"error: cannot run cargo: {error}", file=sys.stderr)
        return 127


# --- The calls that use the cache ---


def build(call: BuildCall, env: Mapping[str, str]) -> int:
    TRIPLE_NOTE.write_text(call.triple)
    normalize_artifacts(env)
    is_new = not call.target_dir.exists()
    suspects: Sequence[Entry] = ()
    try:
        if not is_new:
            raise Unusable(f"{call.target_dir} already exists")
        status = build_with_cache(call, env)
    except (RetryWithoutCache, Unusable, OSError) as problem:
        if isinstance(problem, RetryWithoutCache):
            suspects = problem.suspects
            say(f"{problem}; compiling again from scratch")
        else:
            say(f"cache unusable ({problem}), compiling without it")
        if is_new:
            shutil.rmtree(call.target_dir, ignore_errors=True)
        status = run_cargo(call.argv(), {**with_private_home(env), **rustc_env(env)})
    if status == 0:
        for suspect in suspects:
            suspect.discard()
        if env.get("PANTS_PYOXIDIZER_BUILT"):
            with open(env["PANTS_PYOXIDIZER_BUILT"], "a") as file:
                file.write(f"{file_digest(call.executable)}\n")
    return status


def build_with_cache(call: BuildCall, env: Mapping[str, str]) -> int:
    cache = cache_folder(env)
    project = Project.read(call.binary)
    home = CargoHome.of(cache, project, env)
    link = LinkInputs.read(env["PYO3_CONFIG_FILE"])
    entry = Entry(cache / "entries" / crates_key(call, env, project, link, home.path))
    with entry.lock, home.lock:
        reused = entry.take(call.target_dir)
        seed: Optional[Entry] = entry
        if not reused:
            for folder in ("entries", "homes"):
                with contextlib.suppress(OSError):  # Another process may prune as well.
                    prune(cache / folder, time.time())
            entry.start(link)
            seed = entry.take_from_similar(call.target_dir)
        kept = home.enter() or seed is not None
        cargo_env = {**home_env(home.path, env), **rustc_env(env)}
        cargo_env["PYO3_CONFIG_FILE"] = str(entry.config)
        watch = Watch(f"could not compile `{call.binary}`".encode())
        status = run_cargo(call.argv(), cargo_env, watch)
        if status == 0:
            say(keep(entry, reused, call.target_dir, project))
        elif status < 128 and not watch.seen:  # No signal, and not an error in the project itself.
            require_space(cache)
            if kept:
                home.repair()
                suspects = [seed] if seed else []
                raise RetryWithoutCache(f"cargo failed with cached crates ({entry.name})", suspects)
            if not (entry.lock.is_current() and home.lock.is_current()):
                raise RetryWithoutCache("the cache was deleted during the build", ())
        return status


def keep(entry: Entry, reused: bool, target_dir: Path, project: Project) -> str:
    """Cache what cargo compiled. Returns a message for the user."""
    if reused and not entry.differs(target_dir):
        return f"reused {entry.name}"
    # Cargo recompiled crates for a reason that the key does not cover.
    if reused and not entry.lock.take(exclusive=True, wait=False):
        return f"partly reused {entry.name}"
    try:
        entry.publish(target_dir, project)
    except OSError as error:
        return f"compiled, not cached ({error.strerror or error})"
    return f"compiled, cached as {entry.name}"


def metadata(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """`cargo metadata`, with which PyOxidizer reads the licenses of crates after the build."""
    # The registry has no crates for other platforms.
    argv = [*argv, "--filter-platform", TRIPLE_NOTE.read_text()]
    try:
        if PRIVATE_HOME.exists():
            raise Unusable("the build could not use the cache")
        home = CargoHome.of(cache_folder(env), Project.read(""), env)
        with home.lock:
            kept = home.enter()
            status = run_cargo(argv, home_env(home.path, env))
            if kept and 0 < status < 128:
                home.repair()
                home.enter()
                status = run_cargo(argv, home_env(home.path, env))
            return status
    except (Unusable, OSError):
        return run_cargo(argv, with_private_home(env))


def cache_folder(env: Mapping[str, str]) -> Path:
    if not env.get("PANTS_PYOXIDIZER_CRATES"):
        raise Unusable("PANTS_PYOXIDIZER_CRATES is not set")
    # In a sandbox, the variable names a symlink whose path differs each time.
    return Path(os.path.realpath(env["PANTS_PYOXIDIZER_CRATES"]))


def with_private_home(env: Mapping[str, str]) -> Dict[str, str]:
    """`env` with a CARGO_HOME that only this build uses."""
    if not PRIVATE_HOME.exists():
        PRIVATE_HOME.mkdir()
        replace_crates_io(PRIVATE_HOME, registry_folder(env))
    return home_env(Path(os.path.realpath(PRIVATE_HOME)), env)


def home_env(home: Path, env: Mapping[str, str]) -> Dict[str, str]:
    return {**env, "CARGO_HOME": str(home), "CARGO_NET_OFFLINE": "true"}


# --- Other calls ---


def with_edition(argv: Sequence[str]) -> List[str]:
    """Adds `--edition 2021`: cargo 1.85+ defaults to 2024, which PyOxidizer cannot parse."""
    if argv[:1] != ["init"] or "--edition" in argv:
        return list(argv)
    return ["init", "--edition", "2021", "--vcs", "none", *argv[1:]]


def with_some_home(env: Mapping[str, str]) -> Dict[str, str]:
    """`env` with a CARGO_HOME, which need not exist. Without one, cargo requires HOME."""
    if env.get("CARGO_HOME") or not env.get("PANTS_PYOXIDIZER_CRATES"):
        return dict(env)
    return {**env, "CARGO_HOME": str(cache_folder(env) / "homes" / "none")}


# --- Processes ---


class Interrupts:
    """Turns signals into exceptions, except while a process starts, which would be orphaned."""

    def __init__(self) -> None:
        self._received = 0
        self._is_held = False

    def receive(self, number: int, _: object) -> None:
        if self._received:
            return
        self._received = number
        if not self._is_held:
            raise Interrupted(number)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._received:
            raise Interrupted(self._received)


INTERRUPTS = Interrupts()


class Watch:
    """Forwards cargo's output, and looks for a text in it."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.seen = False

    def pass_on(self, lines: IO[bytes]) -> None:
        for line in lines:
            self.seen = self.seen or self._text in line
            sys.stderr.buffer.write(line)
            sys.stderr.flush()


def run_cargo(argv: Sequence[str], env: Mapping[str, str], watch: Optional[Watch] = None) -> int:
    """Run the real cargo with our standard streams, and return its exit status.

    Cargo and its children form a process group, which we end when a signal ends us.
    """
    process: Optional[subprocess.Popen[bytes]] = None
    try:
        with INTERRUPTS.held():
            command = [env["PANTS_PYOXIDIZER_CARGO"], *argv]
            stderr = subprocess.PIPE if watch else None
            process = subprocess.Popen(
                command, env=dict(env), start_new_session=True, stderr=stderr
            )
        if watch and process.stderr:
            watch.pass_on(process.stderr)
        status = process.wait()
        return status if status >= 0 else 128 - status
    except Interrupted:
        if process is not None:
            end_group(process)
        raise


def end_group(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
