# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What a user reads after a mistake, and that nothing was built by then."""

from __future__ import annotations

from integration.projects import project
from integration.repository import Repository
from unit.wheels import write_wheel


def write(repository: Repository, name: str, fields: str, dist: str = "", code: str = "") -> None:
    repository.write(project(name, code, {"bin": fields}, distribution=dist))


def assert_nothing_was_built(message: str) -> None:
    assert "Building the Python" not in message and "with PyOxidizer" not in message


def test_an_entry_point_that_is_in_no_wheel(repository: Repository) -> None:
    write(repository, "entry", 'entry_point="entry.mian"')
    message = repository.fail("package", "entry:bin")
    assert (
        "The `entry_point` field in target entry:bin is 'entry.mian', which cannot be run. "
        "The module `entry.mian` is in none of the wheels. Similar names: `entry.main`."
    ) in message
    assert_nothing_was_built(message)


def test_a_distribution_without_wheel(repository: Repository) -> None:
    write(repository, "nowheel", "", dist="wheel=False,")
    message = repository.fail("package", "nowheel:bin")
    assert (
        "The `pyoxidizer_binary` target nowheel:bin must include in its `dependencies` field at "
        "least one `python_distribution` target that produces a `.whl` file"
    ) in message
    assert "Building" not in message


def test_a_distribution_that_is_not_named(repository: Repository) -> None:
    write(repository, "base", "")
    write(repository, "user", 'entry_point="user.main"', code="import base.main\n")
    message = repository.fail("package", "user:bin")
    assert "user_dist-0.0.1-py3-none-any.whl requires `base-dist" in message
    assert "==0.0.1`, which is missing" in message.replace(" (==0.0.1)", "==0.0.1")
    assert_nothing_was_built(message)


def test_a_requirement_with_wheels_for_another_python_only(repository: Repository) -> None:
    dist_info = "native39-1.0.dist-info"
    tag = "cp39-cp39-linux_x86_64"
    links = repository.path / "links"
    links.mkdir()
    write_wheel(
        links / f"native39-1.0-{tag}.whl",
        {
            "native39.py": "",
            f"{dist_info}/METADATA": "Metadata-Version: 2.1\nName: native39\nVersion: 1.0\n",
            f"{dist_info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
            f"{dist_info}/RECORD": "",
        },
    )
    write(repository, "tags", "", code="import native39\n")
    build = repository.path / "tags/BUILD"
    requirement = 'python_requirement(name="native39", requirements=["native39==1.0"])\n'
    build.write_text(build.read_text() + requirement)
    message = repository.fail(
        "--python-repos-indexes=[]",
        f"--python-repos-find-links=['file://{links}']",
        "package",
        "tags:bin",
    )
    assert "Cannot resolve the third-party requirements of these distributions for" in message
    assert "CPython==3.11." in message and "* tags:dist" in message
    assert "has a file of `native39==1.0` that this Python can use" in message
    assert "choose a version that has a wheel for this Python" in message
    assert_nothing_was_built(message)


def test_named_caches_in_the_repository(repository: Repository) -> None:
    write(repository, "caches", "", dist='interpreter_constraints=["CPython==3.8.*"],')
    options = ("--no-pantsd", f"--named-caches-dir={repository.path}/ci/caches")
    # The second time, the folder is there from the beginning.
    for _ in range(2):
        message = repository.fail(*options, "package", "caches:bin")
        assert (
            f"`[GLOBAL].named_caches_dir` is {repository.path}/ci/caches, a folder of this "
            "repository that Pants does not ignore, so Pants would fail on the symbolic links in "
            "it. To fix, add `/ci/caches/` to `[GLOBAL].pants_ignore` or `.gitignore`."
        ) in message
    ignored = """--pants-ignore=+["/ci/caches/"]"""
    message = repository.fail(*options, ignored, "package", "caches:bin")
    assert "named_caches_dir" not in message and ",==3.8.*," in message


def test_a_misspelt_template_parameter(repository: Repository) -> None:
    write(repository, "typo", 'template="t.bzlt"')
    repository.write({"typo/t.bzlt": "def make_exe():\n    exe.pip_install($WHEEL)\n"})
    message = repository.fail("package", "typo:bin")
    assert (
        "The `template` field in target typo:bin names typo/t.bzlt, which cannot be used: line 2 "
        "uses the unknown parameter `$WHEEL`. Did you mean `$WHEELS`?"
    ) in message
    assert "Building" not in message


def test_two_binaries_in_one_folder(repository: Repository) -> None:
    write(repository, "one", 'output_path="apps", entry_point="one.main"')
    write(repository, "two", 'output_path="apps", entry_point="two.main", binary_name="two"')
    message = repository.fail("package", "one:bin", "two:bin")
    assert "is 'apps', and that of the target" in message
    assert "packaging one would delete the files of the other. To fix, change the" in message
    assert_nothing_was_built(message)


def test_no_rust(repository: Repository) -> None:
    write(repository, "norust", 'entry_point="norust.main"')
    message = repository.fail("--pyoxidizer-rust-search-path=['/nowhere']", "package", "norust:bin")
    assert (
        "Building a PyOxidizer binary requires Rust 1.62.1 or newer, but no usable `rustc` is in "
        "/nowhere. To fix, install Rust with `rustup` or your system's packages"
    ) in message


def test_no_c_compiler(repository: Repository) -> None:
    write(repository, "nocc", 'entry_point="nocc.main"')
    message = repository.fail(
        "--pyoxidizer-c-toolchain-search-path=['/nowhere']", "package", "nocc:bin"
    )
    assert (
        "Building a PyOxidizer binary requires `cc` and `ar`, missing from /nowhere. "
        "To fix, install a C toolchain"
    ) in message


def test_a_starlark_error_shows_pyoxidizers_last_lines(repository: Repository) -> None:
    write(repository, "star", 'template="t.bzlt"')
    repository.write({"star/t.bzlt": "# One\nfail('on purpose: $NAME')\n"})
    message = repository.fail("package", "star:bin")
    assert (
        "There is an error in the template star/t.bzlt, line 2: fail(): on purpose: bin. To fix, "
        "correct the template."
    ) in message
    assert "PyOxidizer failed with exit status 1." in message
    assert "on purpose: bin" in message


def test_both_backends_at_once(repository: Repository) -> None:
    own = "pants.backend.experimental.python.packaging.pyoxidizer"
    message = repository.fail(f"--backend-packages=+['{own}']", "--no-pantsd", "help", "targets")
    assert "`pants_pyoxidizer`" in message and own in message
    assert "Traceback" not in message
