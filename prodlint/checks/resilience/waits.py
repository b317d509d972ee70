"""Waits on others without an end, or with one that comes too late: SDKs (PRD525), brokers (PRD524), gRPC (PRD526), threads, processes
and queues (PRD527), tasks of workers (PRD528).

The defaults were read in the released packages; `tests/facts/facts.toml` names versions and places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    every,
    project_check,
    project_fact,
    text,
)
from prodlint.facts import Assignment, Call, Constant, Expression, Function, Module, Operation, Text, calls_in
from prodlint.model import Evidence, FixRequest, Priority, Related
from prodlint.values.expressions import follow
from prodlint.values.places import (
    calls_on,
    decorator_name,
    enclosing,
    has_deadline,
    is_handler,
    is_imported,
    is_number,
    shown,
    value_of,
)

# ---------------------------------------------------------------- PRD525: SDKs


@dataclass(frozen=True, slots=True)
class Sdk:
    """A client whose default is too long. keywords: any of them sets a limit, or hands it to somebody else; words: the default."""

    keywords: tuple[str, ...]
    words: str
    priority: Priority | None = None


_AZURE = Sdk(("connection_timeout", "read_timeout", "transport"), "waits 300 s to connect and 300 s for an answer by default")
_OPENAI = Sdk(("timeout", "http_client"), "waits 600 s for an answer by default, and tries three times")
SDKS: Mapping[str, Sdk] = {
    **{f"openai.{name}": _OPENAI for name in ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI")},
    **{
        f"anthropic.{name}": _OPENAI
        for name in ("Anthropic", "AsyncAnthropic", "AnthropicBedrock", "AsyncAnthropicBedrock", "AnthropicVertex", "AsyncAnthropicVertex")
    },
    **{f"cohere.{name}": Sdk(("timeout", "httpx_client"), "waits 300 s for an answer by default") for name in ("Client", "AsyncClient", "ClientV2", "AsyncClientV2")},
    **{f"ollama.{name}": Sdk(("timeout",), "waits without limit by default") for name in ("Client", "AsyncClient")},
    "stripe.StripeClient": Sdk(("http_client",), "waits 80 s for an answer by default"),
    "twilio.rest.Client": Sdk(("http_client",), "waits without limit by default"),
    **{
        name: Sdk(("config",), "waits 60 s to connect and 60 s for an answer by default, and tries five times")
        for name in ("boto3.client", "boto3.resource", "boto3.Session.client", "boto3.session.Session.client", "boto3.Session.resource", "boto3.session.Session.resource")
    },
    # Files take their time; what is too long is that nobody chose it.
    **{
        f"azure.{name}": replace(_AZURE, priority="P2")
        for client in ("storage.blob.BlobServiceClient", "storage.blob.ContainerClient", "storage.blob.aio.BlobServiceClient", "storage.queue.QueueServiceClient", "storage.queue.QueueClient", "data.tables.TableServiceClient", "data.tables.TableClient")
        for name in (client, f"{client}.from_connection_string")
    },
    **{f"azure.keyvault.{name}": _AZURE for name in ("secrets.SecretClient", "keys.KeyClient", "certificates.CertificateClient", "secrets.aio.SecretClient")},
    "minio.Minio": Sdk(("http_client",), "waits 300 s for an answer by default", "P2"),
}  # fmt: skip
# Services whose calls are long by nature, or are waited for in turns.
_LONG_AWS = frozenset(("s3", "sagemaker-runtime", "bedrock-runtime", "lambda", "transcribe", "batch", "glacier"))


@check("PRD525", on=[calls(*SDKS)], required_literals=[tuple(sorted({part.lower() for part in name.split(".")})) for name in SDKS])
def sdk_default(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A client of an SDK that leaves the limit to a default of minutes."""
    if not context.options.get("bounded") and not _holds_a_worker(call.name):
        return
    places = _that_keep_default(call.module, call.name)
    if places and places[0].start == call.start:
        related = tuple(Related(call.file.path, other.span, "here too") for other in places[1:])
        yield Diagnostic(
            call,
            f"`{shown(call) if '.' in call.function.text else call.name}` {SDKS[call.name].words}",
            priority=SDKS[call.name].priority,
            related=related,
        )


def _holds_a_worker(name: str) -> bool:
    """Whether a client without a limit of its own may hold a worker for minutes.

    Asynchronous clients of language models hold none, and AWS's minute is a limit that works.
    """
    return not name.startswith("boto3.") and not (SDKS[name].words == _OPENAI.words and name.rpartition(".")[2].startswith("Async"))


