# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Pools of processes."""

import os
import sys

from pools.work import process_and_double

EXPECTED = [2 * number for number in range(8)]


def _check(results):
    assert [number for _, number in results] == EXPECTED
    assert os.getpid() not in {process for process, _ in results}


def joblib():
    from joblib import Parallel, delayed

    for backend in ("loky", "multiprocessing"):
        parallel = Parallel(n_jobs=2, backend=backend)
        _check(parallel(delayed(process_and_double)(number) for number in range(8)))


def loky():
    from loky import get_reusable_executor

    executor = get_reusable_executor(max_workers=2)
    _check(executor.map(process_and_double, range(8)))
    # What has no name is pickled by value.
    assert list(executor.map(lambda number: number + sys.version_info[0], [1])) == [4]
    executor.shutdown()


def dask():
    from dask import compute, delayed

    tasks = [delayed(process_and_double)(number) for number in range(8)]
    _check(compute(*tasks, scheduler="processes", num_workers=2))


def distributed():
    from distributed import Client, LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster, Client(cluster) as client:
        _check(client.gather(client.map(process_and_double, range(8))))
