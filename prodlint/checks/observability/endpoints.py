"""What a service answers about its own state: metrics (PRD721) and health (PRD722, PRD723)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
    commands,
    documents,
    every,
    literals,
    project_check,
    project_fact,
    settings,
    text,
)
from prodlint.checks.quoting import quote
from prodlint.counting import whole_number
from prodlint.facts import (
    Call,
    Command,
    Constant,
    Document,
    Expression,
    Function,
    Import,
    Literal,
    Name,
    Node,
    OpaqueExpression,
    Route,
    Setting,
    Statement,
    Text,
    calls_in,
    statements_in,
)
from prodlint.model import Evidence, Related, Span
from prodlint.project.startup import Started
from prodlint.python.exits import is_logger
from prodlint.values.compose import PRODUCTION_PATH
from prodlint.values.places import is_tried
from prodlint.values.workloads import containers_of, pods

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "migration"))

# Programs that answer HTTP requests once started.
_WEB_PROGRAMS = frozenset(
    "uvicorn gunicorn hypercorn granian daphne uwsgi waitress-serve fastapi flask quart litestar sanic chalice robyn pserve adev manage.py django-admin "
    "gunicorn.app.wsgiapp".split()
)
_WEB_PACKAGES = frozenset(
    "fastapi flask django starlette quart sanic litestar aiohttp falcon tornado bottle pyramid connexion robyn blacksheep".split()
)
# These answer for their own health, and count, without a line of code.
_BUILT_IN_HEALTH = frozenset(("streamlit", "bentoml"))
_BUILT_IN_METRICS = frozenset(("bentoml",))


def web_service(project: Project) -> Started | bool | None:
    """What serves HTTP in production: what is started, True where only the packages say so, False where nothing does."""
    environment = project.environment
    if not environment.is_service:
        return False
    every_started: tuple[Started, ...] = environment.started
    for started in every_started:
        if started.program in _WEB_PROGRAMS and not (started.program in ("manage.py", "django-admin") and "runserver" not in started.words):
            return started
    return None if environment.packages & _WEB_PACKAGES else False


def place_of(project: Project, started: Started | None) -> tuple[str, Span, str] | None:
    """Where the service was seen, and the words for it."""
    if started is not None:
        return started.path, started.span, f"this service (started by `{started.words.split(' ', 1)[0]}`)"
    found = project.service_place()
    return (*found, "this service") if found is not None else None


# ---------------------------------------------------------------- PRD721: metrics

_METRICS_MODULES = re.compile(
    r"^(?:prometheus_client|prometheus_fastapi_instrumentator|starlette_prometheus|starlette_exporter|django_prometheus|prometheus_flask_exporter|prometheus_async"
    r"|aioprometheus|sanic_prometheus|aiohttp_prometheus\w*|flask_prometheus\w*|celery_prometheus\w*|litestar\.contrib\.prometheus|litestar\.plugins\.prometheus"
    r"|opentelemetry\.(?:sdk\.)?metrics|opentelemetry\.metrics|opentelemetry\.instrumentation|opentelemetry\.exporter\..*metric|logfire|statsd|pystatsd|aiodogstatsd|datadog|ddtrace|newrelic"
    r"|elasticapm|aws_embedded_metrics|aws_lambda_powertools\.metrics|azure\.monitor\.opentelemetry|google\.cloud\.monitoring\w*|opencensus|appsignal|scout_apm|markus|influxdb_client)(?:\.|$)"
)


@collect(
    "metrics",
    on=[every(Import)],
    required_literals=[
        "prometheus", "starlette_exporter", "opentelemetry.sdk", "opentelemetry.metrics", "opentelemetry import metrics", "opentelemetry.instrumentation",
        "opentelemetry.exporter", "logfire", "statsd", "datadog", "ddtrace", "newrelic", "elasticapm", "aws_embedded_metrics", "aws_lambda_powertools",
        "azure.monitor", "google.cloud.monitoring", "google.cloud import monitoring", "opencensus", "appsignal", "scout_apm", "markus", "influxdb_client",
    ],
    files=("python",),
    not_in=_ELSEWHERE,
)  # fmt: skip
def metrics_imports(fact: Import, context: CheckContext) -> Iterator[ProjectFact]:
    """Imports of what counts and exposes."""
    if not context.file.roles & _ELSEWHERE and _METRICS_MODULES.match(fact.qualified) and not fact.typing_only:
        yield project_fact(
            "metrics",
            fact,
            f"`{fact.qualified}` is imported",
            prometheus="yes"
            if fact.qualified.startswith(("prometheus", "starlette_exporter", "django_prometheus", "aioprometheus"))
            else "",
        )


_METRICS_PATH = re.compile(
    r"^/?(?:(?:api|internal|_|-|admin|actuator|private|monitoring|ops|system)/)*(?:metrics|prometheus)(?:/prometheus)?/?\$?$"
)


@collect(
    "metrics",
    on=[literals()],
    required_literals=["/metrics", "metrics/", "/prometheus", "django_prometheus.urls"],
    files=("python",),
    not_in=_ELSEWHERE,
)
def metrics_paths(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """A route, mount or include for metrics."""
    if (
        context.file.roles & _ELSEWHERE
        or literal.role in ("docstring", "fstring", "other", "return")
        or not context.environment.deploys(context.file.path)
    ):
        return
    if literal.value == "django_prometheus.urls" or ("/" in literal.value and _METRICS_PATH.match(literal.value)):
        yield project_fact("metrics", literal, f"`{literal.value}`")


@collect(
    "metrics",
    on=[commands()],
    required_literals=["ddtrace-run", "newrelic-admin", "opentelemetry-instrument", "statsd", "exporter", "apm"],
    not_in=_ELSEWHERE,
)
def metrics_commands(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """Agents that a service is started through, and exporters beside it."""
    if context.file.roles & _ELSEWHERE:
        return
    words = (*command.through, command.program, *command.argv)
    if any(
        re.search(r"^(?:ddtrace-run|newrelic-admin|opentelemetry-instrument|elasticapm-run|scout-apm)$|^--statsd-host|exporter$", word)
        for word in words
    ):
        yield project_fact("metrics", command, f"`{quote(' '.join(words))}`")


@collect(
    "metrics",
    on=[
        settings(
            "OTEL_METRICS_*", "OTEL_EXPORTER_*", "DD_AGENT_HOST", "DD_TRACE_*", "STATSD_*", "NEW_RELIC_*", "PROMETHEUS_*", "LOGFIRE_TOKEN"
        )
    ],
    required_literals=[
        "otel_metrics",
        "otel_exporter",
        "dd_agent_host",
        "dd_trace",
        "statsd_",
        "new_relic_",
        "prometheus_",
        "logfire_token",
    ],
    not_in=_ELSEWHERE,
)
def metrics_settings(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """Settings that a metrics exporter reads."""
    if not context.file.roles & _ELSEWHERE and (setting.value or "").lower() not in ("none", "false"):
        yield project_fact("metrics", setting, f"`{setting.name}`")


@collect(
    "metrics",
    on=[text()],
    required_literals=[
        "prometheus.io/scrape",
        "servicemonitor",
        "podmonitor",
        "podmonitoring",
        "statsd-exporter",
        "celery-exporter",
        "otel-collector",
        "opentelemetry-collector",
        "datadog-agent",
        "datadog/agent",
    ],
    files=("yaml", "json", "toml"),
)
def metrics_manifests(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Manifests that have a service scraped, or run what counts beside it."""
    if not context.file.roles & _ELSEWHERE and whole.hits:
        literal, offset = whole.hits[0]
        yield ProjectFact(
            "metrics",
            context.file.path,
            whole.source.span(offset, offset + len(literal)),
            f"`{whole.source.slice(offset, offset + len(literal))}`",
        )


