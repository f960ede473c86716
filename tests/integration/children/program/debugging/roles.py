# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases start."""

import debugpy


def listen():
    _, port = debugpy.listen(("127.0.0.1", 0))
    print(port, flush=True)
    debugpy.wait_for_client()
    number = 20
    debugpy.breakpoint()
    print("number", number)
