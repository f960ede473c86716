# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Requirements from an index that wants a password, and where that password gets to.

As docs/usage.md says, a URL with a password is an argument of Pants' own Pex and pip, which no
plugin can change. What is in a netrc file gets nowhere.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest
from pants.backend.python.subsystems.repos import PythonRepos

from integration.private_index import (
    Index,
    Proxy,
    files_with,
    make_certificate,
    serve,
    serve_proxy,
    watch_arguments,
)
from integration.repository import Repository, run_binary
from integration.small_distributions import make_sdist, make_wheel, program_files


@dataclass(frozen=True)
class Company:
    """What is behind the firewall."""

    repository: Repository
    index: Index
    proxy: Proxy
    netrc: Path

    def write_netrc(self, password: str) -> None:
        # Of one of the index's two names: URLs with the other one have a password themselves.
        self.netrc.write_text(f"machine 127.0.0.1 login jane password {password}\n")
        self.netrc.chmod(0o600)

    def add(self, name: str, *requirements: str, resolve: str = "unlocked") -> None:
        self.repository.write(program_files(name, requirements, resolve))

    def package(self, name: str, *options: str) -> str:
        """Everything that Pants prints, and then what the executable does."""
        result = self.repository.succeed(*self.options, *options, "package", f"{name}:bin")
        (binary,) = self.repository.path.glob(f"dist/{name}/bin/*/*/install/bin")
        ran = run_binary(binary)
        assert ran.returncode == 0, ran.stderr
        return f"{result.stdout}{result.stderr}\n{ran.stdout}"

    @property
    def options(self) -> tuple[str, ...]:
        authorities = self.index.certificate.authorities
        return (f"--ca-certs-path={authorities}", "--pants-config-files=company.toml")

    def use_urls(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Have the password in URLs from now on, with the option that is returned."""
        monkeypatch.setenv("INDEX_PASSWORD", self.index.password)
        login = "jane:%(env.INDEX_PASSWORD)s"
        index = self.index.url("/simple/", login, "localhost")
        links = self.index.url("/links/", login, "localhost")
        self.repository.write(
            {
                "urls.toml": f"""\
                    [python]
                    enable_resolves = false

                    [python-repos]
                    indexes = ["{PythonRepos.pypi_index}", "{index}"]
                    find_links = ["{links}"]
                    """
            }
        )
        return "--pants-config-files=urls.toml"

    def assert_kept(self, said: str) -> None:
        """The password is neither in what was said nor in any file."""
        forms = (self.index.password, self.index.token)
        assert not any(form in said for form in forms)
        assert list(self.repository.path.glob(".pants.d/**/logs"))
        assert list(self.repository.path.glob("dist/**/*.cdx.json"))
        assert files_with(forms, self.repository.path) == []


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("company")
    certificate = make_certificate(folder / "certificate")
    (folder / "files").mkdir()
    index = Index(folder / "files", certificate, "jane", secrets.token_hex(12))
    with serve(index), serve_proxy() as proxy:
        repository = Repository.create(folder / "code", "report = true\n")
        repository.write(
            {
                "company.toml": f"""\
                    [python]
                    enable_resolves = true
                    default_resolve = "default"

                    [python.resolves]
                    default = "default.lock"
                    old = "old.lock"
                    unlocked = "unlocked.lock"

                    [python-repos]
                    indexes = ["{PythonRepos.pypi_index}", "{index.url('/simple/')}"]

                    [subprocess-environment]
                    env_vars.add = ["NETRC={folder / 'netrc'}", "HTTPS_PROXY={proxy.url}"]
                    """
            }
        )
        yield Company(repository, index, proxy, folder / "netrc")
        repository.stop_pantsd()


def test_a_password_in_urls_gets_to_pex_and_pip_alone(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = company.index
    make_wheel(index.folder, "oursindexed", requires="oursquietly")
    make_wheel(index.folder, "oursquietly")
    make_wheel(index.folder, "ourslinked")
    company.add("urls", "oursindexed==1.0", "ourslinked==1.0")
    urls = company.use_urls(monkeypatch)
    with watch_arguments(index.password) as arguments:
        said = company.package("urls", urls)
    assert said.endswith("\noursindexed 1.0\nourslinked 1.0\n")
    assert "/links/" in index.served
    company.assert_kept(said)
    # Pants starts Pex, and that one pip.
    assert arguments
    assert [line for line in arguments if "pex" not in line or "__programs" in line] == []


def test_a_password_in_a_netrc_file_gets_nowhere(
    company: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Through a proxy, with a lockfile, and source distributions in it."""
    index = company.index
    company.write_netrc(index.password)
    make_wheel(index.folder, "ourslocked", note=secrets.token_hex())  # Fetched in each run.
    make_sdist(index.folder, "ourssourced")
    make_sdist(index.folder, "oursnative", native=True)
    company.add("kept", "ourslocked==1.0", "ourssourced==1.0", "oursnative==1.0", resolve="default")
    # Or else what was downloaded for the lockfile would not be downloaded again.
    caches = f"--named-caches-dir={tmp_path_factory.mktemp('caches')}"
    with watch_arguments(index.password) as arguments:
        locked = company.repository.succeed(
            *company.options, "-ldebug", caches, "generate-lockfiles", "--resolve=default"
        )
        index.served.clear()
        said = company.package("kept", "-ldebug")
    assert said.endswith("\nourslocked 1.0\nourssourced 1.0 42\noursnative 1.0 42\n")
    assert "/files/oursnative-1.0.tar.gz" in index.served
    assert {f"127.0.0.1:{index.port}"} < set(company.proxy.hosts)
    company.assert_kept(locked.stdout + locked.stderr + said)
    lockfile = (company.repository.path / "default.lock").read_text()
    assert index.url("/files/ourssourced-1.0.tar.gz") in lockfile and "jane" not in lockfile
    assert arguments == []


def test_a_password_that_is_refused(company: Company) -> None:
    index = company.index
    wrong = secrets.token_hex(12)
    company.write_netrc(wrong)
    make_wheel(index.folder, "oursrefused")
    company.add("wrong", "oursrefused==1.0")
    index.refused.clear()
    message = company.repository.fail(
        *company.options, "--no-python-enable-resolves", "package", "wrong:bin"
    )
    assert "/simple/oursrefused/" in index.refused
    assert (
        "has a file of `oursrefused==1.0` that this Python can use: neither a wheel nor a source "
        "distribution. pip skips an index that rejects the user name or password. To fix,"
    ) in message
    assert "correct the user name and password in the netrc file" in message
    assert wrong not in message


def test_a_password_in_urls_that_is_refused(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(company.index.folder, "ourschanged")
    company.add("changed_password", "ourschanged==1.0")
    urls = company.use_urls(monkeypatch)
    secret = company.index.password
    monkeypatch.setattr(company.index, "password", secrets.token_hex(12))
    message = company.repository.fail(
        *company.options, urls, "--print-stacktrace", "package", "changed_password:bin"
    )
    assert "has a file of `ourschanged==1.0` that this Python can use" in message
    assert f"--extra-index-url https://****@localhost:{company.index.port}/simple/" in message
    assert secret not in message


def test_a_lockfile_for_another_python(company: Company) -> None:
    index = company.index
    company.write_netrc(index.password)
    make_wheel(index.folder, "ours39", tag="cp39-cp39-linux_x86_64")
    company.add("another", "ours39==1.0", resolve="old")
    company.repository.succeed(*company.options, "generate-lockfiles", "--resolve=old")
    message = company.repository.fail(*company.options, "package", "another:bin")
    assert "of these distributions for CPython==3.11." in message
    assert "ours39-1.0-cp39-cp39-linux_x86_64.whl" in message
    assert (
        "The lockfile has no file of `ours39` that this Python can use: neither a source "
        "distribution nor a wheel with a tag such as cp311-cp311-"
    ) in message
