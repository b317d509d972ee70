"""Tools for developers that production carries (PRD623), and servers for insiders that everybody reaches (PRD648)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prodlint.checks import ByteRange, CheckContext, Diagnostic, Ranged, calls, check, commands, documents, every, literals, settings
from prodlint.facts import Assignment, Call, Collection, Command, Constant, Document, Expression, Fact, Literal, OpaqueExpression, Setting
from prodlint.model import Priority
from prodlint.project.production import SETTING_FILES, deployed, priority_in, runs_in_production
from prodlint.values.compose import ASKED_FOR, is_for_development, is_sandbox, items, port_of, services
from prodlint.values.development import is_development
from prodlint.values.evaluate import Values
from prodlint.values.lattice import Items, Known, Value
from prodlint.values.truth import TRUTHY

# ---------------------------------------------------------------- PRD623

# Applications and middlewares for Django's settings: what each shows, and its priority where it is not the page's.
_INSTALLED: Mapping[str, tuple[str, Priority | None]] = {
    "silk.middleware.SilkyMiddleware": ("keeps every request with its body and headers, and shows them at its page", "P1"),
    "debug_toolbar.middleware.DebugToolbarMiddleware": ("is there in production too, one setting away from everybody", "P2"),
    "pyinstrument.middleware.ProfilerMiddleware": ("profiles for whoever asks by `?profile`, and shows the code's paths", "P1"),
    "django_cprofile_middleware.middleware.ProfilerMiddleware": ("profiles for whoever asks by `?prof`", "P1"),
    "django_browser_reload.middleware.BrowserReloadMiddleware": ("keeps a connection of every browser open to reload the page", "P2"),
    "django_pdb.middleware.PdbMiddleware": ("stops the process at a debugger for whoever asks by `?pdb`", None),
    "nplusone.ext.django.NPlusOneMiddleware": ("watches every query in production too", "P2"),
    "querycount.middleware.QueryCountMiddleware": ("counts and prints every query", "P2"),
    "livereload.middleware.LiveReloadScript": ("puts a script of a development server into every page", "P2"),
}
# Applications that show nothing before a middleware, a route or a command does so.
_APPLICATIONS: Mapping[str, str] = {
    "debug_toolbar": "the debug toolbar",
    "silk": "silk's recorder of requests",
    "django_extensions": "the developers' commands and their debugging server",
    "django_browser_reload": "a reloader of pages",
    "template_profiler_panel": "a profiler of templates",
    "debug_permissions": "a tool for debugging permissions",
}


def _is_conditional(values: Values, fact: Fact) -> bool:
    """Whether something decides at run time if a place is reached: a test of any kind but that of `__main__`."""
    return any("__name__" not in condition.expression.text for condition in values.conditions(fact))


@check("PRD623", on=[literals()], required_literals=[name.lower() for name in _INSTALLED], files=("python",))
def installed_tool(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    """`"silk.middleware.SilkyMiddleware"` in `MIDDLEWARE`, whatever `DEBUG` says."""
    found = _INSTALLED.get(literal.value)
    if found is None or literal.role not in ("element", "argument", "other", "assignment", "item"):
        return
    if (
        literal.scope.guards & {"debug", "environment"}
        or priority_in(literal, context) is False
        or _is_conditional(context.values(literal.module), literal)
    ):
        return
    yield Diagnostic(literal, f"`{literal.value.rpartition('.')[2]}` {found[0]}", priority=found[1])


@check(
    "PRD623",
    on=[every(Assignment)],
    required_literals=["show_toolbar_callback", "silky_python_profiler", "debug_tb_enabled", "debug_tb_profiler_enabled"],
    files=("python",),
)
def opened_tool(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`"SHOW_TOOLBAR_CALLBACK": lambda request: True`, `app.config["DEBUG_TB_ENABLED"] = True`."""
    name, value = assignment.target, assignment.value
    if priority_in(assignment, context) is False or _is_conditional(context.values(assignment.module), assignment):
        return
    if name == "SHOW_TOOLBAR_CALLBACK":
        answer = value.items[-1] if isinstance(value, OpaqueExpression) and value.kind == "lambda" and value.items else None
        if isinstance(answer, Constant) and answer.value is True:
            yield Diagnostic(assignment, "the debug toolbar is shown to everybody: settings, queries and headers of every page")
    elif isinstance(value, Constant) and value.value is True:
        if name.startswith("DEBUG_TB"):
            yield Diagnostic(assignment, f"`{name} = True` shows the debug toolbar to everybody")
        elif name == "SILKY_PYTHON_PROFILER":
            yield Diagnostic(assignment, "`SILKY_PYTHON_PROFILER = True` profiles every request", priority="P1")


