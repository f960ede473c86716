# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The part of the Debug Adapter Protocol that a client needs."""

import json
import socket


class Client:
    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._file = self._socket.makefile("rwb")
        self._sent = 0
        self._events = []
        self._responses = {}

    def send(self, command, **arguments):
        self._sent += 1
        message = {"seq": self._sent, "type": "request", "command": command}
        data = json.dumps({**message, "arguments": arguments}).encode()
        self._file.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self._file.flush()
        return self._sent

    def request(self, command, **arguments):
        """The body of the response."""
        number = self.send(command, **arguments)
        while number not in self._responses:
            self._receive()
        response = self._responses.pop(number)
        assert response["success"], response
        return response.get("body", {})

    def event(self, name):
        """The body of the first event of this name."""
        while True:
            for event in self._events:
                if event["event"] == name:
                    self._events.remove(event)
                    return event.get("body", {})
            self._receive()

    def _receive(self):
        length = 0
        while True:
            line = self._file.readline()
            assert line, "the connection has ended"
            if not line.strip():
                break
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(self._file.read(length))
        if message["type"] == "event":
            self._events.append(message)
        elif message["type"] == "response":
            self._responses[message["request_seq"]] = message
