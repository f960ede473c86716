# Licensed under the Apache License, Version 2.0 (see LICENSE).


def double(number):
    return 2 * number
