# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases start."""


def ansible(*args):
    from ansible.cli.adhoc import main

    main(["ansible", *args])