@collect("metrics", on=[text()], required_literals=["[metrics]"], files=("toml",))
def metrics_of_platform(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Fly's own table that has a service scraped."""
    if context.file.name == "fly.toml" and whole.hits:
        yield ProjectFact("metrics", context.file.path, Span(1, 1, 1, 1), "`[metrics]`")


@collect(
    "workers",
    on=[commands("uvicorn", "gunicorn", "hypercorn", "granian", "fastapi", "uwsgi")],
    required_literals=["--workers", "--processes", ("gunicorn", "-w"), ("hypercorn", "-w")],
)
def several_workers(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """Servers that fork: each process has counters of its own."""
    if not command.long_running or context.file.roles & (_ELSEWHERE | {"dev", "ci"}):
        return
    names = ("--workers", "--processes") if command.program not in ("gunicorn", "hypercorn") else ("--workers", "-w")
    number = command.flag_value(*names) or next(
        (word[2:] for word in command.argv if command.program in ("gunicorn", "hypercorn") and re.fullmatch(r"-w\d+", word)), ""
    )
    if (whole_number(number) or 0) > 1:
        yield project_fact("workers", command, f"{command.program} … {number} workers", number=number, program=command.program)


@collect("metrics", on=[text()], required_literals=[("# help ", "# type ")], files=("python",))
def metrics_written_by_hand(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """The text format of Prometheus, put together without a library."""
    data = whole.source.data
    if not context.file.roles & _ELSEWHERE and re.search(rb"[\"']# HELP \w", data) and re.search(rb"[\"']# TYPE \w", data):
        span = whole.source.span(data.index(b"# TYPE "), data.index(b"# TYPE ") + 7)
        yield ProjectFact("metrics", context.file.path, span, "`# TYPE` lines of Prometheus' format")


@collect("multiprocess-metrics", on=[text()], required_literals=["prometheus_multiproc_dir", "multiprocesscollector"])
def multiprocess_metrics(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """prometheus_client told to add up the processes' counters."""
    if whole.hits and not context.file.roles & {"test", "docs", "vendored"}:
        yield ProjectFact("multiprocess-metrics", context.file.path, Span(1, 1, 1, 1), "PROMETHEUS_MULTIPROC_DIR")


# What tells somebody how a service does, by its own way: traces, transactions, errors and their rates.
_TELLS_OTHERWISE = frozenset(
    "sentry-sdk raven rollbar bugsnag honeybadger airbrake elastic-apm newrelic ddtrace opentelemetry-sdk opentelemetry-distro logfire scout-apm appsignal"
    " azure-monitor-opentelemetry".split()
)


@project_check("PRD721", topics=("metrics", "workers", "multiprocess-metrics"))
def metrics_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service that exposes no numbers, or exposes those of one process in several."""
    if not project.environment.is_service:
        return
    found = project.about("metrics")
    if found:
        best = min(found, key=lambda one: not one.words.endswith("imported"))
        yield Evidence("PRD721", best.path, best.span, best.words)
        yield from _split_counters(project, found)
        return
    web = web_service(project)
    started = web if isinstance(web, Started) else project.environment.service
    if started is not None and started.program in _BUILT_IN_METRICS:
        return
    if _TELLS_OTHERWISE & project.environment.packages:
        return
    place = place_of(project, started)
    if place is not None and (options.get("everywhere") or PRODUCTION_PATH.search(place[0].lower())):
        path, span, words = place
        yield ProjectDiagnostic(path, span, f"{words} exposes no metrics: no `/metrics` route, exporter or agent found")


def _split_counters(project: Project, found: Sequence[ProjectFact]) -> Iterator[ProjectDiagnostic]:
    prometheus = next((one for one in found if one.get("prometheus")), None)
    workers = project.about("workers")
    if (
        prometheus is None
        or not workers
        or project.about("multiprocess-metrics")
        or any(not one.get("prometheus") and "imported" in one.words for one in found)
    ):
        return
    first = workers[0]
    related = (Related(prometheus.path, prometheus.span, prometheus.words),)
    words = f"{first.get('number')} processes of `{first.get('program')}` each keep their own counters and `PROMETHEUS_MULTIPROC_DIR` is not set: each scrape sees one process only"
    yield ProjectDiagnostic(first.path, first.span, words, priority="P1", related=related)


# ---------------------------------------------------------------- PRD722: health

_LIVE = r"livez?|liveness|alive|is_?alive|ping|up|heartbeat|hello|pulse"
_READY = r"readyz?|readiness|is_?ready"
_HEALTH = rf"_?health|(?:service|server|system|application|app|api)[-_]health|healthz|_?health[-_]?checks?|healthy|is[-_]?healthy|_?status|{_LIVE}|{_READY}"
_HEALTH_PATH = re.compile(rf"^/?(?:[\w.{{}}<>:*-]*/)*(?:{_HEALTH})(?:/(?:{_HEALTH}|db|database|deep|full))?/?\$?$", re.IGNORECASE)
# Of a plain text less is believed: "/status" and "/up" are paths of much else.
_HEALTH_TEXT = re.compile(
    r"^/(?:[\w-]+/)*(?:_?(?:service[-_])?health|healthz|_?health[-_]?check|livez|readyz|readiness|liveness|ping|heartbeat|__heartbeat__|__lbheartbeat__)/?$"
)
# A path begins with a slash; Django's, and those below a prefix, do without: `"health/"`, `r"^health/$"`.
_ROUTE_ANCHORS = [
    *(
        f"{before}{word}"
        for word in ("health", "_health", "livez", "liveness", "readyz", "readiness", "heartbeat", "alive", "is_alive", "isalive", "ping")
        for before in ("/", '"', "'", "^")
    ),
    *(
        f"/{word}"
        for word in (
            "ready",
            "is_ready",
            "live",
            "status",
            "_status",
            'up"',
            "up'",
            "up/",
            "hello",
            "pulse",
            "healthy",
            "is_healthy",
            "is-healthy",
        )
    ),
    *(f"^{word}$" for word in ("ready", "live", "status", "up", "service_health")),
    *(f"{before}{word}/" for word in ("ready", "live", "status", "up") for before in ('"', "'", "^", "_", "-")),
]


# Of the name of a function these words say nothing about whose health it is.
_PROBE_WORDS = frozenset("status redis is services checks statistics access process dns headers settings this has does".split())


def is_of_the_product(route: Route) -> bool:
    """Whether a route tells of one of the product's own things and not of the service: `/projects/{id}/metrics`, or `/healthcheck` of `list_providers_health`."""
    if re.search(r"[{<]|\(\?P?", route.path):
        return True
    words = re.findall(r"[a-z]+", route.function.name.lower()) if route.function is not None else []
    return any(word.endswith("s") and len(word) > 3 and word not in _PROBE_WORDS for word in words)


def _kind_of(path: str) -> str:
    """What a path promises: "live", "ready", just "health", or "status", which is a path of much else."""
    last = path.rstrip("/$").lower()
    if last.endswith("status"):
        return "status"
    if re.search(rf"(?:^|[/_-])(?:{_READY})$", last):
        return "ready"
    return "live" if re.search(rf"(?:^|[/_-])(?:{_LIVE})$", last) else "health"


@collect("health", on=[every(Route)], required_literals=_ROUTE_ANCHORS, verbatim=True, files=("python",), not_in=_ELSEWHERE)
def health_routes(route: Route, context: CheckContext) -> Iterator[ProjectFact]:
    """Routes whose path is one that a load balancer asks."""
    if (
        context.file.roles & _ELSEWHERE
        or not _HEALTH_PATH.match(route.path)
        or (route.methods and not {"GET", "HEAD"} & set(route.methods))
        or is_of_the_product(route)
    ):
        return
    if route.function is not None and _is_private(route.function):
        return
    depth = depth_of(route.function) if route.function is not None else "unknown"
    shown = route.path if route.path.startswith("/") else "/" + route.path
    yield project_fact("health", route, f"`{shown}`", kind=_kind_of(route.path), depth=depth, path=route.path)


# What a decorator or a client says: the first is a route of its own, the second asks somebody else.
_ROUTE_CALL = re.compile(r"(?:^|\.)(?:get|post|put|head|options|request|route|api_route|url|urljoin|add_get|websocket)$")


# What answers by being included or installed; Dockerflow's middleware brings `/__heartbeat__`, which runs its checks.
_HEALTH_PACKAGES = frozenset(
    ("health_check.urls", "watchman.urls", "django_alive.urls", "dockerflow.django.middleware.DockerflowMiddleware")
)


@collect(
    "health",
    on=[literals()],
    required_literals=[
        *(
            f"/{word}"
            for word in (
                "health",
                "_health",
                "livez",
                "readyz",
                "readiness",
                "liveness",
                "ping",
                "heartbeat",
                "__heartbeat__",
                "__lbheartbeat__",
            )
        ),
        "health_check.urls",
        "watchman.urls",
        "django_alive.urls",
        "dockerflow.django.middleware",
    ],
    files=("python",),
    not_in=(*_ELSEWHERE, "script", "ci", "dev"),
)
def health_paths(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """A health path that a middleware compares with, or a router has as its prefix; packages that bring one."""
    if context.file.roles & (_ELSEWHERE | {"script", "ci", "dev"}) or literal.role in ("docstring", "fstring", "other", "return"):
        return
    if literal.value in _HEALTH_PACKAGES or (_HEALTH_TEXT.match(literal.value) and not _ROUTE_CALL.search(literal.name)):
        yield project_fact("health", literal, f"`{literal.value}`", kind="health", depth="unknown", path=literal.value)


@collect(
    "health",
    on=[every(Import)],
    required_literals=[
        "grpc_health",
        "healthcheck",
        "fastapi_health",
        "flask_healthz",
        "django_healthchecks",
        "py_healthcheck",
        "pyctuator",
        "dockerflow.flask",
        "dockerflow.fastapi",
        "dockerflow.sanic",
    ],
    files=("python",),
    not_in=_ELSEWHERE,
)
def health_imports(fact: Import, context: CheckContext) -> Iterator[ProjectFact]:
    """Packages that answer for health."""
    if not context.file.roles & _ELSEWHERE and fact.module.split(".", 1)[0] in (
        "grpc_health",
        "healthcheck",
        "fastapi_health",
        "fastapi_healthcheck",
        "flask_healthz",
        "django_healthchecks",
        "pyctuator",
        "dockerflow",
    ):
        yield project_fact("health", fact, f"`{fact.qualified}` is imported", kind="health", depth="unknown")


@collect(
    "health",
    on=[commands("curl", "wget", "python", "http", "grpc_health_probe", "celery")],
    required_literals=["healthcheck", "livenessprobe", "readinessprobe", "grpc_health_probe"],
    files=("dockerfile", "yaml"),
)
def health_commands(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """A health check of the container that asks for a health path."""
    if command.origin not in ("dockerfile-healthcheck", "compose-healthcheck", "kubernetes-probe") or context.file.roles & _ELSEWHERE:
        return
    line = " ".join((command.program, *command.argv))
    asked = re.search(r"https?://[^/\s'\"]+(/[\w/.-]*(?:health|live|ready|ping|status|heartbeat)[\w/.-]*)", line)
    if command.program == "grpc_health_probe":
        yield project_fact("health", command, "`grpc_health_probe`", kind="health", depth="unknown")
    elif asked is not None and "_cluster/" not in asked.group(1) and "minio/" not in asked.group(1):
        # Only the path: what stands before it may hold a password.
        yield project_fact("health", command, f"`{command.program}` asks `{asked.group(1)}`", kind="health", depth="unknown")


@collect("health", "probes", on=[documents("kubernetes")], required_literals=["livenessprobe", "readinessprobe", "startupprobe"])
def probes(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """The probes of pods: what they ask, and whether both ask the same."""
    if context.file.roles & _ELSEWHERE:
        return
    for pod in pods(document):
        for container in containers_of(pod):
            asked = {}
            for key in ("livenessProbe", "readinessProbe", "startupProbe"):
                probe = container.get(key)
                if probe is None:
                    continue
                path = probe.text_at("httpGet", "path")
                asked[key] = (path, probe.text_at("httpGet", "port"))
                if path and not _HEALTH_PATH.match(path):
                    continue
                yield ProjectFact(
                    "health",
                    context.file.path,
                    _key(probe),
                    f"`{key}` of `{container.text_at('name')}`",
                    (("depth", "unknown"), ("kind", "health"), ("path", path)),
                )
            live, ready = asked.get("livenessProbe"), asked.get("readinessProbe")
            if live and ready and live == ready and live[0]:
                probe = container.get("livenessProbe")
                if probe is not None:
                    yield ProjectFact("probes", context.file.path, _key(probe), container.text_at("name"), (("path", live[0]),))


def _key(node: Node) -> Span:
    return node.source.span(node.key_start, node.key_end)


@project_check("PRD722", topics=("health",))
def health_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A web service that nobody can ask whether it is well."""
    web = web_service(project)
    if web is False:
        return
    found = project.about("health")
    if found:
        best = min(found, key=lambda one: (one.get("kind") == "status", one.get("depth") == "unknown", not one.path.endswith(".py")))
        yield Evidence("PRD722", best.path, best.span, best.words)
        return
    started = web if isinstance(web, Started) else None
    if any(one.program in _BUILT_IN_HEALTH for one in project.environment.started):
        return
    place = place_of(project, started)
    if place is not None and options.get("everywhere"):
        path, span, words = place
        yield ProjectDiagnostic(
            path, span, f"{words} has no health endpoint: no route such as `/health` or `/readyz`, no gRPC health service"
        )


# ---------------------------------------------------------------- PRD723: shallow health

_ANSWERS = re.compile(
    r"Response$|^(?:jsonify|make_response|json_response|text|json|html|response|dict|str|int|float|round|bool|len|set|list|getattr|isoformat|strftime|timestamp|total_seconds|format|model_dump|status|Ok)$"
)
_CLOCKS = (
    "datetime.",
    "time.",
    "platform.",
    "socket.gethostname",
    "os.getenv",
    "os.environ.",
    "os.getpid",
    "importlib.metadata.",
    "uuid.",
    "sys.",
    "flask.",
    "django.http.",
    "fastapi.",
    "starlette.",
    "aiohttp.web.",
    "sanic.response.",
)
_REQUEST = re.compile(r"(?:^|\W)(?:Request|HttpRequest|Response|BackgroundTasks|HTTPConnection|str|int|bool|Any)(?:$|\W)")


_PERSON = re.compile(r"(?i)user|permission|auth|admin|principal|account|credential|api_?key|login|tenant|organi[sz]ation")


def _is_private(function: Function) -> bool:
    """Whether a handler answers to somebody who has logged in: no load balancer has."""
    given = [
        f"{parameter.annotation} {parameter.default.text if parameter.default is not None else ''}" for parameter in function.parameters
    ]
    given.extend(
        decorator.text.partition("(")[0] for decorator in function.decorators if isinstance(decorator, Name) or "require" in decorator.text
    )
    return any(_PERSON.search(one) for one in given)


def depth_of(function: Function) -> str:
    """Whether a handler looks at anything before it answers: "shallow" (a constant, a clock), "deep" or "unknown"."""
    for parameter in function.parameters:
        if parameter.name in ("self", "cls", "request", "req", "response", "_", "_request", "scope", "receive", "send", "args", "kwargs"):
            continue
        if isinstance(parameter.default, Call) or (parameter.annotation and not _REQUEST.search(parameter.annotation)):
            return "deep"
    if any(isinstance(decorator, (Name, Call)) and _cached(decorator) for decorator in function.decorators):
        return "unknown"
    for statement in statements_in(function.body):
        if statement.kind not in ("return", "expression", "assign", "pass", "import"):
            return "deep" if list(calls_in((statement,))) else "unknown"
        for expression in statement.expressions:
            for part in expression.walk():
                if isinstance(part, OpaqueExpression) and part.kind in ("await", "yield"):
                    return "deep"
                if isinstance(part, Call) and not _says_only(part):
                    return "deep"
    return "shallow"


def _cached(decorator: Expression) -> bool:
    written = decorator.name if isinstance(decorator, (Name, Call)) else ""
    return "inject" in written or "check" in written.rsplit(".", 1)[-1]


def _says_only(call: Call) -> bool:
    """Whether a call only puts an answer together."""
    name = call.name
    if _ANSWERS.search(call.method) or name.startswith(_CLOCKS) or is_logger(call.receiver):
        return True
    # A model of the answer: HealthStatus(status="ok").
    return (
        call.receiver is None
        and call.method[:1].isupper()
        and not re.search(r"Client|Check|Session|Service|Manager|Connection|Engine", call.method)
    )


@collect(
    "datastore",
    on=[
        calls(
            "sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", "sqlmodel.create_engine", "sqlalchemy.engine_from_config",
            "sqlalchemy.ext.asyncio.async_engine_from_config", "flask_sqlalchemy.SQLAlchemy", "redis.Redis", "redis.StrictRedis", "redis.from_url", "redis.Redis.from_url",
            "redis.asyncio.Redis", "redis.asyncio.from_url", "redis.asyncio.Redis.from_url", "asyncpg.create_pool", "asyncpg.connect", "psycopg.connect", "psycopg2.connect",
            "psycopg_pool.ConnectionPool", "psycopg_pool.AsyncConnectionPool", "pymongo.MongoClient", "pymongo.AsyncMongoClient", "motor.motor_asyncio.AsyncIOMotorClient", "tortoise.Tortoise.init",
            "tortoise.contrib.fastapi.register_tortoise",
        )
    ],
    required_literals=[
        "create_engine(", "create_async_engine(", "engine_from_config(", ("flask_sqlalchemy", "sqlalchemy("), ("redis", "redis("), ("redis", "from_url("), ("asyncpg", "create_pool("),
        "asyncpg.connect(", "psycopg.connect(", "psycopg2.connect(", "connectionpool(", "mongoclient(", "motorclient(", "tortoise.init(", "register_tortoise(",
    ],
    files=("python",),
    not_in=(*_ELSEWHERE, "script", "command", "dev", "ci"),
)  # fmt: skip
def datastores(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Connections to a database or to Redis that the service keeps."""
    if context.file.roles & (_ELSEWHERE | {"script", "command", "dev", "ci"}) or _is_of_alembic(call, context) or is_tried(call):
        return
    yield project_fact("datastore", call, call.name)


def _is_of_alembic(call: Call, context: CheckContext) -> bool:
    return context.file.name == "env.py" and "alembic" in context.file.path or b"alembic" in call.source.data


@project_check("PRD723", topics=("health", "probes", "datastore"))
def health_shallow(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service with a database whose only health answer is a constant; one deep answer for both probes."""
    if not project.environment.is_service:
        return
    routes = [one for one in project.about("health") if one.get("path")]
    told = [one for one in routes if one.get("depth") in ("deep", "shallow")]
    deep = [one for one in told if one.get("depth") == "deep" and one.get("kind") in ("health", "ready")]
    for one in deep[:1]:
        yield Evidence("PRD723", one.path, one.span, f"{one.words} looks before it answers")
    stores = project.about("datastore")
    shallow = [one for one in told if one.get("depth") == "shallow" and one.get("kind") in ("health", "ready")]
    unknown_ready = any(_kind_of(one.get("path")) == "ready" and one.get("depth") == "unknown" for one in routes)
    if stores and shallow and not deep and not unknown_ready:
        store = stores[0]
        for one in shallow:
            # `/healthz` may be meant as the answer of a process that lives; `/ready` promises more.
            said_ready = _kind_of(one.get("path")) == "ready"
            if not said_ready and not options.get("any-health"):
                continue
            related = (Related(store.path, store.span, f"`{store.words}`"),)
            yield ProjectDiagnostic(
                one.path,
                one.span,
                f"{one.words} answers with a constant: it reports healthy while `{store.words}` in `{store.path}` cannot be reached",
                priority=None if said_ready else "P2",
                related=related,
            )
    for probe in project.about("probes"):
        path = probe.get("path").rstrip("/")
        answering = [one for one in routes if one.path.endswith(".py") and _is_at(one.get("path").rstrip("/"), path)]
        if len(answering) == 1 and answering[0].get("depth") == "deep":
            one = answering[0]
            related = (Related(one.path, one.span, f"{one.words} looks at dependencies"),)
            words = f"liveness and readiness of `{probe.words}` both ask `{path}`, which looks at dependencies: when one of them is down, every pod is restarted"
            yield ProjectDiagnostic(probe.path, probe.span, words, related=related)


def _is_at(own: str, asked: str) -> bool:
    """Whether a route's path, as far as its decorator tells, is the end of the one that is asked."""
    return bool(own) and asked.endswith(own if own.startswith("/") else "/" + own)


_FAILING = re.compile(
    r"(?i)^(?:.*\b(?:unhealthy|not ready|not_ready|error|errors|down|failed|failing|fail|disconnected|unavailable|degraded|unreachable|ko|bad|unhealthy:.*|error:.*)\b.*)$"
)
_STATUS = re.compile(
    rb"status_code|\bstatus ?=|\b[45]\d\d\b|\babort\(|HTTP_[45]|HTTPStatus|HTTPException|HTTPServiceUnavailable|\braise\b|set_status|\.status\b ?=|http_status|sys\.exit"
)


@check("PRD723", on=[every(Route)], required_literals=_ROUTE_ANCHORS, verbatim=True, files=("python",))
def failure_answered_200(route: Route, context: CheckContext) -> Iterator[Diagnostic]:
    """A health handler that catches the failure and still answers 200."""
    function = route.function
    if (
        function is None
        or not _HEALTH_PATH.match(route.path)
        or _kind_of(route.path) in ("live", "status")
        or _is_private(function)
        or is_of_the_product(route)
    ):
        return
    if _STATUS.search(function.source.data, function.start, function.end):
        return
    for statement in statements_in(function.body):
        for handler in statement.handlers:
            said = _failure_in(handler.body)
            if said is not None:
                shown = route.path if route.path.startswith("/") else "/" + route.path
                yield Diagnostic(said, f"`{shown}` answers 200 with {_quoted(said)} when the check fails: probes go by the status code")
                return


def _failure_in(block: Sequence[Statement]) -> Constant | None:
    """The words for a failure that a handler puts into the answer."""
    for statement in statements_in(block):
        if statement.kind not in ("return", "assign", "expression"):
            continue
        if statement.kind == "expression" and any(isinstance(part, Call) and is_logger(part.receiver) for part in statement.expressions):
            continue
        for expression in statement.expressions:
            for part in expression.walk():
                if isinstance(part, Constant) and (
                    (isinstance(part.value, str) and len(part.value) < 60 and _FAILING.match(part.value))
                    or (part.value is False and statement.kind == "return")
                ):
                    return part
    return None


def _quoted(constant: Constant) -> str:
    return f'"{constant.value}"' if isinstance(constant.value, str) else f"`{constant.value}`"
