"""PRD606 file-watcher-in-production: programs that watch files and start others, and the scheduler inside of every worker."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, commands, documents
from prodlint.facts import Command, Document
from prodlint.project.production import priority_of, runs_in_production

_WATCHERS = ("nodemon", "entr", "watchexec", "reflex", "hupper", "jurigged", "py-mon", "pymon", "chokidar", "onchange", "when-changed")


@check("PRD606", on=[commands(*_WATCHERS)], required_literals=list(_WATCHERS))
def watched(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`nodemon --exec python app.py`, `hupper -m app`, `jurigged app.py`."""
    if runs_in_production(command, context):
        yield Diagnostic(
            command, f"`{command.program}` restarts the service whenever a file changes", priority=priority_of(command, context)
        )


@check("PRD606", on=[commands("celery")], required_literals=[("celery", "-b"), ("celery", "--beat")])
def beat_in_worker(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`celery worker -B`: a second worker is a second scheduler, and every task runs twice."""
    index = command.flag("-B", "--beat")
    if context.options.get("beat") and index != -1 and "worker" in command.argv and runs_in_production(command, context):
        at = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
        yield Diagnostic(
            at,
            f"`celery worker {command.argv[index]}` runs the scheduler inside the worker: with two workers every task runs twice",
            priority="P2",
        )


@check("PRD606", on=[documents("compose")], required_literals=[("develop", "watch")], files=("yaml",))
def watched_by_compose(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`develop.watch` in the file that production starts."""
    services = document.root.get("services")
    for name, service in services.members.items() if services is not None and services.kind == "mapping" else ():
        watch = service.get("develop", "watch")
        if watch is not None:
            at = ByteRange(document.source, watch.key_start, watch.key_end)
            yield Diagnostic(at, f"`develop.watch` of `{name}` belongs in `compose.override.yaml`", priority="P2")
