# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import pytest
from pants.core.util_rules import system_binaries
from pants.core.util_rules.system_binaries import (
    BinaryNotFoundError,
)
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.option_util import create_subsystem
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_pyoxidizer.engine import find_binary
from pants_pyoxidizer.subsystem import PyOxidizer, RustSource
from pants_pyoxidizer.util_rules import host_links, rust_toolchain
from pants_pyoxidizer.util_rules.host_links import (
    link_path,
    make_host_link,
)
from pants_pyoxidizer.util_rules.rust_toolchain import (
    RustcProbe,
    RustToolchain,
    SystemRust,
    describe_problem,
    find_rust_toolchain,
    parse_release,
    probe_rustc,
    rustup_homes,
)
from rules.mocks import run_rule


def find(*search_path: Path, rust: str = "system", home: Path | None = None) -> RustToolchain:
    """What a new start of Pants finds."""
    rules = [*rust_toolchain.rules(), *host_links.rules(), *system_binaries.rules()]
    folders = [str(path) for path in search_path]
    with tempfile.TemporaryDirectory() as named_caches:
        rule_runner = RuleRunner(
            rules=[*rules, QueryRule(RustToolchain, ())],
            bootstrap_args=[f"--named-caches-dir={named_caches}"],
        )
        rule_runner.set_options(
            [
                f"--named-caches-dir={named_caches}",
                f"--pyoxidizer-rust={rust}",
                f"--pyoxidizer-rust-search-path={folders}",
            ],
            env={} if home is None else {"HOME": str(home)},
        )
        return rule_runner.request(RustToolchain, [])


def refusal(*search_path: Path) -> str:
    with pytest.raises(ExecutionError) as e:
        find(*search_path)
    errors: tuple[Exception, ...] = e.value.wrapped_exceptions
    assert [type(error) for error in errors] == [BinaryNotFoundError]
    return str(errors[0])


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def install(
    sysroot: Path, version: str = "1.80.1", tools: tuple[str, ...] = ("rustc", "cargo")
) -> Path:
    """A toolchain, as far as its `bin` folder, which is returned."""
    folder = sysroot / "bin"
    for tool in tools:
        script(
            folder / tool,
            f'if [ "$*" = "--print sysroot" ]; then echo "{sysroot}"; exit; fi\n'
            f'[ "$*" = "--version --verbose" ] || exit 1\n'
            f'echo "{tool} {version} (0123abcd 2024-08-06)"\n'
            f'echo "release: {version}"\n',
        )
    return folder


def fingerprint(version: str = "1.80.1") -> str:
    return "\n".join(
        f"{tool} {version} (0123abcd 2024-08-06)\nrelease: {version}" for tool in ("rustc", "cargo")
    )


def install_proxy(home: Path) -> Path:
    """The `rustc` of rustup, which needs the HOME that it was installed for, or RUSTUP_HOME."""
    folder = home / ".cargo" / "bin"
    script(
        folder / "rustc",
        'rustup="${RUSTUP_HOME:-$HOME/.rustup}"\n'
        'if [ ! -d "$rustup" ]; then echo "error: no default toolchain" >&2; exit 1; fi\n'
        'exec "$rustup/toolchains/stable/bin/rustc" "$@"\n',
    )
    return folder


def linked(version: str = "1.80.1") -> RustToolchain:
    """A toolchain, wherever it is."""
    text = fingerprint(version)
    return RustToolchain(SystemRust(link_path(text), text))


def described(search_path: Path, found: str = "") -> str:
    return (
        "Building a PyOxidizer binary requires Rust 1.62.1 or newer, but no usable `rustc` is in "
        f"{search_path}.\n\n{found}To fix, install Rust with `rustup` or your system's packages, "
        "or set `[pyoxidizer].rust_search_path` to the folder that contains `rustc`."
    )


def unusable(problem: str) -> str:
    return f"Found, but unusable:\n\n  * {problem}\n\n"


# --- A toolchain that does


@pytest.mark.parametrize("rust", ["system", "auto"])
def test_a_toolchain_on_the_search_path(rust: str, tmp_path: Path) -> None:
    folder = install(tmp_path)
    assert find(folder, rust=rust) == linked()


