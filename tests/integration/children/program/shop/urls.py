# Licensed under the Apache License, Version 2.0 (see LICENSE).

import outside
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse(outside.TEXT))]
