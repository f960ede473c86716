# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the libpython of a CPython that can be linked into an executable made by PyOxidizer."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Container, Iterable, Mapping, Sequence

from ..formats import ar_archive, elf
from .cpython import CPython, Refusal

BITCODE_MAGICS = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
INITTAB = "_PyImport_Inittab"
# What the linker and the static part of glibc bring. Compilers' own functions do so too, and
# begin with two underscores.
LINKER_BRINGS = frozenset(
    "_GLOBAL_OFFSET_TABLE_ _DYNAMIC atexit at_quick_exit pthread_atfork"
    " stat fstat lstat fstatat mknod mknodat".split()
)
# The parts of glibc; since 2.34 all but two are empty.
GLIBC_FILES = tuple(
    "libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 libutil.so.1 librt.so.1".split()
)
OWN_SONAME = re.compile(
    r"(lib(c|m|pthread|dl|util|rt)|ld-linux.*)\.so\.\d+|libgcc_s\.so\.1|(.*/)?libpython3.*"
)
GLIBC_LINKS = frozenset("c m pthread dl util rt".split())
# What Rust's standard library and start-up code take from glibc, where that has several versions.
RUST_UNDEFINED_SYMBOLS = frozenset(
    "__libc_start_main __cxa_thread_atexit_impl dl_iterate_phdr dlsym fstat64 stat64 lstat64 statx"
    " getrandom gettid memfd_create copy_file_range posix_spawn_file_actions_addchdir_np"
    " pthread_create pthread_join pthread_key_create pthread_setname_np pthread_getattr_np".split()
)


@dataclass(frozen=True)
class Image:
    """What the dynamic linker sees of an executable or a shared library."""

    imported: frozenset[str] = frozenset()
    exported: frozenset[str] = frozenset()
    needed: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()

    @property
    def libraries(self) -> list[str]:
        """The sonames in `needed`, but for the compiler's, glibc's and Python's own."""
        return [name for name in self.needed if not OWN_SONAME.fullmatch(name)]


@dataclass(frozen=True)
class Library:
    link_mode: str  # "static" or "shared".
    path: str
    objects: tuple[tuple[str, bytes], ...] = ()  # File name and content; none if shared.
    inittab: str = "config.o"  # The object with the table of built-in modules.
    undefined_symbols: frozenset[str] = frozenset()  # What the objects want from other libraries.
    defined_symbols: frozenset[str] = frozenset()  # What can be linked with.
    anchors: tuple[str, ...] = ()  # A symbol of each object, by which it is linked.
    links: tuple[str, ...] = ()  # Names of those, as for `-l`.
    image: Image = Image()  # Of the shared library; else what the interpreter was linked with.


class Unusable(Exception):
    """Why this library will not do, to be put after its path."""


def read_image(path: str) -> Image:
    """Nothing is known of what is no ELF file; on macOS, nothing is checked with it."""
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
    """Debian has a library of its own for objects that go into other ones."""
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
    """LIBDIR, and where it would be of a Python that was moved after it was built."""
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
    """`images` are of the interpreter: what it takes from other libraries, the result may, too."""
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
    """`path` is where the objects come from."""
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
        raise Unusable(f"wants what the interpreter has inside, and it has not ({some})")
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
    """What objects want from others, and which of them defines what."""

    wanted: frozenset[str]
    weakly: frozenset[str]
    defined: Mapping[str, str]
    anchors: Mapping[str, str]  # A symbol of each object, by which it can be linked.

    @property
    def imported(self) -> frozenset[str]:
        return (self.wanted | self.weakly).difference(self.defined)


def read_symbols(objects: Iterable[tuple[str, bytes]]) -> Symbols | None:
    """Of objects that can be linked into a binary; None where they are not of ELF, as on macOS."""
    objects = tuple(objects)
    bitcode = next((name for name, data in objects if data.startswith(BITCODE_MAGICS)), None)
    if bitcode:
        raise Unusable(f"holds no machine code but LLVM bitcode for LTO ({bitcode})")
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
            raise Unusable(f"holds {name}, which {error}") from None
        if any(symbol.name == "__gnu_lto_slim" for symbol in symbols):
            raise Unusable(f"holds no machine code but GCC's code for LTO ({name})")
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
    """A symbol by which an object can be linked, if it does not clash with what is `defined`."""
    strong = [s for s in symbols if s.is_defined and not s.is_local and not s.is_weak]
    if any(symbol.name in defined for symbol in strong):
        return None
    return next((symbol.name for symbol in strong if not symbol.is_thread_local), None)


def without_lto(data: bytes) -> bytes:
    """Machine code is used as it is: by these sections GCC's linker plugin would know an object as
    one to compile again, for minutes in each link, or to complain that another GCC made it."""
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
    # Debian's LIBPL has a link by another name.
    image = read_image(path)
    return Library("shared", os.path.realpath(path), image=image, defined_symbols=image.exported)


def links(cpython: CPython, needed: Sequence[str]) -> tuple[str, ...]:
    """Names of the libraries that the objects of a static libpython want, as for `-l`.

    The makefile's variables name more than is needed, and what is not needed may well not be
    installed in a form to link with: `-lcrypt`, for one. So what counts is what the interpreter was
    linked with in the end, `needed` (nothing where that is not known, on macOS).
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
    """macOS: the names after `-framework`."""
    tokens = link_tokens(cpython)
    pairs = zip(tokens, tokens[1:])
    return tuple(dict.fromkeys(name for flag, name in pairs if flag == "-framework"))


def link_tokens(cpython: CPython) -> list[str]:
    return " ".join(cpython.var(name) for name in ("LIBS", "MODLIBS", "SYSLIBS")).split()


def lowest_glibc(library: Library, shipped: Iterable[Image], libc: str | None) -> str | None:
    """The oldest glibc on which the binary starts and its extension modules load; None without one.

    What is linked already (`shipped`: extension modules and a shared libpython) names the versions
    of the symbols it wants. The objects of a static libpython name none: the linker takes the
    default version of the glibc of the machine that links, which is this one. So does it for what
    Rust wants. `libc` is the path of this machine's libc.so.6.
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
