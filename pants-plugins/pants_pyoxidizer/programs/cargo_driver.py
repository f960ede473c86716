# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Stands in for `cargo` when PyOxidizer calls it, so that crates are compiled once, not each time.

PyOxidizer makes a new Rust project in a new temporary folder for each build. Its crates do not
change, but seem new to cargo: the target folder is empty, and the PyO3 configuration has another
path. This driver keeps the compiled crates, in a cache folder that many processes share:

    entries/KEY/lock            flock: shared to read the entry, exclusive to write it
    entries/KEY/artifacts/      the PyO3 configuration and libpython, at a path that stays
    entries/KEY/crates/         the target folder, without what is of the project itself
    entries/KEY/manifest.json   sizes, checksums and times of both; written last
    homes/HASH/                 CARGO_HOME: the downloads for one Cargo.lock, and a lock

Each build works in the target folder that PyOxidizer asked for, which nobody else uses. It is
filled from the entry after each file was checked. So executables never meet, and a damaged, full,
read-only or vanished cache costs time only. Who finds no entry compiles one with the lock held, for
which others wait; the kernel releases the lock of a process that dies.

Environment:
    PANTS_PYOXIDIZER_CARGO      the real cargo (not a rustup proxy)
    PANTS_PYOXIDIZER_CRATES     the cache folder; without it, nothing is kept
    PANTS_PYOXIDIZER_TOOLCHAIN  text that identifies rustc, cargo and the C toolchain
    PANTS_PYOXIDIZER_BUILT      a file to which the executable's SHA-256 is added, if set
    CARGO_HOME                  if set, it is used as it is, instead of one in the cache folder
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

FORMAT = 1  # Of the cache; a part of each key.
CHUNK = 1 << 20
FIXED_TIME = 1_000_000_000  # Of artifacts: made again, they must not look newer to cargo.
LIBRARIES = "@LIBRARIES@"  # Stands for the folder of libraries in a PyO3 configuration.

MAX_AGE = 30 * 24 * 3600.0
MAX_BYTES = 10 << 30
KEPT_ANYHOW = 3  # The last used, be they old or large.

DEFAULT_ENV = {
    "CARGO_PROFILE_DEV_DEBUG": "0",  # Saves 40 MB an executable.
    "CARGO_INCREMENTAL": "0",  # Of no use to a project that is new each time.
}
# Variables that change what cargo, rustc, and the C compilers that crates run, write.
OUTPUT_VARIABLE = re.compile(
    r"""(HOST_|TARGET_)?(CC|CXX|AR|LD|RANLIB|CPPFLAGS|CFLAGS|CXXFLAGS|ARFLAGS|LDFLAGS)(_.+)?
    | (CARGO_(PROFILE|BUILD|TARGET)_|CARGO_ENCODED_RUSTFLAGS|CARGO_INCREMENTAL|RUSTFLAGS).*
    | (RUSTC_|PYO3_(?!CONFIG_FILE)|PKG_CONFIG|JEMALLOC_).*
    | CPATH | C_INCLUDE_PATH | LIBRARY_PATH | SDKROOT | SOURCE_DATE_EPOCH | .+_DEPLOYMENT_TARGET""",
    re.VERBOSE,
)


class Unusable(Exception):
    """Why crates can be neither taken from the cache nor kept there."""


class Again(Exception):
    """Cargo failed, and this may be why. The next try does without."""


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
        # So that whoever waits for this process sees what ended it.
        signal.signal(interrupted.number, signal.SIG_DFL)
        os.kill(os.getpid(), interrupted.number)
        return 128 + interrupted.number
    except OSError as error:
        print(f"error: cannot run cargo: {error}", file=sys.stderr)
        return 127


def say(message: str) -> None:
    print(f"crates: {message}", file=sys.stderr, flush=True)


# --- The calls that use the cache ---


def build(call: "BuildCall", env: Mapping[str, str]) -> int:
    TRIPLE_NOTE.write_text(call.triple)
    is_new = not call.target_dir.exists()
    try:
        if not is_new:
            raise Unusable(f"{call.target_dir} is there already")
        try:
            status = build_with_cache(call, env, fresh=False)
        except Again as again:
            say(f"{again}; compiling once more, from scratch")
            shutil.rmtree(call.target_dir, ignore_errors=True)
            status = build_with_cache(call, env, fresh=True)
    except (Unusable, OSError) as problem:
        say(f"cache unusable ({problem}), compiling without it")
        if is_new:
            shutil.rmtree(call.target_dir, ignore_errors=True)
        status = run_cargo(call.argv(), with_private_home(env))
    if status == 0 and env.get("PANTS_PYOXIDIZER_BUILT"):
        with open(env["PANTS_PYOXIDIZER_BUILT"], "a") as file:
            file.write(f"{file_digest(call.executable)}\n")
    return status


