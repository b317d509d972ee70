"""The cluster: processes of this machine by default, an existing scheduler, or whatever client the user's own function makes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prodlint.configuration.settings import SettingsError
from prodlint.engine.analysis import processors

# What Dask notes for its own pages, which nobody sees here: where a task was handed out, and what each worker does every ten milliseconds.
QUIET = {"distributed.diagnostics.computations.nframes": 0, "distributed.worker.profile.enabled": False}


@contextmanager
def connected(scheduler: str = "", made_by: str = "", workers: int = 0) -> Iterator[Any]:
    """A Dask client. scheduler: the address of one that runs. made_by: `package.module:function`, which gives a `distributed.Client`.

    Raises SettingsError.
    """
    if scheduler and made_by:
        raise SettingsError("`--scheduler` and `--client` both say where to run; use one of the two")
    if scheduler:
        from distributed import Client

        try:
            client = Client(scheduler, timeout="30s", set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise SettingsError(f"no scheduler at `{scheduler}`: {error}") from None
        with client:
            yield client
    elif made_by:
        with _made(made_by) as client:
            yield client
    else:
        with _local(workers or processors()) as client:
            yield client


def _made(name: str) -> Any:
    from importlib import import_module

    module, colon, function = name.partition(":")
    try:
        found = getattr(import_module(module), function) if colon else None
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"`--client {name}`: {error}") from None
    if not callable(found):
        raise SettingsError(f"`--client {name}`: write package.module:function")
    return found()


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    # Whoever reaches a scheduler may run code in its workers, and any user of a machine reaches its ports: keys that live as long as the run.
    security = Security.temporary()
    settings = {
        **QUIET,
        "distributed.comm.timeouts.connect": "60s",
        # A worker that died is started again, which takes a busy machine its time; where it was not back by then, the cluster would forget it.
        "distributed.deploy.lost-worker-timeout": "1h",
        # Where none comes back, what waits fails instead of waiting for ever.
        "distributed.scheduler.no-workers-timeout": "10 minutes",
        # Pages of Dask's own, about which repositories are looked at: for nobody.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with (
        tempfile.TemporaryDirectory(prefix="prodlint-fleet-", ignore_cleanup_errors=True) as scratch,
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            local_directory=scratch,
            security=security,
            silence_logs=50,
            host="127.0.0.1",
            preload=["prodlint.fleet.worker"],
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def memory_of(text: str, workers: int) -> int:
    """Bytes that one repository may take: `auto` (what the machine has, shared among the workers), a number with a unit, or 0 for no limit.

    Raises SettingsError.
    """
    if text == "auto":
        import psutil

        return int(psutil.virtual_memory().total * 0.8) // (workers or processors())
    from dask.utils import parse_bytes

    try:
        return int(parse_bytes(text))
    except ValueError:
        raise SettingsError(f"`--memory-limit {text}`: write a size such as 2GiB, or `auto`") from None
