# Licensed under the Apache License, Version 2.0 (see LICENSE).

from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)