def build_with_cache(call: "BuildCall", env: Mapping[str, str], fresh: bool) -> int:
    """One try. `fresh`: with nothing that was kept, and the last one."""
    cache = cache_folder(env)
    project = Project.read(call.binary)
    home = Home.of(cache, project, env)
    link = LinkInputs.read(env["PYO3_CONFIG_FILE"])
    entry = Entry(cache / "entries" / crates_key(call, env, project, link, home.path))
    with entry.lock, home.lock:
        reused = not fresh and entry.take(call.target_dir)
        seeded = reused
        if not reused:
            entry.start(link)
            seeded = not fresh and entry.take_from_similar(call.target_dir)
        offline = home.enter(call.triple) and not fresh
        cargo_env = {**home.env(env, offline), "PYO3_CONFIG_FILE": str(entry.config)}
        status = run_cargo(call.argv(), cargo_env)
        if status == 0:
            home.note_complete(call.triple)
            say(keep(entry, reused, call.target_dir, project))
        elif status < 128:  # Else, a signal ended it.
            require_space(cache)
            if offline:
                home.repair()
            if not fresh and (seeded or offline):
                raise Again(f"cargo failed with what was kept ({entry.name})")
            if not fresh and not (entry.lock.is_current() and home.lock.is_current()):
                raise Again("the cache was deleted under way")
        return status


def keep(entry: "Entry", reused: bool, target_dir: Path, project: "Project") -> str:
    """Make an entry of what cargo compiled. Returns what to tell the user."""
    if reused and not entry.differs(target_dir):
        return f"reused {entry.name}"
    # Reused, and yet cargo compiled some again, for a reason that the key does not know.
    if reused and not entry.lock.take(exclusive=True, wait=False):
        return f"reused {entry.name} in part"
    try:
        entry.publish(target_dir, project)
    except OSError as error:
        return f"compiled, not kept ({error.strerror or error})"
    with contextlib.suppress(OSError):  # Others may prune, too.
        for folder in ("entries", "homes"):
            prune(entry.path.parent.parent / folder, time.time())
    return f"compiled, kept as {entry.name}"


