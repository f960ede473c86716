# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Its broker and its results are folders."""

import os

from celery import Celery

FOLDER = os.environ["TASKS_FOLDER"]
for name in ("queue", "control", "results"):
    os.makedirs(os.path.join(FOLDER, name), exist_ok=True)
app = Celery("tasks", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.broker_transport_options = {
    "data_folder_in": f"{FOLDER}/queue",
    "data_folder_out": f"{FOLDER}/queue",
    "control_folder": f"{FOLDER}/control",
}
app.conf.broker_connection_retry_on_startup = True


@app.task
def double(number):
    return os.getpid(), 2 * number
