# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""How a program starts itself, and Python."""

import asyncio
import os
import subprocess
import sys
import tempfile

from plain.tools import itself, printed

CODE = "import sys; from plain.roles import double; print(double(21), sys.argv[1:])"
DOUBLED = "42 ['a', '-b']\n"


def restarts():
    folder = os.path.dirname(sys.argv[0])
    for spelling in ("executable", "python", "argv", "orig_argv", "path"):
        command = itself("plain.roles", "restart", spelling, "a", "-b")
        output = printed(command, env={**os.environ, "PATH": folder})
        assert output == "restarted a -b\n", (spelling, output)


def restarts_of_a_module():
    """Started as a Python, it is so again."""
    command = [sys.executable, "-m", "plain.main", "plain.roles", "restart"]
    for spelling in ("executable", "python", "orig_argv"):
        output = printed([*command, spelling, "a", "-b"])
        assert output == "restarted a -b\n", (spelling, output)


def starts_by_argv_0():
    assert printed(itself("plain.roles", "show", "-c", "b")) == f"{sys.argv[0]} -c b\n"
    command = [sys.executable, *itself("plain.roles", "show", "a")]
    assert printed(command) == f"{sys.argv[0]} a\n"


def starts_by_name():
    folder, name = os.path.split(sys.argv[0])
    command = [name, "plain.roles", "show", "-m", "b"]
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    for shell in (["sh", "-c", '"$@"', "sh"], ["env"], []):
        output = printed([*shell, *command], env=env)
        assert output == f"{sys.argv[0]} -m b\n", (shell, output)
    with tempfile.TemporaryDirectory() as tmp:
        link = os.path.join(tmp, "link")
        os.symlink(sys.argv[0], link)
        output = printed(["link", *command[1:]], env={**os.environ, "PATH": tmp})
        assert output == f"{link} -m b\n", output


def python():
    with tempfile.TemporaryDirectory() as tmp:
        script = os.path.join(tmp, "script.py")
        with open(script, "w") as file:
            file.write(CODE)
        for args in (["-c", CODE], [script], ["-I", "-c", CODE], ["-E", script], ["-Ec", CODE]):
            assert printed([sys.executable, *args, "a", "-b"]) == DOUBLED, args
            # What a process starts with no environment, or by way of others, is the same.
            assert printed([sys.executable, *args, "a", "-b"], env={}) == DOUBLED, args
            assert printed(["nice", sys.executable, *args, "a", "-b"]) == DOUBLED, args
        for args in (["-"], ["-u", "-"], ["-I", "-"]):
            assert printed([sys.executable, *args, "a", "-b"], input=CODE) == DOUBLED, args
        assert printed([sys.executable], input=CODE) == "42 []\n"
        assert printed(f'"{sys.executable}" {script} a -b', shell=True) == DOUBLED
    output = printed([sys.executable, "-m", "plain.main", "plain.roles", "show", "a"])
    assert output.endswith("plain/main.py a\n"), output
    assert printed([sys.executable, "-Im", "json.tool"], input="[]") == "[]\n"


def python_in_asyncio():
    async def run():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CODE, "a", "-b", stdout=subprocess.PIPE
        )
        return (await process.communicate())[0].decode()

    assert asyncio.run(run()) == DOUBLED


def python_in_a_script():
    """As installers write them."""
    with tempfile.TemporaryDirectory() as tmp:
        script = os.path.join(tmp, "script")
        with open(script, "w") as file:
            file.write(f"#!{sys.executable}\n{CODE}")
        os.chmod(script, 0o755)
        assert printed([script, "a", "-b"]) == DOUBLED


def runs_its_own_path():
    # With a function for an entry point, it has ended then.
    output = printed(itself("plain.roles", "run_path", "__main__"))
    assert output in ("again\n", "again\nTrue\n"), output
    assert printed(itself("plain.roles", "run_path", "__mp_main__")) == "True\n"
