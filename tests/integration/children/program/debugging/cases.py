# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A debugger, for which a server is started; and one that attaches to it, as an editor does."""

import subprocess

from plain.tools import itself

from debugging.client import Client


def attach():
    command = itself("debugging.roles", "listen")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    client = Client(int(process.stdout.readline()))
    client.request("initialize", adapterID="test", clientID="test")
    client.send("attach", justMyCode=False)
    client.event("initialized")
    client.request("configurationDone")
    thread = client.event("stopped")["threadId"]
    frame = client.request("stackTrace", threadId=thread)["stackFrames"][0]
    assert frame["name"] == "listen", frame
    value = client.request("evaluate", expression="number + 1", frameId=frame["id"])
    assert value["result"] == "21", value
    client.request("evaluate", expression="number = 5", frameId=frame["id"], context="repl")
    client.request("continue", threadId=thread)
    assert process.stdout.readline() == "number 5\n"
    client.event("terminated")
    client.request("disconnect")
    assert process.wait(30) == 0
