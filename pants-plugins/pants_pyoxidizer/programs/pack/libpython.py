# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds and checks the libpython of a CPython that PyOxidizer can link into an executable."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Container, Iterable, Mapping, Sequence

from ..formats import ar_archive, elf
from .cpython import CPython, Refusal

BITCODE_MAGICS = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
INITTAB = "_PyImport_Inittab"
# Symbols that the linker and the static part of glibc provide. The compiler's runtime library
# provides more, all of which begin with two underscores.
LINKER_BRINGS = frozenset(
    "_GLOBAL_OFFSET_TABLE_ _DYNAMIC atexit at_quick_exit pthread_atfork"
    " stat fstat lstat fstatat mknod mknodat".split()
)
# The libraries of glibc; since 2.34, all but the first two are empty.
GLIBC_FILES = tuple(
    "libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 libutil.so.1 librt.so.1".split()
)
OWN_SONAME = re.compile(
    r"(lib(c|m|pthread|dl|util|rt)|ld-linux.*)\.so\.\d+|libgcc_s\.so\.1|(.*/)?libpython3.*"
)
GLIBC_LINKS = frozenset("c m pthread dl util rt".split())
# What Rust's standard library and start-up code use of glibc, as far as it has several versions.
RUST_UNDEFINED_SYMBOLS = frozenset(
    "__libc_start_main __cxa_thread_atexit_impl dl_iterate_phdr dlsym fstat64 stat64 lstat64 statx"
    " getrandom gettid memfd_create copy_file_range posix_spawn_file_actions_addchdir_np"
    " pthread_create pthread_join pthread_key_create pthread_setname_np pthread_getattr_np".split()
)


@dataclass(frozen=True)
class Image:
    """The dynamic linking information of an executable or a shared library."""

    imported: frozenset[str] = frozenset()
    exported: frozenset[str] = frozenset()
    needed: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()

    @property
    def libraries(self) -> list[str]:
        """The SONAMEs in `needed`, except for the compiler's, glibc's and Python's own."""
        return [name for name in self.needed if not OWN_SONAME.fullmatch(name)]


@dataclass(frozen=True)
class Library:
    link_mode: str  # "static" or "shared".
    path: str
    objects: tuple[tuple[str, bytes], ...] = ()  # File name and content; none if shared.
    inittab: str = "config.o"  # The object with the table of built-in modules.
    undefined_symbols: frozenset[str] = frozenset()  # Of the objects; other libraries define them.
    defined_symbols: frozenset[str] = frozenset()  # What the library defines.
    anchors: tuple[str, ...] = ()  # A symbol of each object; a reference to it includes the object.
    links: tuple[str, ...] = ()  # Names of needed libraries, as for `-l`.
    image: Image = Image()  # If static, only `needed`: what the interpreter is linked with.


class Unusable(Exception):
    """The library or archive cannot be used. The message follows its path and a colon."""


def read_image(path: str) -> Image:
    """Empty unless it is an ELF file, so the checks that use it pass on macOS."""
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(elf.MAGIC):
        return Image()
    parsed = elf.ElfFile(data)
    return Image(
        frozenset(parsed.imported()),
        frozenset(parsed.exported()),
        tuple(parsed.needed()),
        frozenset(parsed.needed_versions()),
    )


def find_library(cpython: CPython) -> Library:
    static_paths, shared_paths = static_candidates(cpython), shared_candidates(cpython)
    shared = [path for path in shared_paths if os.path.isfile(path)]
    images = [read_image(path) for path in [cpython.executable, *shared[:1]]]
    problems = []
    needed = tuple(sorted({soname for image in images for soname in image.needed}))
    linked = Image(needed=needed)
    for path in static_paths:
        if os.path.isfile(path):
            try:
                library = read_static(path, images)
                return replace(library, links=links(cpython, needed), image=linked)
            except Unusable as problem:
                problems.append(f"{path} {problem}")
    for path in shared:
        try:
            return read_shared(path)
        except Unusable as problem:
            problems.append(f"{path} {problem}")
    raise Refusal(no_library(cpython, static_paths, shared_paths, problems))


