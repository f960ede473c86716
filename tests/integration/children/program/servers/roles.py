# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases start."""

import os
import sys


def gunicorn(folder, workers):
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            self.cfg.set("bind", f"unix:{folder}/socket")
            self.cfg.set("pidfile", f"{folder}/pid")
            self.cfg.set("workers", int(workers))
            self.cfg.set("worker_tmp_dir", folder)

        def load(self):
            from servers.apps import wsgi

            return wsgi

    Application().run()


def uvicorn(folder):
    import uvicorn

    uvicorn.run("servers.apps:asgi", uds=f"{folder}/socket", workers=2, lifespan="off")


def reloading_uvicorn(folder):
    import uvicorn

    sys.path.insert(0, folder)
    os.chdir(folder)
    uvicorn.run("outside:app", uds=f"{folder}/socket", reload=True, lifespan="off")


def hypercorn(folder):
    from hypercorn.config import Config
    from hypercorn.run import run

    config = Config()
    config.application_path = "servers.apps:asgi"
    config.bind = [f"unix:{folder}/socket"]
    config.workers = 2
    run(config)


def reloading_hypercorn(folder):
    from hypercorn.config import Config
    from hypercorn.run import run

    sys.path.insert(0, folder)
    config = Config()
    config.application_path = "outside:app"
    config.bind = [f"unix:{folder}/socket"]
    config.use_reloader = True
    run(config)