@lru_cache(maxsize=32)
def _that_keep_default(module: Module, name: str) -> tuple[Call, ...]:
    """The clients of a file that are made by this name and keep its default."""
    return tuple(call for call in module.calls() if call.name == name and _keeps_default(call))


def _keeps_default(call: Call) -> bool:
    """Whether a client is made without a limit, and nothing around it or later gives it one."""
    sdk = SDKS[call.name]
    if call.stars or not is_imported(call) or any(keyword in call.keywords for keyword in sdk.keywords):
        return False
    if call.scope.guards & {"main", "debug", "environment"} or has_deadline(call, call.module):
        return False
    if call.name.startswith("boto3"):
        return (
            value_of(call.argument(0, "service_name"), call.module, call) not in _LONG_AWS
            and b"setup_default_session" not in call.source.data
        )
    return not any("timeout" in other.keywords for other in calls_on(call, ("with_options",)))


# ---------------------------------------------------------------- PRD524: brokers

_POLLS: Mapping[str, tuple[int, str, str]] = {
    "confluent_kafka.Consumer.poll": (0, "timeout", "waits for a message without limit"),
    "confluent_kafka.Consumer.consume": (1, "timeout", "waits for messages without limit"),
    "confluent_kafka.Producer.flush": (0, "timeout", "waits for the broker without limit"),
    "confluent_kafka.Producer.list_topics": (1, "timeout", "waits for the broker without limit"),
    "confluent_kafka.Consumer.list_topics": (1, "timeout", "waits for the broker without limit"),
    "confluent_kafka.SerializingProducer.flush": (0, "timeout", "waits for the broker without limit"),
    "confluent_kafka.DeserializingConsumer.poll": (0, "timeout", "waits for a message without limit"),
    "kafka.KafkaProducer.flush": (0, "timeout", "waits for the broker without limit"),
    "kombu.Connection.drain_events": (-1, "timeout", "waits for an event without limit"),
}