def static_candidates(cpython: CPython) -> list[str]:
    """Debian has a separate library, `-pic.a`, for linking into other libraries."""
    names = [f"libpython{cpython.minor_version}-pic.a", cpython.var("LIBRARY")]
    dirs = [*cpython.config_dirs(), *library_dirs(cpython)]
    return list(dict.fromkeys(os.path.join(d, name) for d in dirs for name in names if name))


def shared_candidates(cpython: CPython) -> list[str]:
    names = [cpython.var("INSTSONAME"), cpython.var("LDLIBRARY")]
    paths = [
        os.path.join(d, name) for d in library_dirs(cpython) for name in names if ".so" in name
    ]
    return list(dict.fromkeys(paths))


def library_dirs(cpython: CPython) -> list[str]:
    """LIBDIR, and its likely locations if the installation was moved."""
    moved = [os.path.join(cpython.base_prefix, d) for d in ("lib", cpython.platlibdir)]
    return list(dict.fromkeys(path for path in [cpython.var("LIBDIR"), *moved] if path))


def no_library(
    cpython: CPython,
    static_paths: Sequence[str],
    shared_paths: Sequence[str],
    problems: Sequence[str],
) -> str:
    usual = [path for path in static_paths if not path.endswith("-pic.a")]
    looked_for = " and ".join([*usual[:1], *shared_paths[:1]])
    found = "; ".join(problems) if problems else f"looked for {looked_for}"
    return (
        f"{cpython.executable}: has no libpython that can be linked into a binary ({found})."
        f" To fix, install it (Debian and Ubuntu: `apt-get install"
        f" libpython{cpython.minor_version}-dev`), or use an interpreter that has one (pyenv:"
        f" `pyenv install {cpython.minor_version}`, also with"
        f" `PYTHON_CONFIGURE_OPTS=--enable-shared`)."
    )


def read_static(path: str, images: Sequence[Image]) -> Library:
    """`images` are of the interpreter: the executable may import what the interpreter imports."""
    try:
        with open(path, "rb") as file:
            members = list(ar_archive.members(file.read()))
    except ar_archive.ArError as error:
        raise Unusable(str(error)) from None
    names = ar_archive.unique_names([name for name, _ in members])
    return check_objects(path, zip(names, (data for _, data in members)), images)


def check_objects(
    path: str, objects: Iterable[tuple[str, bytes]], images: Sequence[Image]
) -> Library:
    """Checks that the objects can be linked into a binary. `path` is where they come from.

    Raises:
        Unusable: with the reason.
    """
    objects = tuple((name, without_lto(data)) for name, data in objects)
    symbols = read_symbols(objects)
    if symbols is None:
        return Library("static", path, objects)
    if INITTAB not in symbols.defined:
        raise Unusable(f"does not define {INITTAB}")
    there = LINKER_BRINGS.union(symbols.defined, *(image.imported for image in images))
    missing = {name for name in symbols.wanted - there if not name.startswith("__")}
    if missing and any(image.imported for image in images):
        some = ", ".join(sorted(missing)[:3])
        raise Unusable(f"has undefined symbols that the interpreter does not import ({some})")
    inittab = symbols.defined[INITTAB]
    return Library(
        "static",
        path,
        objects,
        inittab,
        symbols.imported,
        defined_symbols=frozenset(symbols.defined),
        anchors=tuple(anchor for name, anchor in symbols.anchors.items() if name != inittab),
    )


@dataclass(frozen=True)
class Symbols:
    """The undefined symbols of objects, and which object defines which symbol."""

    wanted: frozenset[str]
    weakly: frozenset[str]
    defined: Mapping[str, str]
    anchors: Mapping[str, str]  # A symbol of each object; a reference to it includes the object.

    @property
    def imported(self) -> frozenset[str]:
        return (self.wanted | self.weakly).difference(self.defined)


