# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What execnet has the other process run, by its source."""

if __name__ == "__channelexec__":
    import os

    from suite.work import double

    channel.send((os.getpid(), double(21)))  # noqa: F821
