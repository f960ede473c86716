# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Sets up, in a work folder, a repository for either backend, with the same Python and programs."""

from __future__ import annotations

import functools
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cargo_shim, scratch
from benchmarks.backends import PANTS_VERSION, Backend
from benchmarks.progress import StepError, run, say
from benchmarks.pythons import REQUIREMENTS, Python, make_venv, pins

NTH_PROGRAMS = tuple(f"program{number:02}" for number in range(1, 21))

# What pip, cargo and rustup inside Pants' own process need of the shell's environment.
_PASSED_ON = (
    "HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_INDEX_URL",
    "REQUESTS_CA_BUNDLE",
)


@dataclass(frozen=True)
class Archive:
    """The packed Python: what `pack_cpython` made, and the sha256 that it reports."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Workplace:
    """Where the benchmark works: `checkout` is the repository with the plugin that is measured."""

    folder: Path
    checkout: Path
    python: Python

    @property
    def launcher(self) -> Path:
        return self.checkout / "pants"

    def venv(self, name: str, *requirements: str) -> Path:
        """The Python of a venv with the given files of pinned requirements."""
        files = requirements or (f"{name}.txt",)
        return make_venv(self.python, self.folder / "venvs" / name, files)


@functools.lru_cache(maxsize=None)
def pants_default_template(launcher: Path) -> str:
    """The template of Pants' own backend, from the Pants that the launcher set up."""
    say(f"Setting up Pants {PANTS_VERSION}")
    env = {**os.environ, "PANTS_VERSION": PANTS_VERSION}
    run([launcher, "--no-pantsd", "--version"], env=env, cwd=launcher.parent)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache.glob(f"pants-pyoxidizer/pants-{PANTS_VERSION}-*/venv/bin/python")
    python = max(found, key=lambda path: path.parent.stat().st_mtime, default=None)
    if python is None:
        raise StepError(f"the launcher left no venv in {cache}")
    program = f"import {scratch.OWN_BACKEND_CONFIG} as c; print(c.DEFAULT_TEMPLATE, end='')"
    return run([python, "-I", "-c", program])


@functools.lru_cache(maxsize=None)
def pack_python(workplace: Workplace) -> Archive:
    """Pack the Python as the plugin does, with the plugin's own program."""
    interpreter = workplace.venv("pack")
    say(f"Packing Python {workplace.python.version} ({workplace.python.path})")
    folder = workplace.folder / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    archive, report = folder / "python.tar.zst", folder / "report.json"
    programs = workplace.checkout / "pants-plugins/pants_pyoxidizer/programs"
    program: list[str | Path] = [interpreter, programs, "pack.pack_cpython"]
    run([*program, "--python", workplace.python.path, "--output", archive, "--report", report])
    return Archive(archive, json.loads(report.read_text())["sha256"])


def programs(templates: dict[str, str], *, ours: bool) -> list[tuple[scratch.Program, str]]:
    """All programs with the sources of their main modules.

    `templates` has the template for "memory", "files" and "template". Those of Pants' own backend
    have one each, for the Python that is packed; ours has one where the row is about templates.
    """
    memory, files = templates.get("memory", ""), templates.get("files", "")
    edits = [
        scratch.Program("memory", fields=_resources("in-memory", ours), template=memory),
        scratch.Program("files", fields=_resources("filesystem", ours), template=files),
        scratch.Program("template", template=templates["template"]),
        *(scratch.Program(name, template=memory) for name in NTH_PROGRAMS),
    ]
    start = scratch.Program("start", requires=program_projects(), template=memory)
    sources = [(edit, scratch.EDIT_PROGRAM.format(name=edit.name)) for edit in edits]
    return [*sources, (start, scratch.START_PROGRAM)]


def _resources(where: str, ours: bool) -> str:
    return f'resources="{where}",' if ours else ""


def program_pins() -> tuple[str, ...]:
    """The third-party requirements of the programs, for this platform's CPython."""
    lines = pins((REQUIREMENTS / "program.txt").read_text())
    return tuple(line for line in lines if "sys_platform" not in line)


def program_projects() -> tuple[str, ...]:
    return tuple(map(scratch.project_name, program_pins()))


def write_repository(
    backend: Backend, sections: dict[str, dict[str, object]], templates: dict[str, str], ours: bool
) -> None:
    backend.stop_daemon()
    shutil.rmtree(backend.repository, ignore_errors=True)
    backend.write({"pants.toml": scratch.options(sections)})
    backend.write({"3rdparty/BUILD": scratch.requirement_targets(program_pins())})
    for program, source in programs(templates, ours=ours):
        backend.write(scratch.program_files(program, source))


def our_backend(workplace: Workplace, folder: Path, caches: Path | None = None) -> Backend:
    """A fresh repository that uses the plugin of the checkout."""
    backend = Backend("ours", workplace.launcher, folder, caches or folder / "caches")
    sections = _sections(workplace, scratch.OUR_BACKEND)
    sections["GLOBAL"]["pythonpath"] = [str(workplace.checkout / "pants-plugins")]
    sections["pyoxidizer"] = {"rust": "system"}
    template = pants_default_template(workplace.launcher)
    write_repository(backend, sections, {"template": template}, ours=True)
    return backend


def own_backend(workplace: Workplace, folder: Path, caches: Path | None = None) -> Backend:
    """A fresh repository that uses Pants' own backend."""
    archive = pack_python(workplace)
    backend = Backend("Pants' own", workplace.launcher, folder, caches or folder / "caches")
    shim = workplace.folder / "shim"
    cargo_shim.install(shim, cargo_shim.real_cargo())
    sections = _sections(workplace, scratch.OWN_BACKEND)
    sections["pex"] = {"executable_search_paths": [str(shim), "<PATH>"]}
    sections["subprocess-environment"] = {"env_vars": _environment(backend.caches)}
    default = pants_default_template(workplace.launcher)
    memory = scratch.template_with_python(default, archive.sha256, str(archive.path))
    files = scratch.template_with_files(memory)
    templates = {"memory": memory, "files": files, "template": memory}
    write_repository(backend, sections, templates, ours=False)
    return backend


def cargo_calls(workplace: Workplace) -> tuple[cargo_shim.CargoCall, ...]:
    """What Pants' own backend called cargo for, in all repositories so far."""
    log = workplace.folder / "shim/calls.log"
    return cargo_shim.parse_log(log.read_text()) if log.is_file() else ()


def _sections(workplace: Workplace, backend: str) -> dict[str, dict[str, object]]:
    sections = scratch.common_options(backend, PANTS_VERSION, workplace.python.version)
    # No other Python can be taken by either backend.
    folder = str(Path(workplace.python.path).parent)
    sections["python-bootstrap"] = {"search_path": [folder]}
    return sections


def _environment(caches: Path) -> list[str]:
    passed = [f"{name}={os.environ[name]}" for name in _PASSED_ON if name in os.environ]
    return [
        *("LANG", "LC_CTYPE", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *passed,
        "PYOXIDIZER_SYSTEM_RUST=1",
        f"CARGO_HOME={caches / 'cargo'}",
        f"XDG_CACHE_HOME={caches / 'xdg'}",
    ]