@check("PRD524", on=[calls(*_POLLS)], required_literals=["confluent_kafka", ("kafka", "flush"), ("kombu", "drain_events")])
def broker_wait(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A wait for a broker without a limit: while it is down, the process neither works nor stops."""
    position, keyword, words = _POLLS[call.name]
    given = call.argument(position, keyword)
    if call.stars or not is_imported(call):
        return
    if given is not None:
        if not (value_of(given, call.module, call) is None or _is_negative(given)):
            return
    yield Diagnostic(call, f"`{shown(call)}` without a timeout {words}")


# What gives a task's result to wait for, and what of a library's own names does.
_STARTS_TASK = frozenset(("delay", "apply_async", "send_task"))


@check(
    "PRD524",
    on=[calls("*.get")],
    required_literals=[("celery", ".get("), (".delay(", ".get("), ("kafkaproducer", ".get("), ("asyncresult", ".get(")],
    files=["python"],
)
def result_wait(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`add.delay(1, 2).get()` and `AsyncResult(id).get()` of Celery, `producer.send(...).get()` of kafka-python."""
    if call.arguments or call.stars or call.receiver is None:
        return
    given = call.keywords.get("timeout")
    if given is not None and value_of(given, call.module, call) is not None or has_deadline(call, call.module):
        return
    made = follow(call.module, call.receiver, call)
    if not isinstance(made, Call):
        return
    if made.method in _STARTS_TASK or made.method == "AsyncResult" and not made.name.startswith("multiprocessing"):
        yield Diagnostic(call, f"`{shown(call)}` without a timeout waits for a worker without limit")
    elif made.name == "kafka.KafkaProducer.send":
        yield Diagnostic(call, f"`{shown(call)}` without a timeout waits for the broker without limit")


def _is_negative(expression: Expression) -> bool:
    """`-1`, which librdkafka and rq take for "no limit"."""
    return isinstance(expression, Operation) and expression.operator == "-" and len(expression.operands) == 1


_RABBIT = ("pika.ConnectionParameters", "pika.URLParameters", "pika.connection.ConnectionParameters", "pika.connection.URLParameters")


@check("PRD524", on=[calls(*_RABBIT)], required_literals=["pika"])
def rabbit_blocked(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """pika: a broker short of memory blocks its publishers, and they wait for ever without `blocked_connection_timeout`."""
    if (
        call.stars
        or not is_imported(call)
        or "blocked_connection_timeout" in call.keywords
        or b"blocked_connection_timeout" in call.source.data
    ):
        return
    if call.method == "URLParameters" and not isinstance(call.argument(0), Constant):
        return  # the URL may bring it
    if any(word in call.source.data for word in (b"basic_publish", b"BlockingConnection")):
        yield Diagnostic(
            call,
            f"`{shown(call)}` without `blocked_connection_timeout`: a broker that is short of memory blocks publishers without limit",
            priority="P2",
        )


@check("PRD524", on=[calls("aio_pika.connect", "aio_pika.connect_robust")], required_literals=["aio_pika"])
def rabbit_connect(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """aio-pika: no limit to connect by default."""
    if not call.stars and is_imported(call) and "timeout" not in call.keywords and not has_deadline(call, call.module):
        fix = FixRequest("set-keyword", "Give up connecting after 10 s", False, (("keyword", "timeout"), ("value", "10")))
        yield Diagnostic(call, f"`{shown(call)}` without `timeout` waits for the broker without limit", priority="P2", fix=fix)


# ---------------------------------------------------------------- PRD526: gRPC


@check("PRD526", on=[every(Function)], required_literals=[("grpc", "stub(")])
def call_without_deadline(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A method of a gRPC stub that is called without `timeout`."""
    for call in calls_in(function.body):
        made = call.constructor
        if made is None or not made.method.endswith("Stub") or not made.arguments or not call.method[:1].isupper():
            continue
        if call.stars or "timeout" in call.keywords or has_deadline(call, call.module) or _intercepted(made):
            continue
        yield Diagnostic(
            call,
            f"`{shown(call)}` has no deadline: without `timeout` a gRPC call waits forever",
            symbol=f"{function.scope.symbol}.{function.name}".lstrip("."),
        )


def _intercepted(stub: Call) -> bool:
    """Whether the channel may set deadlines itself: by an interceptor or a service config with timeouts."""
    data = stub.source.data
    return b"intercept_channel" in data or b"interceptors=" in data or b'"timeout"' in data or b"service_config" in data


# ---------------------------------------------------------------- PRD527: threads, processes, queues

_PROCESSES = ("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output")
# What a program does that talks to others: an end is theirs to give.
_ASKS_OTHERS = re.compile(
    r"(?i)\b(?:git|ssh|scp|rsync|curl|wget|aws|gcloud|az|kubectl|helm|docker|psql|pg_dump|pg_restore|mysqldump|mysql|mongodump|redis-cli|ffmpeg|ffprobe|convert|magick|"
    r"libreoffice|soffice|chromium|chrome|wkhtmltopdf|pandoc|tesseract|pdftotext|gs|terraform|ansible-playbook|ping|traceroute|nslookup|dig|openssl)\b"
)


@check("PRD527", on=[calls(*_PROCESSES)], required_literals=["subprocess"])
def process_without_timeout(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A program that is waited for without a limit while a request or a message waits."""
    if call.stars or "timeout" in call.keywords or not is_imported(call) or call.scope.guards & {"main", "debug", "environment"}:
        return
    function = enclosing(call, call.module)
    if function is None or (function.is_async and call.awaited):
        return
    command = call.argument(0, "args")
    text = command.text if command is not None else ""
    if is_handler(function) or _is_task(function) or _ASKS_OTHERS.search(text.replace("_", " ")):
        yield Diagnostic(call, f"`{shown(call)}` has no `timeout`: a program that hangs is waited for without limit")


_WAITS: Mapping[str, tuple[int, str]] = {
    "subprocess.Popen.communicate": (1, "timeout"),
    "subprocess.Popen.wait": (0, "timeout"),
    "threading.Thread.join": (0, "timeout"),
    "concurrent.futures.Future.result": (0, "timeout"),
    "concurrent.futures.ThreadPoolExecutor.submit.result": (0, "timeout"),
    "multiprocessing.Queue.get": (1, "timeout"),
    "threading.Event.wait": (0, "timeout"),
    "multiprocessing.Event.wait": (0, "timeout"),
    "queue.Queue.get": (1, "timeout"),
    "queue.Queue.put": (2, "timeout"),
    "queue.SimpleQueue.get": (1, "timeout"),
    "threading.Condition.wait": (0, "timeout"),
    "threading.Barrier.wait": (0, "timeout"),
    "multiprocessing.Process.join": (0, "timeout"),
    "threading.Lock.acquire": (1, "timeout"),
    "threading.RLock.acquire": (1, "timeout"),
    "multiprocessing.Lock.acquire": (1, "timeout"),
    "multiprocessing.pool.AsyncResult.get": (0, "timeout"),
}


@check("PRD527", on=[calls(*_WAITS)], required_literals=["futures", "multiprocessing", "threading", "queue", "subprocess"])
def wait_in_handler(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A wait for a thread, a process or a queue without a limit while a request is answered."""
    function = enclosing(call, call.module)
    if function is None or not is_handler(function) or not is_imported(call) or call.stars:
        return
    position, keyword = _WAITS[call.name]
    given = call.argument(position, keyword)
    blocking = call.argument(0, "block" if call.method in ("get", "put") else "blocking")
    if given is not None and value_of(given, call.module, call) is not None:
        return
    if call.method in ("get", "put", "acquire") and value_of(blocking, call.module, call) is False:
        return
    yield Diagnostic(call, f"`{shown(call)}` without a timeout keeps the request of `{function.name}` waiting without limit")


_TASKS = re.compile(r"(?:^|\.)(?:task|shared_task|actor|job|db_task|periodic_task|db_periodic_task|on_message|agent|subscriber)$")


def _is_task(function: Function) -> bool:
    """Whether a worker runs a function: celery, dramatiq, rq, huey, taskiq."""
    return any(_TASKS.search(decorator_name(decorator)) for decorator in function.decorators)


# ---------------------------------------------------------------- PRD528: tasks

_NOT_DEPLOYED = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "script", "dev"))


@collect(
    "celery-app",
    on=[calls("celery.Celery", "celery.app.base.Celery")],
    required_literals=["celery"],
    files=("python",),
    not_in=_NOT_DEPLOYED,
)
def celery_applications(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Where celery's applications are made; one without a name and settings only talks to the workers of another."""
    if not call.arguments and not call.keywords and not call.stars:
        return
    if is_imported(call) and not context.file.roles & _NOT_DEPLOYED and not call.scope.guards & {"main", "debug"}:
        yield project_fact("celery-app", call, shown(call))


@collect("task-limit", on=[text()], required_literals=["time_limit", "time-limit"], not_in=("test", "docs"))
def task_limits(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Where tasks get a limit: in the application's settings, at a task, or on a worker's command line."""
    if whole.hits and context.file.kind not in ("markdown", "lock", "text") and not context.file.roles & {"test", "docs"}:
        literal, offset = whole.hits[0]
        yield ProjectFact("task-limit", context.file.path, whole.source.span(offset, offset + len(literal)), "a time limit of tasks")


@project_check("PRD528", topics=("celery-app", "task-limit"))
def celery_without_limit(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A celery application whose tasks may run for ever: celery has no limit by default."""
    applications, limits = project.about("celery-app"), project.about("task-limit")
    if applications and limits:
        yield Evidence("PRD528", limits[0].path, limits[0].span, limits[0].words)
        return
    for application in applications[:1]:
        words = f"`{application.words}` sets no `task_time_limit`: one task that hangs holds its worker for good"
        yield ProjectDiagnostic(application.path, application.span, words)


@check("PRD528", on=[calls("*.enqueue", "*.enqueue_call")], required_literals=[("rq", "enqueue")])
def rq_without_limit(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """rq: `job_timeout=-1` takes the limit of 180 s away."""
    given = call.keywords.get("job_timeout") or (call.keywords.get("timeout") if call.method == "enqueue_call" else None)
    if given is not None and "rq" in {name.split(".", 1)[0] for name in call.module.imports.values()} and _is_negative(given):
        yield Diagnostic(given, f"`{shown(call)}` with `job_timeout=-1` lets the job run forever")


@check("PRD528", on=[calls("*.actor", "dramatiq.actor")], required_literals=[("dramatiq", "time_limit")])
def dramatiq_without_limit(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """dramatiq: `time_limit=float("inf")` or days in place of its ten minutes."""
    given = call.keywords.get("time_limit")
    if given is None or "dramatiq" not in {name.split(".", 1)[0] for name in call.module.imports.values()}:
        return
    value = value_of(given, call.module, call)
    if (isinstance(given, Call) and given.name == "float" and value_of(given.argument(0), call.module, call) == "inf") or (
        is_number(value) and value > 86_400_000
    ):
        yield Diagnostic(given, f"`time_limit={given.text}` lets the actor run for days: the default is ten minutes")


@check("PRD528", on=[every(Assignment)], required_literals=[("arq", "job_timeout")])
def arq_without_limit(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """arq: `job_timeout` of a day and more in the worker's settings, where 300 s are the default."""
    if assignment.target != "job_timeout" or "arq" not in {name.split(".", 1)[0] for name in assignment.module.imports.values()}:
        return
    seconds = value_of(assignment.value, assignment.module, assignment)
    if seconds is None or (is_number(seconds) and seconds >= 86_400):
        yield Diagnostic(assignment, f"`job_timeout = {assignment.value.text}` lets a job run for a day and more: the default is 300 s")
