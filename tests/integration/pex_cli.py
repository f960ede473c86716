# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The releases of Pex that Pants is tested with."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# The Pex of Pants 2.17, which knows Python up to 3.11. That of the launcher is newer.
VERSION_OF_PANTS = "2.1.137"
REQUIREMENT = (
    f"pex=={VERSION_OF_PANTS}"
    " --hash=sha256:5031c3b283d63470faeaf82d0fc1344e6f71b3ad4ac4ca34572a42bae6dfc4b8"
    " --hash=sha256:cb0ce6cf64757dd5ba4f34c4607ab485f7909e6c24cd479ca28ce52205f0edeb\n"
)


@dataclass(frozen=True)
class PexCli:
    version: str
    path: Path

    @classmethod
    def of_pants(cls, folder: Path) -> PexCli:
        """Make the one that Pants uses by default."""
        (folder / "requirements.txt").write_text(REQUIREMENT)
        env = {name: value for name, value in os.environ.items() if not name.startswith("PEX")}
        subprocess.run(
            [sys.executable, "-m", "pex", "-r", "requirements.txt", "-c", "pex", "-o", "pex"],
            cwd=folder,
            env=env,
            check=True,
        )
        return cls(VERSION_OF_PANTS, folder / "pex")

    @classmethod
    def of_launcher(cls) -> PexCli:
        """The one that the launcher, which runs the tests, has set."""
        url = os.environ["PANTS_PEX_CLI_URL_TEMPLATE"]
        return cls(os.environ["PANTS_PEX_CLI_VERSION"][len("v") :], Path(url[len("file://") :]))

    @property
    def options(self) -> list[str]:
        """For Pants to use it."""
        content = self.path.read_bytes()
        machine = platform.machine().replace("aarch64", "arm64")
        checksum = hashlib.sha256(content).hexdigest()
        return [
            f"--pex-cli-version=v{self.version}",
            f"--pex-cli-url-template=file://{self.path}",
            f"--pex-cli-known-versions=['v{self.version}|linux_{machine}|{checksum}|{len(content)}']",
        ]
