# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases start."""

import os
import sys


def manage(*args):
    from django.core.management import execute_from_command_line

    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    sys.path.insert(0, os.environ["SHOP_DATA"])
    execute_from_command_line([sys.argv[0], *args])