def test_the_first_that_can_be_used_is_taken(tmp_path: Path) -> None:
    old, first = install(tmp_path / "old", "1.62.0"), install(tmp_path / "first", "1.62.1")
    last = install(tmp_path / "last", "1.90.0")
    assert find(old, first, last) == linked("1.62.1")


@pytest.mark.parametrize("home", ["elsewhere", "home", None])
def test_a_proxy_of_rustup_gives_the_toolchain_behind_it(home: str | None, tmp_path: Path) -> None:
    proxies = install_proxy(tmp_path / "home")
    install(tmp_path / "home" / ".rustup" / "toolchains" / "stable")
    assert find(proxies, home=None if home is None else tmp_path / home) == linked()


def test_the_same_toolchain_elsewhere_is_the_same(tmp_path: Path) -> None:
    one, other = install(tmp_path / "one"), install(tmp_path / "other")
    assert find(one) == find(other)


# --- None that does


def test_none_at_all(tmp_path: Path) -> None:
    assert refusal(tmp_path) == described(tmp_path)


def test_one_that_is_too_old(tmp_path: Path) -> None:
    folder = install(tmp_path, "1.62.0")
    assert refusal(folder) == described(
        folder,
        unusable(f"{folder}/rustc: unsupported version: rustc 1.62.0 (0123abcd 2024-08-06)"),
    )


def test_a_proxy_without_a_toolchain(tmp_path: Path) -> None:
    folder = install_proxy(tmp_path)
    assert refusal(folder) == described(
        folder, unusable(f"{folder}/rustc: failed with: error: no default toolchain")
    )


def test_a_rustc_without_a_cargo(tmp_path: Path) -> None:
    folder = install(tmp_path, tools=("rustc",))
    assert refusal(folder) == described(
        folder, unusable(f"{folder}/rustc: {folder}/cargo cannot be run")
    )


def test_all_that_were_found_are_listed() -> None:
    probes = [
        RustcProbe("/a/rustc", None, "", "it is old"),
        RustcProbe("/b/rustc", None, "", "it fails"),
    ]
    assert describe_problem(["/a", "/b"], probes) == described(
        Path("/a:/b"), unusable("/a/rustc: it is old\n  * /b/rustc: it fails")
    )


def test_an_empty_search_path_is_called_so() -> None:
    assert describe_problem([], []).startswith(
        "Building a PyOxidizer binary requires Rust 1.62.1 or newer, but no usable `rustc` is in "
        "the search path, which is empty.\n\n"
    )


def test_auto_falls_back_to_the_managed_one_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=rust_toolchain.__name__)
    assert find(tmp_path, rust="auto") == RustToolchain(None)
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (
            logging.INFO,
            described(tmp_path) + "\n\nUntil then, PyOxidizer downloads its own Rust.",
        )
    ]


def test_managed_looks_for_nothing() -> None:
    def refuse(request: object) -> None:
        raise AssertionError(request)

    pyoxidizer = create_subsystem(PyOxidizer, rust=RustSource.MANAGED)
    found = run_rule(
        find_rust_toolchain,
        pyoxidizer,
        None,
        mocks={
            find_binary: refuse,
            probe_rustc: refuse,
            make_host_link: refuse,
        },
    )
    assert found == RustToolchain(None)


# --- Pure


@pytest.mark.parametrize(
    ("output", "release"),
    [
        ("rustc 1.80.1 (3f5fd8dd4 2024-08-06)\nbinary: rustc\nrelease: 1.80.1\n", (1, 80, 1)),
        ("rustc 1.82.0-nightly\nrelease: 1.82.0-nightly\nLLVM version: 18.1.7\n", (1, 82, 0)),
        ("cargo 1.80.1 (376290515 2024-07-16)\n", None),
        ("", None),
    ],
)
def test_parse_release(output: str, release: tuple[int, int, int] | None) -> None:
    assert parse_release(output) == release


def test_rustup_homes_are_the_environments_and_the_one_beside_the_proxies() -> None:
    env = {"HOME": "/root", "RUSTUP_HOME": "/elsewhere"}
    assert rustup_homes("/home/user/.cargo/bin/rustc", env) == (
        env,
        {"HOME": "/root", "RUSTUP_HOME": "/home/user/.rustup"},
    )