def metadata(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """PyOxidizer asks for the licenses of crates with it, after the build."""
    platform = platform_filter()
    argv = [*argv, *platform]
    purpose = "-".join(["metadata", *platform[1:]])
    try:
        if PRIVATE_HOME.exists():
            raise Unusable("as the build found out")
        home = Home.of(cache_folder(env), Project.read(""), env)
        with home.lock:
            offline = home.enter(purpose)
            status = run_cargo(argv, home.env(env, offline))
            if status == 0:
                home.note_complete(purpose)
            elif offline and status < 128:
                home.repair()
                status = run_cargo(argv, home.env(env, offline=False))
            return status
    except (Unusable, OSError):
        return run_cargo(argv, with_private_home(env))


def platform_filter() -> List[str]:
    """Saves downloading and unpacking 200 MB of crates for Windows, when we build for ourselves."""
    machine = os.uname().machine.replace("arm64", "aarch64")
    native = (f"{machine}-unknown-linux-gnu", f"{machine}-apple-darwin")
    triple = TRIPLE_NOTE.read_text() if TRIPLE_NOTE.exists() else ""
    return ["--filter-platform", triple] if triple in native else []


def cache_folder(env: Mapping[str, str]) -> Path:
    if not env.get("PANTS_PYOXIDIZER_CRATES"):
        raise Unusable("PANTS_PYOXIDIZER_CRATES is not set")
    # In a sandbox, it is a symlink at a path that is new each time.
    return Path(os.path.realpath(env["PANTS_PYOXIDIZER_CRATES"]))


def require_space(folder: Path) -> None:
    """OSError if nothing can be written there, which may be why cargo failed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(8 * CHUNK))


# --- What cargo is asked for ---

# In PyOxidizer's temporary project, which is the current folder of `build` and `metadata`.
TRIPLE_NOTE = Path(".cargo-driver-triple")
PRIVATE_HOME = Path(".cargo-driver-home")


@dataclass(frozen=True)
class BuildCall:
    """`cargo build` as PyOxidizer calls it."""

    args: Tuple[str, ...]  # Those that are not below.
    target_dir: Path
    binary: str
    triple: str

    @classmethod
    def parse(cls, argv: Sequence[str]) -> Optional["BuildCall"]:
        """None for another call."""
        taken = {"--target-dir": "", "--bin": "", "--target": ""}
        rest = []
        args = iter(argv)
        for arg in args:
            if arg in taken:
                taken[arg] = next(args, "")
            else:
                rest.append(arg)
        if rest[:1] != ["build"] or not all(taken.values()):
            return None
        return cls(tuple(rest), Path(taken["--target-dir"]), taken["--bin"], taken["--target"])

    def argv(self) -> List[str]:
        own = ("--target", self.triple, "--target-dir", str(self.target_dir), "--bin", self.binary)
        return [*self.args, *own]

    @property
    def executable(self) -> Path:
        profile = "release" if "--release" in self.args else "debug"
        return self.target_dir / self.triple / profile / self.binary


def with_edition(argv: Sequence[str]) -> List[str]:
    """PyOxidizer's own parser knows no edition after 2021, while cargo 1.85+ writes 2024."""
    if argv[:1] != ["init"] or "--edition" in argv:
        return list(argv)
    return ["init", "--edition", "2021", "--vcs", "none", *argv[1:]]


@dataclass(frozen=True)
class Project:
    """What the Rust project that PyOxidizer made says of its crates, without its own name."""

    binary: str
    manifest: str
    lock: str

    @classmethod
    def read(cls, binary: str) -> "Project":
        manifest = Path("Cargo.toml").read_text()
        name = re.search(r'^name = ".+"\n', manifest, re.MULTILINE)
        own = name[0] if name else "[none]"
        packages = Path("Cargo.lock").read_text().split("\n[[package]]\n")
        crates = [text for text in packages if not text.startswith(own) or "\nsource = " in text]
        return cls(binary, manifest.replace(own, "", 1), "\n\n".join(crates))

    def archives(self) -> Dict[str, str]:
        """`name-version.crate` and its SHA-256, for each crate to download."""
        crate = r'^name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"$'
        found = re.findall(crate, self.lock, re.MULTILINE)
        return {f"{name}-{version}.crate": digest for name, version, digest in found}

    def is_crate(self, path: PurePath) -> bool:
        """Whether a file of the target folder is of a crate, and of use to the next build."""
        *folders, name = path.parts
        if not folders:
            return True  # What cargo found out about rustc.
        if folders[-1] in ("debug", "release") or "incremental" in folders:
            return False  # The executable.
        if folders[-1] == "deps" and not path.suffix:
            return False  # The same.
        if "out" in folders:
            script = folders[folders.index("out") - 1]
            if re.fullmatch(r".+-sys-[0-9a-f]{16}", script):
                return False  # Native code that is now in the crate's library too: 190 MB.
        if f'name = "{self.binary}"\n' in self.lock:
            return True  # A crate of that name: which is which does not show.
        names = f"{re.escape(self.binary)}|{re.escape(self.binary.replace('-', '_'))}"
        own = re.compile(rf"(lib)?({names})-[0-9a-f]{{16}}(\..+)?")
        return not any(own.fullmatch(part) for part in path.parts)


@dataclass(frozen=True)
class LinkInputs:
    """A PyO3 configuration without temporary paths, and the libraries that it names."""

    config: str
    libraries: Tuple[Tuple[str, Path], ...]  # File name, and where it is now.

    @classmethod
    def read(cls, path: str) -> "LinkInputs":
        text = Path(path).read_text()
        line_start = r"extra_build_script_line=cargo:rustc-link-"
        names = re.findall(rf"^{line_start}lib=(?:[^=\n]+=)?([^:\n]+)", text, re.MULTILINE)
        libraries: Dict[str, Path] = {}
        lines = []
        for line in text.splitlines():
            search = re.fullmatch(rf"({line_start}search=(?:[a-z]+=)?)(.+)", line)
            if search is not None:
                found = find_libraries(Path(search[2]), names)
                libraries = {**found, **libraries}  # The first counts, as for a linker.
                line = search[1] + (LIBRARIES if found else os.path.realpath(search[2]))
            if line.startswith("executable="):  # Must be there. Only pyembed's own tests use it.
                line = "executable=python"
            lines.append(line)
        return cls("\n".join(lines) + "\n", tuple(sorted(libraries.items())))


def find_libraries(folder: Path, names: Sequence[str]) -> Dict[str, Path]:
    files = (f"lib{name}{suffix}" for name in names for suffix in (".a", ".so", ".dylib", ".tbd"))
    return {file: folder / file for file in files if (folder / file).is_file()}


# --- Keys ---


def crates_key(
    call: BuildCall, env: Mapping[str, str], project: Project, link: LinkInputs, home: Path
) -> str:
    """`SIMILAR-KEY`: entries with the same first part differ in libpython only."""
    configs = (home / "config", home / "config.toml")
    facts = {
        "format": FORMAT,
        "toolchain": env.get("PANTS_PYOXIDIZER_TOOLCHAIN", ""),
        "call": [*call.args, call.triple],
        "project": [project.manifest, project.lock],
        "environment": {name: env[name] for name in env if OUTPUT_VARIABLE.fullmatch(name)},
        # Cargo compiles crates again whose sources have moved.
        "home": [str(home), *(path.read_text() for path in configs if path.is_file())],
    }
    libpython = [link.config, {name: library_digest(path) for name, path in link.libraries}]
    return f"{short_hash(facts)[:8]}-{short_hash([facts, libpython])}"


def short_hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def library_digest(path: Path) -> str:
    """SHA-256 of a library; of a static one, of its members' content in their order.

    PyOxidizer names the members after temporary files.
    """
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        magic = file.read(8)
        if magic == b"!<thin>\n":
            raise Unusable(f"{path.name} is a thin archive")
        if magic != b"!<arch>\n":
            return file_digest(path)
        while True:
            header = file.read(60)
            if not header:
                return hasher.hexdigest()
            if header[58:] != b"`\n":
                raise Unusable(f"{path.name} is damaged")
            name, size = header[:16].rstrip(), int(header[48:58])
            padding = size % 2
            if name.startswith(b"#1/"):  # As on macOS: the name comes before the content.
                length = int(name[3:])
                name, size = file.read(length), size - length
            content = file.read(size)
            file.read(padding)
            # Leave out the index of symbols, and the table of long names.
            if name not in (b"/", b"//", b"/SYM64/") and not name.startswith(b"__.SYMDEF"):
                hasher.update(b"%d\n" % size)
                hasher.update(content)


def file_digest(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            hasher.update(chunk)
    return hasher.hexdigest()


# --- The cache ---


class Lock:
    """An advisory lock on a file. The kernel releases it when its holder dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: Optional[int] = None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def take(self, exclusive: bool, wait: bool = True) -> bool:
        """Take the lock, or change its kind. False if others have it and we do not wait."""
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        while True:
            if not self.is_current():
                self.__exit__()  # Pruned or deleted: another file is there, or none.
            if self._fd is None:
                self._fd = self._open()
            try:
                fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    return False
                say(f"waiting for another build ({self.path.parent.name})")
                fcntl.flock(self._fd, kind)
            if self.is_current():
                with contextlib.suppress(OSError):
                    os.utime(self._fd)  # When it was last used, for prune().
                return True

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            try:
                return os.open(self.path, os.O_RDONLY)  # A cache that we may only read can serve.
            except OSError:
                raise error from None

    def is_current(self) -> bool:
        """Whether others who take the lock see the same file; true while it is not taken."""
        try:
            return self._fd is None or os.path.samestat(os.fstat(self._fd), self.path.stat())
        except FileNotFoundError:
            return False


class Entry:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.lock = Lock(path / "lock")
        self.config = path / "artifacts" / "pyo3-build-config-file.txt"
        self._crates = path / "crates"
        self._manifest = path / "manifest.json"
        self._files: Dict[str, List[int]] = {}  # Size, CRC-32 and time of change.
        self._problem = ""

    def take(self, target_dir: Path) -> bool:
        """Fill `target_dir`. If that cannot be, False, and the lock is ours to make the entry."""
        for exclusive in (False, True):
            self.lock.take(exclusive)
            if self._seed(target_dir):
                self.lock.take(exclusive=False)
                return True
        if self._problem:
            say(f"what was kept is damaged ({self.name}: {self._problem})")
        return False

    def take_from_similar(self, target_dir: Path) -> bool:
        """Fill `target_dir` from an entry with another libpython: four fifths are the same.

        To cargo, the PyO3 configuration has changed, and all that depends on it is stale.
        """
        similar = self.name.split("-")[0] + "-" + "?" * 16
        for path in self.path.parent.glob(similar):
            other = Entry(path)
            with other.lock:
                if path != self.path and other.lock.take(exclusive=False, wait=False):
                    if other._seed(target_dir):
                        return True
        return False

    def _seed(self, target_dir: Path) -> bool:
        def put(item: Tuple[str, List[int]]) -> None:
            name, (size, crc, changed) = item
            source = self.path / name
            if checksum(source) != (size, crc):
                raise ValueError(f"{name} is not as it was")
            if source.stat().st_mtime_ns != changed:  # As when a copy of the cache was restored.
                os.utime(source, ns=(changed, changed))
            if self._crates in source.parents:
                link_or_copy(source, target_dir / source.relative_to(self._crates))

        try:
            if not self._manifest.exists():
                return False
            self._files = json.loads(self._manifest.read_text())
            for folder in {(self.path / name).parent for name in self._files}:
                if self._crates in (folder, *folder.parents):
                    inside = folder.relative_to(self._crates)
                    (target_dir / inside).mkdir(parents=True, exist_ok=True)
            in_parallel(put, self._files.items())
            return True
        except (OSError, ValueError, TypeError, AttributeError) as problem:
            self._problem = str(problem)
            shutil.rmtree(target_dir, ignore_errors=True)
            return False

    def start(self, link: LinkInputs) -> None:
        """Begin anew, with nothing but the lock and the artifacts."""
        self.lock.take(exclusive=True)
        with contextlib.suppress(FileNotFoundError):
            self._manifest.unlink()
        for path in (self._crates, self.config.parent):
            shutil.rmtree(path, ignore_errors=True)
        self.config.parent.mkdir()
        for name, path in link.libraries:
            shutil.copyfile(path, self.config.parent / name)
        self.config.write_text(link.config.replace(LIBRARIES, str(self.config.parent)))
        for path in self.config.parent.iterdir():
            os.utime(path, (FIXED_TIME, FIXED_TIME))

    def differs(self, target_dir: Path) -> bool:
        """Whether cargo compiled any of the crates that were here."""
        libraries = (self.path / name for name in self._files if name.endswith(".rlib"))
        return any(
            (target_dir / path.relative_to(self._crates)).stat().st_mtime_ns
            != self._files[str(path.relative_to(self.path))][2]
            for path in libraries
        )

    def publish(self, target_dir: Path, project: Project) -> None:
        def put(path: PurePath) -> None:
            target = self._crates / path
            target.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(target_dir / path, target)

        def row(path: PurePath) -> Tuple[str, List[int]]:
            return str(path), [*checksum(self.path / path), (self.path / path).stat().st_mtime_ns]

        if not self.lock.is_current():
            raise FileNotFoundError("the cache was deleted under way")
        with contextlib.suppress(FileNotFoundError):
            self._manifest.unlink()
        shutil.rmtree(self._crates, ignore_errors=True)
        try:
            in_parallel(put, filter(project.is_crate, relative_files(target_dir)))
            files = (path for path in relative_files(self.path) if len(path.parts) > 1)
            unfinished = self.path / "manifest.new"
            unfinished.write_text(json.dumps(dict(in_parallel(row, files))))
            unfinished.replace(self._manifest)
        except OSError:
            shutil.rmtree(self._crates, ignore_errors=True)  # Space that others may need.
            raise


class Home:
    """CARGO_HOME: the user's, which is left alone, or one for this Cargo.lock in the cache."""

    def __init__(self, path: Path, archives: Mapping[str, str], is_ours: bool) -> None:
        self.path = path
        self.lock = Lock(path / "lock")
        self._registry = path / "registry"
        self._archives = archives
        self._is_ours = is_ours

    @classmethod
    def of(cls, cache: Path, project: Project, env: Mapping[str, str]) -> "Home":
        if env.get("CARGO_HOME"):
            return cls(Path(os.path.realpath(env["CARGO_HOME"])), {}, is_ours=False)
        return cls(cache / "homes" / short_hash(project.lock), project.archives(), is_ours=True)

    def env(self, env: Mapping[str, str], offline: bool) -> Dict[str, str]:
        network = {"CARGO_NET_OFFLINE": "true"} if offline else {}
        return {**env, **network, "CARGO_HOME": str(self.path)}

    def enter(self, purpose: str) -> bool:
        """Lock it. True if all that `purpose` needs was downloaded, so that no network is needed."""
        if not self._is_ours:
            return False
        is_complete = self._note(purpose).exists()
        # An interrupted download may have left half a file, which cargo would not notice.
        if not is_complete and self.lock.take(exclusive=True, wait=False):
            self._remove_damaged()
        self.lock.take(exclusive=False)
        return is_complete

    def note_complete(self, purpose: str) -> None:
        if self._is_ours:
            with contextlib.suppress(OSError):
                self._note(purpose).touch()

    def _note(self, purpose: str) -> Path:
        return self.path / f"complete-{purpose}"

    def repair(self) -> None:
        """Have cargo unpack all again, and download again what is damaged or missing."""
        with contextlib.suppress(OSError):
            self.lock.take(exclusive=True)
            for note in self.path.glob(self._note("*").name):
                note.unlink()
            self._remove_damaged()
            shutil.rmtree(self._registry / "src", ignore_errors=True)

    def _remove_damaged(self) -> None:
        for path in self._registry.glob("cache/*/*.crate"):
            if file_digest(path) != self._archives.get(path.name):
                path.unlink()

    def copy_to(self, target: Path) -> None:
        """Take the downloads that are whole over."""
        for path in relative_files(self._registry):
            source = self._registry / path
            if path.parts[0] == "index" or file_digest(source) == self._archives.get(path.name):
                (target / "registry" / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / "registry" / path)


def with_private_home(env: Mapping[str, str]) -> Dict[str, str]:
    """`env` with a CARGO_HOME for this build alone."""
    if env.get("CARGO_HOME"):
        return dict(env)
    if not PRIVATE_HOME.exists():
        PRIVATE_HOME.mkdir()
        with contextlib.suppress(Unusable, OSError):
            Home.of(cache_folder(env), Project.read(""), env).copy_to(PRIVATE_HOME)
    return {**env, "CARGO_HOME": os.path.realpath(PRIVATE_HOME)}


def with_some_home(env: Mapping[str, str]) -> Dict[str, str]:
    """`env` with a CARGO_HOME that need not exist. Without it, cargo looks for HOME."""
    if env.get("CARGO_HOME") or not env.get("PANTS_PYOXIDIZER_CRATES"):
        return dict(env)
    return {**env, "CARGO_HOME": str(cache_folder(env) / "homes" / "none")}


def prune(folder: Path, now: float) -> None:
    """Remove what was not used for long, and what is too much; but nothing that is in use."""

    def last_use(path: Path) -> float:
        lock = path / "lock"
        return lock.stat().st_mtime if lock.exists() else 0.0

    total = 0
    by_use = sorted(folder.iterdir(), key=last_use, reverse=True) if folder.exists() else []
    for position, path in enumerate(by_use):
        is_old = now - last_use(path) > MAX_AGE
        size = sum((path / file).stat().st_size for file in relative_files(path))
        if position < KEPT_ANYHOW or not (is_old or total + size > MAX_BYTES):
            total += size
            continue
        with Lock(path / "lock") as lock:
            if lock.take(exclusive=True, wait=False):
                # At once, for who comes now and makes a new one.
                path.rename(path.with_name(f"{path.name}.pruned"))
                shutil.rmtree(path.with_name(f"{path.name}.pruned"), ignore_errors=True)


# --- Files ---


def relative_files(folder: Path) -> List[PurePath]:
    found = []
    for parent, _, names in os.walk(folder):
        found += [PurePath(parent, name) for name in names]
    return sorted(path.relative_to(folder) for path in found if not os.path.islink(path))


def checksum(path: Path) -> Tuple[int, int]:
    """Size and CRC-32: good against accidents, and three times as fast as a SHA-256."""
    size = crc = 0
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc


def link_or_copy(source: Path, target: Path) -> None:
    """Only crates' libraries are linked: rustc replaces them, while cargo writes others in place."""
    if source.suffix in (".rlib", ".rmeta"):
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)
    target.chmod(target.stat().st_mode | 0o200)  # A cache that was made read-only may serve, too.


def in_parallel(function: Callable[[Any], Any], items: Iterable[Any]) -> List[Any]:
    with ThreadPoolExecutor(max_workers=4) as threads:
        return list(threads.map(function, items))


# --- Processes ---


class Interrupts:
    """Makes a signal an exception, but not while a process is started, which would be lost."""

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


def run_cargo(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the real cargo, with our input and output, and return its exit status.

    All that it starts is in one process group, which ends when we are told to end.
    """
    process: Optional[subprocess.Popen[bytes]] = None
    try:
        with INTERRUPTS.held():
            command = [env["PANTS_PYOXIDIZER_CARGO"], *argv]
            process = subprocess.Popen(command, env=dict(env), start_new_session=True)
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
