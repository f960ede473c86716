# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Ansible, which runs Python on hosts: on the implicit localhost, that is `sys.executable`."""

import os
import tempfile

from plain.tools import itself, printed


def ping():
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "HOME": folder}
        output = printed(itself("playbook.roles", "ansible", "localhost", "-m", "ping"), env=env)
        assert "localhost | SUCCESS" in output and '"ping": "pong"' in output, output