@check("PRD623", on=[literals()], required_literals=list(_APPLICATIONS), files=("python",))
def installed_application(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    """`INSTALLED_APPS = ["debug_toolbar"]`, for who asks that production installs no such thing."""
    words = _APPLICATIONS.get(literal.value)
    if words is None or not context.options.get("installed") or literal.scope.guards & {"debug", "environment"}:
        return
    if not _is_of_list(literal) or priority_in(literal, context) is False or _is_conditional(context.values(literal.module), literal):
        return
    yield Diagnostic(literal, f"`{literal.value}` installs {words} in production too", priority="P2")


def _is_of_list(literal: Literal) -> bool:
    """Whether a literal stands in the value of `INSTALLED_APPS`."""
    return any(
        assignment.start <= literal.start and literal.end <= assignment.end
        for name in ("INSTALLED_APPS", "THIRD_PARTY_APPS")
        for assignment in literal.module.assignments(name)
    )


# A toolbar's pages among the routes.
_TOOL_ROUTES = ("debug_toolbar.urls", "silk.urls")


@check(
    "PRD623",
    on=[calls("django.urls.include", "django.conf.urls.include")],
    required_literals=["debug_toolbar.urls", "silk.urls"],
    files=("python",),
)
def tool_routed(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`path("silk/", include("silk.urls"))` outside of `if settings.DEBUG`."""
    first = call.argument(0, "arg")
    name = first.value if isinstance(first, Constant) else getattr(first, "name", "")
    if name not in _TOOL_ROUTES or not context.options.get("installed") or call.scope.guards & {"debug", "environment"}:
        return
    if priority_in(call, context) is False or _is_conditional(context.values(call.module), call):
        return
    yield Diagnostic(call, f"the pages of `{str(name).partition('.')[0]}` are among the routes of production", priority="P2")


# Calls that open a tool: what follows, the priority.
_TOOLS: Mapping[str, tuple[str, Priority | None]] = {
    "werkzeug.middleware.profiler.ProfilerMiddleware": ("profiles every request", "P1"),
    "werkzeug.contrib.profiler.ProfilerMiddleware": ("profiles every request", "P1"),
    "flask_profiler.init_app": ("shows every request's times and arguments at its page", "P1"),
    "flask_profiler.Profiler": ("shows every request's times and arguments at its page", "P1"),
    "flask_monitoringdashboard.bind": ("opens a dashboard whose first password everybody knows", "P1"),
    "cgitb.enable": ("shows tracebacks with the values of all variables to clients", None),
    "manhole.install": ("opens a Python prompt inside the process", "P1"),
    "aiomonitor.start_monitor": ("opens a console inside the process", "P1"),
    "pypprof.net_http.start_pprof_server": ("opens a profiler's server", "P1"),
    "fastapi_debug_toolbar.DebugToolbarMiddleware": ("shows settings, queries and headers of every page", None),
    "debug_toolbar.middleware.DebugToolbarMiddleware": ("shows settings, queries and headers of every page", None),
    "pyinstrument.middleware.ProfilerMiddleware": ("profiles for whoever asks", "P1"),
    "fastapi_profiler.PyInstrumentProfilerMiddleware": ("profiles every request", "P1"),
    "fastapi_profiler.profiler_middleware.PyInstrumentProfilerMiddleware": ("profiles every request", "P1"),
    "fastapi_cprofile.profiler.CProfileMiddleware": ("profiles every request", "P1"),
    "starlette_profiler.ProfilerMiddleware": ("profiles every request", "P1"),
    "flask_debugtoolbar.DebugToolbarExtension": ("shows queries, settings and headers as soon as `debug` is on", "P2"),
    "flask_debugtoolbar.DebugToolbarExtension.init_app": ("shows queries, settings and headers as soon as `debug` is on", "P2"),
}
_WITH_LOCALS = ("rich.traceback.install", "rich.logging.RichHandler")


@check(
    "PRD623",
    on=[calls(*_TOOLS, *_WITH_LOCALS, "*.add_middleware", "starlette.middleware.Middleware")],
    required_literals=["profiler", "monitoringdashboard", "debugtoolbarextension", "cgitb", "manhole", "aiomonitor", "pypprof", "debugtoolbarmiddleware", ("rich", "show_locals"), ("rich", "tracebacks_show_locals")],
    files=("python",),
)  # fmt: skip
def tool_opened(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`ProfilerMiddleware(app.wsgi_app)`, `flask_monitoringdashboard.bind(app)`, `rich.traceback.install(show_locals=True)`."""
    name = call.name
    if name not in _TOOLS and name not in _WITH_LOCALS:
        first = call.argument(0, "middleware_class")
        name = getattr(first, "name", "")
        if name not in _TOOLS:
            return
    values = context.values(call.module)
    if priority_in(call, context) is False or call.scope.guards & {"debug", "environment", "main"} or _is_conditional(values, call):
        return
    if name in _WITH_LOCALS:
        on = call.keywords.get("show_locals") or call.keywords.get("tracebacks_show_locals")
        if isinstance(on, Constant) and on.value is True and not context.file.roles & {"command", "script"}:
            yield Diagnostic(call, "tracebacks show the values of all variables: passwords and tokens get into the log", priority="P1")
        return
    if name.endswith(".DebugToolbarExtension") and not (call.arguments or call.keywords):
        return  # what it is for is said later, by `init_app`
    words, priority = _TOOLS[name]
    yield Diagnostic(call, f"`{name.rpartition('.')[0].split('.')[0]}.{name.rpartition('.')[2]}` {words}", priority=priority)


_GRAPHIQL = ("graphene_django.views.GraphQLView.as_view", "flask_graphql.GraphQLView.as_view", "strawberry.fastapi.GraphQLRouter", "strawberry.asgi.GraphQL", "strawberry.django.views.GraphQLView.as_view", "strawberry.flask.views.GraphQLView.as_view", "ariadne.asgi.GraphQL", "ariadne.wsgi.GraphQL", "graphql_server.flask.GraphQLView.as_view", "starlette_graphene3.GraphQLApp")  # fmt: skip


@check("PRD623", on=[calls(*_GRAPHIQL)], files=("python",))
def graphiql_on(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`GraphQLView.as_view(graphiql=True)`, `GraphQLRouter(schema, graphql_ide="graphiql")`."""
    values = context.values(call.module).in_production
    if priority_in(call, context) is False or _is_conditional(values, call):
        return
    given = values.keywords(call)
    for name in ("graphiql", "graphql_ide", "playground", "debug"):
        value = given.get(name)
        shape = value.only() if value is not None else None
        if isinstance(shape, Known) and (shape.value is True or name == "graphql_ide" and isinstance(shape.value, str) and shape.value):
            effect = (
                "sends exceptions with their variables to clients"
                if name == "debug"
                else "serves an editor for queries, and the whole schema with it"
            )
            yield Diagnostic(call, f"`{name}={shape.value!r}` {effect}", priority="P1")
            return


@check("PRD623", on=[calls("fastapi.FastAPI", "fastapi.applications.FastAPI")], files=("python",))
def documentation_served(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`FastAPI()` with `/docs` and `/openapi.json`, where the team has decided that production shows none."""
    if context.options.get("docs") != "deny" or call.spreads or priority_in(call, context) is False:
        return
    if "openapi_url" in call.keywords or {"docs_url", "redoc_url"} <= call.keywords.keys():
        return
    yield Diagnostic(call, '`/docs`, `/redoc` and `/openapi.json` are served in production, which `docs = "deny"` does not want')


_TOOL_SWITCHES = ("*GRAPHIQL", "*GRAPHIQL_ENABLED", "*PLAYGROUND", "*PLAYGROUND_ENABLED", "*DEBUG_TOOLBAR", "*DEBUG_TOOLBAR_ENABLED", "*ENABLE_SILK", "*SILK_ENABLED", "*ENABLE_PROFILER", "*PROFILER_ENABLED", "*PROFILING_ENABLED", "DEBUG_TB_ENABLED", "WERKZEUG_DEBUG_PIN")  # fmt: skip


@check("PRD623", on=[settings(*_TOOL_SWITCHES)], required_literals=["graphiql", "playground", "debug_toolbar", "silk", "profil", "debug_tb", "werkzeug_debug_pin"], files=SETTING_FILES)  # fmt: skip
def tool_switched_on(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`ENABLE_GRAPHIQL=true`, `WERKZEUG_DEBUG_PIN=off` in what production is given."""
    value = setting.value if setting.value is not None else setting.default
    if value is None or not deployed(setting):
        return
    text = value.strip().lower()
    if setting.name == "WERKZEUG_DEBUG_PIN":
        if text == "off":
            yield Diagnostic(setting, "`WERKZEUG_DEBUG_PIN=off` opens the debugger's prompt without its number")
    elif text in TRUTHY:
        yield Diagnostic(setting, f"`{setting.name}={value}` serves a tool for developers in production", priority="P1")


@check(
    "PRD623",
    on=[commands("debugpy", "pydevd", "manhole-cli", "flask-profiler")],
    files=("dockerfile", "yaml", "procfile", "systemd", "shell", "ini"),
)
def debugger_in_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`python -m debugpy --listen 0.0.0.0:5678 -m gunicorn ...` as what production starts."""
    if runs_in_production(command, context):
        yield Diagnostic(command, f"production starts under `{command.program}`: whoever reaches its port runs code in the service")


# ---------------------------------------------------------------- PRD648

_EVERYWHERE = frozenset(("0.0.0.0", "::", "[::]", "*"))
# Calls that listen: where the address is (position, keyword; -1 for the first of a pair at a position), what listens.
_LISTENERS: Mapping[str, tuple[int, str, str]] = {
    "debugpy.listen": (0, "address", "debugger"),
    "ptvsd.enable_attach": (0, "address", "debugger"),
    "remote_pdb.RemotePdb": (0, "host", "debugger"),
    "web_pdb.set_trace": (0, "host", "debugger"),
    "aiomonitor.start_monitor": (9, "host", "console"),
    "pypprof.net_http.start_pprof_server": (0, "host", "profiler"),
    "multiprocessing.managers.BaseManager": (0, "address", "manager, which unpickles what it is sent"),
    "multiprocessing.managers.SyncManager": (0, "address", "manager, which unpickles what it is sent"),
    "multiprocessing.connection.Listener": (0, "address", "listener, which unpickles what it is sent"),
    "logging.config.listen": (9, "", "listener"),
    "xmlrpc.server.SimpleXMLRPCServer": (0, "addr", "XML-RPC server"),
    "celery.bin.worker.worker": (9, "", "worker"),
    "ray.init": (9, "dashboard_host", "dashboard, which runs what it is given"),
    "dask.distributed.LocalCluster": (9, "host", "scheduler, which runs what it is given"),
    "distributed.LocalCluster": (9, "host", "scheduler, which runs what it is given"),
}
_METRICS = ("prometheus_client.start_http_server", "prometheus_client.start_wsgi_server", "prometheus_client.exposition.start_http_server")


def _in_containers(context: CheckContext) -> bool:
    """Whether production starts the service in containers: then what it listens on is decided by the ports that are published."""
    names = (started.path.rsplit("/", 1)[-1].lower() for started in context.environment.started)
    return any("dockerfile" in name or "containerfile" in name or name.endswith((".yml", ".yaml")) for name in names)


def _hosts(value: Value) -> Iterator[object]:
    for shape in value.shapes:
        if isinstance(shape, Items) and shape.items:
            yield from shape.items[0].constants()
        elif isinstance(shape, Known):
            yield shape.value


@check("PRD648", on=[calls(*_LISTENERS)], files=("python",))
def listens_everywhere(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`debugpy.listen(("0.0.0.0", 5678))`, `BaseManager(address=("", 50000))`."""
    position, keyword, what = _LISTENERS[call.name]
    given = call.argument(position, keyword)
    if given is None or priority_in(call, context) is False or call.scope.guards & {"debug", "environment"}:
        return
    values = context.values(call.module)
    if any(is_development(condition.expression, condition.truth) for condition in values.conditions(call)):
        return
    for host in _hosts(values.in_production.of(given)):
        if host in _EVERYWHERE or host == "" and isinstance(given, Collection):
            yield Diagnostic(call, f"the {what} of `{call.name}` listens on every interface")
            return


@check("PRD648", on=[calls(*_METRICS)], files=("python",))
def metrics_everywhere(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`start_http_server(9100)` on a machine of its own: 0.0.0.0 is its default."""
    given = call.argument(1, "addr") or call.keywords.get("host")
    if _in_containers(context) or not context.environment.is_service or call.spreads or priority_in(call, context) is False:
        return
    hosts = ["0.0.0.0"] if given is None else list(_hosts(context.values(call.module).in_production.of(given)))
    if any(host in (*_EVERYWHERE, "") for host in hosts):
        yield Diagnostic(call, f"`{call.method}` shows the metrics on every interface of the machine", priority="P2")


# Programs for insiders: the flags of their address, whether every interface is their default, flags that ask who comes.
_INSIDERS: Mapping[str, tuple[tuple[str, ...], bool, tuple[str, ...]]] = {
    "jupyter": (("--ip", "--ServerApp.ip", "--NotebookApp.ip"), False, ("--ServerApp.password", "--PasswordIdentityProvider.hashed_password")),
    "jupyter-lab": (("--ip", "--ServerApp.ip"), False, ("--ServerApp.password",)),
    "jupyter-notebook": (("--ip", "--NotebookApp.ip"), False, ("--NotebookApp.password",)),
    "flower": (("--address",), True, ("--basic_auth", "--basic-auth", "--auth", "--auth_provider", "--unix_socket")),
    "celery": (("--address",), True, ("--basic_auth", "--basic-auth", "--auth", "--auth_provider", "--unix_socket")),
    "ray": (("--dashboard-host",), False, ()),
    "mlflow": (("--host", "-h"), False, ("--app-name",)),
    "tensorboard": (("--host", "--bind_all"), False, ()),
    "debugpy": (("--listen",), False, ()),
    "dockerd": (("-H", "--host"), False, ("--tlsverify",)),
    "kubectl": (("--address",), False, ()),
}  # fmt: skip


def _opened(command: Command) -> tuple[int, str]:
    """Which word of a command opens a program for insiders to everybody (-1: none), in words."""
    flags, by_default, guards = _INSIDERS[command.program]
    if command.program == "celery" and "flower" not in command.argv or command.flag(*guards) != -1:
        return -1, ""
    if command.program == "kubectl" and "proxy" not in command.argv:
        return -1, ""
    index = command.flag(*flags)
    if index == -1:
        return (len(command.argv) - 1 if by_default else -1), ""
    value = (command.flag_value(*flags) or "").strip("'\"").removeprefix("tcp://")
    host = value.rpartition(":")[0] if value.count(":") == 1 else value
    if host in _EVERYWHERE or command.argv[index] == "--bind_all" or host == "" and command.program in ("flower", "celery"):
        return index, command.argv[index]
    return -1, ""


@check("PRD648", on=[commands(*_INSIDERS)], files=("procfile", "systemd", "shell", "ini", "dockerfile", "makefile"))
def insiders_program(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`jupyter lab --ip=0.0.0.0`, `flower` without a password, `dockerd -H tcp://0.0.0.0:2375`."""
    index, flag = _opened(command)
    if index == -1 and not flag and not (command.program == "flower" and not command.argv and command.flag(*_INSIDERS["flower"][2]) == -1):
        return
    if not runs_in_production(command, context) or command.origin.startswith("dockerfile") and command.program in ("flower", "celery"):
        return
    name = "flower" if command.program == "celery" else command.program
    words = (
        f"`{name}` with `{flag}` listens on every interface"
        if flag
        else f"`{name}` listens on every interface and asks nobody for a password"
    )
    at: Ranged = ByteRange(command.source, *command.words[index]) if flag and index < len(command.words) else command
    yield Diagnostic(at, words)


@check(
    "PRD648",
    on=[documents("compose")],
    required_literals=[("ports", name) for name in ("flower", "jupyter", "ray", "mlflow", "tensorboard")],
    files=("yaml",),
)
def published_insider(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A service of compose that publishes such a program on every interface of the host."""
    if is_for_development(document) or is_sandbox(document):
        return
    for service in services(document):
        if any(profile.raw.lower() in ASKED_FOR for profile in items(service.get("profiles"))):
            continue
        image, words = service.image, f" {service.words} "
        family = image.family if image is not None else ""
        program = next(
            (
                name
                for name in ("flower", "jupyter", "mlflow", "tensorboard")
                if family == name or re.search(rf"[\s\"'/-]{name}[\s\"']", words)
            ),
            "",
        )
        secured = re.search(r"basic[_-]auth|--auth\b|password|--app-name|unix_socket|token=(?![\s'\"]*(?:''|\"\"|\s|$))", words) or any(
            re.search(r"BASIC_AUTH|PASSWORD|TOKEN|AUTH", name) for name in service.environment
        )
        if not program or secured or service.get("env_file") is not None:
            continue
        for node in items(service.get("ports")):
            port = port_of(node)
            if port is not None and port.address in ("", "0.0.0.0", "::"):
                yield Diagnostic(node, f"`{service.name}` publishes {program} on every interface of the host, and it requires no password")
                break


_INSIDE_NAME = re.compile(
    r"(?:^|_)(?:ADMIN|DEBUG|METRICS|MANAGEMENT|MONITORING|PROMETHEUS|FLOWER|JUPYTER|PROFILER|CONSOLE)_(?:SERVER_)?(?:HOST|BIND|BIND_ADDR|BIND_ADDRESS|ADDR|ADDRESS|LISTEN|IP)$",
    re.IGNORECASE,
)
_INSIDE_WORDS = [(word, place) for word in ("admin", "debug", "metrics", "management", "monitoring", "prometheus", "flower", "jupyter", "profiler", "console") for place in ("0.0.0.0", '"::"')]  # fmt: skip


@check(
    "PRD648",
    on=[settings("*HOST", "*BIND", "*ADDR", "*ADDRESS", "*LISTEN", "*IP")],
    required_literals=_INSIDE_WORDS,
    files=("env", "systemd", "ini", "procfile"),
)
def insiders_address(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`METRICS_HOST=0.0.0.0` for a service that runs in no container."""
    value = (setting.value or "").strip("\"' ")
    if value in _EVERYWHERE and _INSIDE_NAME.search(setting.name) and deployed(setting) and not _in_containers(context):
        yield Diagnostic(setting, f"`{setting.name}={value}` binds an internal port to every interface", priority="P2")


@check("PRD648", on=[every(Assignment)], required_literals=_INSIDE_WORDS, files=("python",))
def insiders_default(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`METRICS_HOST = "0.0.0.0"`, also as the default of a setting."""
    if not _INSIDE_NAME.search(assignment.target) or assignment.kind not in ("name", "annotated", "field", "subscript", "item"):
        return
    if (
        assignment.scope.function
        or priority_in(assignment, context) is False
        or _in_containers(context)
        or not context.environment.is_service
    ):
        return
    value: Expression = assignment.value
    for constant in context.values(assignment.module).in_production.of(value).constants():
        if constant in _EVERYWHERE:
            yield Diagnostic(
                assignment, f"`{assignment.target}` is `{constant}`: an internal port listens on every interface", priority="P2"
            )
            return


@check(
    "PRD648",
    on=[commands("gunicorn", "uvicorn", "hypercorn", "granian", "waitress-serve")],
    required_literals=["0.0.0.0", "[::]"],
    files=("systemd", "ini"),
)
def beside_the_proxy(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """A unit of systemd whose server answers everybody beside the nginx of the same machine."""
    if not context.environment.holds_file("nginx.conf") or not runs_in_production(command, context):
        return
    for index, word in enumerate(command.argv):
        if re.search(r"(?:^|=|\[)(?:0\.0\.0\.0|\[?::\]?)(?::\d+)?$", word):
            at: Ranged = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
            yield Diagnostic(
                at, f"`{command.program}` answers on every interface of the machine: whoever asks it gets around the proxy", priority="P2"
            )
            return
