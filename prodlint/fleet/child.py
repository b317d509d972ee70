"""The process that reads repositories for a worker, one after the other, until it is told no more.

It stands apart from the worker, because what it reads is a stranger's: a file that takes all memory, or kills its reader, ends this process and not the
worker, which goes on talking to its scheduler meanwhile. Jobs come on standard input and answers go to standard output, each with its length before it.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import sys
import threading
import zlib
from contextlib import suppress
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

from prodlint.configuration.settings import SettingsError
from prodlint.engine.analysis import where_raised
from prodlint.engine.catalogue import PageError
from prodlint.fleet import checkout, scan, sources
from prodlint.fleet.job import Job
from prodlint.fleet.organisation import Organisation, digest, own_digest, unbundle
from prodlint.messages import receive, send
from prodlint.values.covering import cover, random_words

# What the interpreter, the grammars and the catalogue take, and git beside them, before the first file is read.
_BASE_MEMORY = 1 << 30
# A file that git writes, of which a hostile server sends no end.
_LARGEST_FILE = 4 << 30


def main() -> None:
    """Answer jobs until standard input ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is none of the answer
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)  # what a key means is the parent's to say
    waiting: SimpleQueue[tuple[Job, bytes, str, list[bytes]]] = SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    # prodlint: ignore[PRD210] -- `answer` catches what a repository may raise; when this process ends all the same, its parent starts another
    while True:
        job, bundle, work, parts = waiting.get()
        send(out, answer(job, bundle, work, parts))


def _listen(waiting: SimpleQueue[Any]) -> None:
    """Take jobs; when whoever gives them has gone, leave at once, whatever is being read."""
    stream = sys.stdin.buffer
    while True:
        try:
            waiting.put(receive(stream))
        except (EOFError, OSError):
            os._exit(1)


def limit(memory: int) -> None:
    """Let no file that is written grow without end, and no memory be taken without end (the parent watches what is really used)."""
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if memory and sys.platform == "linux":
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (memory + _BASE_MEMORY, resource.RLIM_INFINITY))


def answer(job: Job, bundle: bytes, work: str, parts: list[bytes]) -> dict[str, Any]:
    """What became of a job. `told`: the rows, packed; `rows`: the outcomes of a part, packed; or `failed`: the kind of failure, and why."""
    if digest(bundle) != job.bundle:
        return failed("worker", "what the worker was told of the organisation is not what was sent")
    if own_digest() != job.own:
        return failed("worker", "the worker has another prodlint than the one that gave the job out")
    try:
        return _answer(job, bundle, work, parts)
    except checkout.Unreachable as error:
        return failed("unreachable", sources.shown(str(error)))
    except scan.Large as error:
        return {"large": error.files}
    except (SettingsError, PageError) as error:
        return failed("settings", str(error).replace(work, ""))
    except MemoryError:
        return failed("memory", _told_memory(job.memory))
    except RecursionError:
        return failed("bug", "nested too deeply")
    except OSError as error:
        return failed("machine", f"{(error.strerror or str(error)).lower()}")
    except Exception as error:  # without values, which might be secrets
        return failed("bug", f"a bug in prodlint: {type(error).__name__} in {where_raised(error)}; please report it")


def failed(kind: str, why: str) -> dict[str, Any]:
    """The answer for a repository that could not be checked. kind: see `dataset.ERRORS`."""
    # What a repository's settings or paths say is quoted: nothing in it that looks like a secret.
    return {"failed": (kind, cover(why, random_words(why)))}


def _told_memory(memory: int) -> str:
    return f"it takes more than {memory / 1e6:,.0f} MB of memory" if memory else "not enough memory"


def _answer(job: Job, bundle: bytes, work: str, parts: list[bytes]) -> dict[str, Any]:
    known = job.known
    if known is not None and known.rules == job.rules and known.state and known.state == checkout.state_of(job.source, work, job.timeout):
        return {"unchanged": known.state}
    organisation, folders = _told_once(bundle)
    try:
        tree = checkout.bring(job.source, work, job.timeout)
        if job.state and tree.state != job.state:
            return failed("changed", "it changed while its parts were checked")
        if job.part[1] > 1:
            return {"rows": zlib.compress(pickle.dumps(scan.check_part(tree.root, job, organisation, folders)), 1)}
        rows = None
        if parts:
            rows = {row[0]: row for part in parts for row in pickle.loads(zlib.decompress(part))}  # noqa: S301 - made by another worker of this run
        told = scan.check(tree.root, job, organisation, folders, rows)
    except scan.Large as error:
        return {"large": error.files, "state": tree.state}
    finally:
        shutil.rmtree(os.path.join(work, "tree"), ignore_errors=True)
    told |= {"commit": tree.commit, "state": tree.state}
    return {"told": zlib.compress(json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode(), 1)}


@lru_cache(maxsize=2)
def _told_once(bundle: bytes) -> tuple[Organisation, tuple[str, ...]]:
    import tempfile

    return unbundle(bundle, tempfile.mkdtemp(prefix="bundle-", dir=os.environ.get("PRODLINT_FLEET_WORK") or None))


if __name__ == "__main__":
    limit(int(os.environ.get("PRODLINT_FLEET_MEMORY", "0")))
    main()