def read_symbols(objects: Iterable[tuple[str, bytes]]) -> Symbols | None:
    """The symbols of objects; None if they are not ELF files, as on macOS.

    Raises:
        Unusable: when an object cannot be linked into a PIE executable.
    """
    objects = tuple(objects)
    bitcode = next((name for name, data in objects if data.startswith(BITCODE_MAGICS)), None)
    if bitcode:
        raise Unusable(f"contains LLVM bitcode for LTO instead of machine code ({bitcode})")
    if not any(data.startswith(elf.MAGIC) for _, data in objects):
        return None
    wanted: set[str] = set()
    weakly: set[str] = set()
    defined: dict[str, str] = {}
    anchors: dict[str, str | None] = {}
    for name, data in objects:
        try:
            parsed = elf.ElfFile(data)
            symbols = list(parsed.symbols(elf.SHT_SYMTAB))
            dependent = parsed.is_position_dependent()
        except elf.ElfError as error:
            raise Unusable(f"contains {name}, which {error}") from None
        if any(symbol.name == "__gnu_lto_slim" for symbol in symbols):
            raise Unusable(f"contains GCC bytecode for LTO instead of machine code ({name})")
        if dependent:
            raise Unusable(f"was not compiled with -fPIC or -fPIE ({name})")
        anchors[name] = find_anchor(symbols, defined)
        for symbol in symbols:
            if symbol.is_defined and not symbol.is_local:
                defined.setdefault(symbol.name, name)
            elif not symbol.is_defined and symbol.name:
                (weakly if symbol.is_weak else wanted).add(symbol.name)
    return Symbols(
        frozenset(wanted),
        frozenset(weakly),
        defined,
        anchors={name: anchor for name, anchor in anchors.items() if anchor},
    )


def find_anchor(symbols: Iterable[elf.Symbol], defined: Container[str]) -> str | None:
    """A symbol that pulls in the object when linked; None if the object clashes with `defined`."""
    strong = [s for s in symbols if s.is_defined and not s.is_local and not s.is_weak]
    if any(symbol.name in defined for symbol in strong):
        return None
    return next((symbol.name for symbol in strong if not symbol.is_thread_local), None)


def without_lto(data: bytes) -> bytes:
    """Hides the LTO sections of a fat object, so that its machine code is used. Otherwise, GCC's
    linker plugin recompiles it in each link, for minutes, or rejects it as made by another GCC."""
    return data.replace(b".gnu.lto_", b".gnu_lto_")


def read_shared(path: str) -> Library:
    try:
        with open(path, "rb") as file:
            parsed = elf.ElfFile(file.read())
        soname = parsed.soname()
    except elf.ElfError as error:
        raise Unusable(str(error)) from None
    if not soname:
        raise Unusable("has no SONAME")
    # Debian's LIBPL has a symlink with another name.
    image = read_image(path)
    return Library("shared", os.path.realpath(path), image=image, defined_symbols=image.exported)


def links(cpython: CPython, needed: Sequence[str]) -> tuple[str, ...]:
    """Names of the libraries that the objects of a static libpython need, as for `-l`.

    The makefile variables name more libraries than needed, and the development files of the others
    may be missing, for example for `-lcrypt`. So only libraries that the interpreter is linked with
    count: `needed`, which is empty on macOS, where it is not known.
    """
    names = dict.fromkeys(token[2:] for token in link_tokens(cpython) if token.startswith("-l"))
    return tuple(
        name
        for name in names
        if name in GLIBC_LINKS
        or not needed
        or any(soname.startswith(f"lib{name}.so") for soname in needed)
    )


def frameworks(cpython: CPython) -> tuple[str, ...]:
    """The names after `-framework`, on macOS."""
    tokens = link_tokens(cpython)
    pairs = zip(tokens, tokens[1:])
    return tuple(dict.fromkeys(name for flag, name in pairs if flag == "-framework"))


def link_tokens(cpython: CPython) -> list[str]:
    return " ".join(cpython.var(name) for name in ("LIBS", "MODLIBS", "SYSLIBS")).split()


def lowest_glibc(library: Library, shipped: Iterable[Image], libc: str | None) -> str | None:
    """The oldest glibc that runs the binary and its extension modules; None without glibc.

    Linked files (`shipped`: extension modules and a shared libpython) state the versions of their
    undefined symbols. The objects of a static libpython, and Rust's, do not: the linker binds them
    to the default versions of the build machine's glibc, whose libc.so.6 is at `libc`.
    """
    versions = {version for image in shipped for version in image.versions}
    if libc is not None:
        defaults: dict[str, str] = {}
        for name in GLIBC_FILES:
            path = os.path.join(os.path.dirname(libc), name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    defaults.update(elf.ElfFile(file.read()).default_versions())
        versions.update(
            defaults.get(name, "") for name in library.undefined_symbols | RUST_UNDEFINED_SYMBOLS
        )
    return elf.newest_glibc(versions)
