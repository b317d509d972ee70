"""PRD621 debug-mode-enabled: in calls, assignments, settings classes and the environment that production is given."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, commands, documents, every, settings
from prodlint.facts import Assignment, Call, Command, Constant, Document, Expression, Setting
from prodlint.model import FixRequest, Priority
from prodlint.project.production import (
    SETTING_FILES,
    Switch,
    deployed,
    given_anew,
    is_on,
    keyword_on,
    priority_in,
    runs_in_production,
    switched_on,
)
from prodlint.values.configured import given_at_once, merged
from prodlint.values.lattice import Result, Value
from prodlint.values.truth import TRUTHY

# call -> keywords that open debug pages, by the libraries' own sources (facts.md 1.1, 7)
_KEYWORDS = {
    "fastapi.FastAPI": ("debug",),
    "fastapi.applications.FastAPI": ("debug",),
    "starlette.applications.Starlette": ("debug",),
    "litestar.Litestar": ("debug", "pdb_on_exception"),
    "litestar.app.Litestar": ("debug", "pdb_on_exception"),
    "tornado.web.Application": ("debug", "serve_traceback"),
    "bottle.run": ("debug",),
    "bottle.Bottle.run": ("debug",),
    "flask.Flask.run": ("debug", "use_debugger"),
    "quart.Quart.run": ("debug",),
    "sanic.Sanic.run": ("debug",),
    "sanic.Sanic.prepare": ("debug",),
    "flask_socketio.SocketIO.run": ("debug", "use_debugger"),
    "dash.Dash.run": ("debug",),
    "dash.Dash.run_server": ("debug",),
    "dash.Dash.enable_dev_tools": ("debug",),
    "werkzeug.serving.run_simple": ("use_debugger",),
    "waitress.serve": ("expose_tracebacks",),
    "waitress.create_server": ("expose_tracebacks",),
    "aiohttp.web.run_app": ("debug",),
    "asyncio.run": ("debug",),
    "asyncio.Runner": ("debug",),
}
_APPLICATION_NAMES = ("app", "application", "server", "flask_app", "api")


@check(
    "PRD621",
    on=[calls(*_KEYWORDS, "*.run")],
    required_literals=["debug", "pdb_on_exception", "serve_traceback", "expose_tracebacks", ("flask", ".run(")],
    files=("python",),
)
def debug_in_call(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.run(debug=True)`, `FastAPI(debug=True)` and their kin."""
    names = _KEYWORDS.get(call.name)
    if names is None:
        # An application made elsewhere and imported here: `from .app import app; app.run(debug=True)`
        if call.name.rpartition(".")[0].rpartition(".")[2] not in _APPLICATION_NAMES:
            return
        names = ("debug", "use_debugger")
    for name in names:
        switch = keyword_on(call, name, context) or _third_on(call, name, context)
        if switch is None:
            continue
        weight = priority_in(call, context)
        if weight is False:
            return
        effect = {"expose_tracebacks": "sends tracebacks to clients", "serve_traceback": "sends tracebacks to clients"}.get(
            name, _effect(call.name)
        )
        fix = FixRequest("remove-keyword", f"Remove `{name}=True`; off is the default", False, (("keyword", name),))
        loop = call.name.startswith("asyncio.")
        words = f"`{call.name}` with `{name}=True` {effect}" if switch.setting is None else f"`{call.name}` {effect}{switch.words}"
        priority = "P2" if loop else _priority(weight) or ("P1" if switch.setting is not None else None)
        by_keyword = switch.setting is None and name in call.keywords
        yield Diagnostic(call, words, priority=priority, related=switch.related, fix=fix if by_keyword else None)
        return


def _third_on(call: Call, name: str, context: CheckContext) -> Switch | None:
    """`debug` by its place: `run(host, port, debug)` of Flask and Quart."""
    third = call.argument(2) if name == "debug" and call.name in ("flask.Flask.run", "quart.Quart.run") else None
    return switched_on(context.values(call.module).in_production.of(third), context) if third is not None else None


def _effect(name: str) -> str:
    if name.startswith("asyncio."):
        return "checks and times every step of the event loop: several times slower"
    if name.startswith(("flask", "quart", "werkzeug", "dash")) or name.endswith(".run"):
        return "opens the interactive debugger: whoever reaches it runs code on the server"
    return "shows tracebacks and source code to clients"


def _priority(weight: Priority | bool | None) -> Priority | None:
    return weight if isinstance(weight, str) else None


@check("PRD621", on=[calls("bottle.debug", "werkzeug.debug.DebuggedApplication")], files=("python",))
def debugger_called(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`bottle.debug(True)`, `DebuggedApplication(app, evalex=True)`."""
    if call.name == "bottle.debug":
        first = call.argument(0, "mode")
        if first is not None and not (isinstance(first, Constant) and first.value is True):
            return
    elif keyword_on(call, "evalex", context) is None and not (isinstance(call.argument(1), Constant)):
        return
    weight = priority_in(call, context)
    if weight is not False:
        yield Diagnostic(call, f"`{call.name}` {_effect(call.name)}", priority=_priority(weight))


@check("PRD621", on=[every(Assignment)], required_literals=["debug"], files=("python",))
def debug_assigned(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`DEBUG = True` in settings, `app.debug = True`, `app.config["DEBUG"] = True`, `debug: bool = True` of a settings class."""
    value: Expression | None = assignment.value
    if isinstance(value, Call) and value.method == "Field":  # pydantic
        value = value.argument(0, "default")
    if assignment.target == "DEBUG" and assignment.kind in ("name", "annotated") and not isinstance(value, Constant):
        yield from _debug_by_setting(assignment, context)
        return
    if not (isinstance(value, Constant) and is_on(value.value)):
        return
    target, kind = assignment.target, assignment.kind
    message = ""
    lowered: Priority | None = None
    scope = assignment.scope
    if kind in ("name", "annotated") and target == "DEBUG" and not scope.symbol:
        if "settings" not in context.file.roles and not _reads_like_settings(assignment):
            return
        if given_anew("DEBUG", context):
            return
        message = "`DEBUG = True` in a settings module that production may load"
        if "not-production" in scope.guards:
            message, lowered = "`DEBUG` is on unless the environment says that it is production", "P1"
    elif (
        kind == "attribute"
        and target == "debug"
        and (assignment.qualified.rsplit(".", 2)[-2] in _APPLICATION_NAMES or _is_application(assignment))
        or kind == "subscript"
        and target in ("DEBUG", "PROPAGATE_EXCEPTIONS")
        and ".config[" in assignment.qualified
        and target == "DEBUG"
    ):
        message = f"`{assignment.qualified} = True` {_effect('x.run')}"
    elif kind == "field" and target.upper() == "DEBUG" and _is_settings_class(assignment):
        message = f"`{scope.class_}.{target}` is true by default"
    elif kind == "item" and target == "debug" and "settings" in context.file.roles and "TEMPLATES" in _surrounding(assignment):
        if any(isinstance(one.value, Constant) and one.value.value is False for one in assignment.module.assignments("DEBUG")):
            return  # without `DEBUG` there is no page that shows it
        # Shown to clients by the page that `DEBUG` alone brings; what is left is its cost, and source in error reports.
        message, lowered = "`debug: True` of TEMPLATES puts template source into error reports", "P2"
    if not message:
        return
    weight = priority_in(assignment, context)
    if weight is not False:
        fix = _FROM_ENVIRONMENT if target == "DEBUG" and not scope.symbol and kind in ("name", "annotated") else _OFF
        yield Diagnostic(assignment, message, priority=lowered or _priority(weight), fix=fix)


_APPLICATIONS = ("flask.Flask", "quart.Quart", "fastapi.FastAPI", "starlette.applications.Starlette", "litestar.Litestar", "sanic.Sanic")


def _is_application(assignment: Assignment) -> bool:
    """Whether the attribute that is set is one of an application that the same file makes: `site = Flask(__name__)`."""
    maker = assignment.module.constant(assignment.qualified.rpartition(".")[0])
    return isinstance(maker, Call) and maker.name in _APPLICATIONS


def _debug_by_setting(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`DEBUG = envbool("DEBUG", "True")`, `DEBUG = env("DEBUG")` with a schema that says True, `DEBUG = env == "development"`."""
    if assignment.scope.symbol or ("settings" not in context.file.roles and not _reads_like_settings(assignment)):
        return
    value = context.values(assignment.module).of(assignment.value)
    if any(isinstance(shape, Result) and _reader_is_told_true(shape) for shape in value.shapes):
        if priority_in(assignment, context) is not False:
            yield Diagnostic(assignment, "`DEBUG` is on where the environment does not switch it off", priority="P1")
        return
    switch = switched_on(value, context)
    if switch is None or switch.setting is None or priority_in(assignment, context) is False:
        return
    read = switch.setting.at
    given = read.argument(1, "default") if isinstance(read, Call) else None
    if switch.setting.name in _SWITCHES and isinstance(given, Constant) and str(given.value).strip().lower() in TRUTHY:
        return  # reported where it is read
    name = f"`{switch.setting.name}`" if switch.setting.name else "the environment"
    yield Diagnostic(assignment, f"`DEBUG` is on unless somebody sets {name}", priority="P1", related=switch.related)


def _reader_is_told_true(result: Result) -> bool:
    """`get_bool_from_env("DEBUG", True)`, whose body is in no file of the project: a reader by its name."""
    name = result.given[0] if result.given else Value()
    return (
        "env" in result.name.rpartition(".")[2].lower()
        and any(isinstance(constant, str) and "DEBUG" in constant.upper() for constant in name.constants())
        and any(given.is_constant(True) for given in result.given[1:])
    )


_OFF = FixRequest("replace-value", "Write `False`", False, (("text", "False"),))
_FROM_ENVIRONMENT = FixRequest(
    "replace-value",
    "Switch it on by the variable `DEBUG` alone",
    False,
    (("text", 'os.getenv("DEBUG", "").lower() in {"1", "true", "yes", "on"}'), ("import", "os")),
)


def _reads_like_settings(assignment: Assignment) -> bool:
    """Whether the module sets what only Django and Flask settings modules set."""
    module = assignment.module
    return bool(
        module.assignments("INSTALLED_APPS")
        or module.assignments("MIDDLEWARE")
        or module.assignments("ROOT_URLCONF")
        or module.assignments("SECRET_KEY")
    )


def _is_settings_class(assignment: Assignment) -> bool:
    name = assignment.scope.class_
    class_ = assignment.module.class_named(name)
    if class_ is None:
        return False
    if any(base.rsplit(".", 1)[-1] in ("BaseSettings", "Settings", "BaseConfig", "Config") for base in class_.bases):
        return True
    return name in ("Config", "Settings", "AppSettings", "AppConfig", "BaseConfig", "BaseSettings", "ProductionConfig", "ProdConfig")


def _surrounding(assignment: Assignment) -> str:
    templates = assignment.module.assignments("TEMPLATES")
    return "TEMPLATES" if any(found.start <= assignment.start < found.end for found in templates) else ""


_SWITCHES = (
    "FLASK_DEBUG",
    "QUART_DEBUG",
    "LITESTAR_DEBUG",
    "LITESTAR_PDB",
    "DJANGO_DEBUG",
    "DEBUG",
    "APP_DEBUG",
    "PYTHONASYNCIODEBUG",
    "PYTHONDEVMODE",
    "SANIC_DEBUG",
    "FLASK_RUN_DEBUGGER",
)
_MODES = ("FLASK_ENV", "FASTAPI_ENV", "APP_ENV", "ENVIRONMENT", "DJANGO_ENV", "ENV", "QUART_ENV")


@check("PRD621", on=[settings(*_SWITCHES)], required_literals=["debug", "pythondevmode", "litestar_pdb"], files=SETTING_FILES)
def debug_in_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """FLASK_DEBUG=1 and its kin, given to production."""
    value = setting.value if setting.value is not None else setting.default
    if value is None or not deployed(setting):
        return
    text = value.strip().lower()
    # Flask and Quart take everything that is not empty, 0, false or no for true: `off` switches debugging on.
    on = text not in ("", "0", "false", "no") if setting.name.upper() in ("FLASK_DEBUG", "QUART_DEBUG") else text in TRUTHY
    if on:
        surprise = " (Flask takes `off` for on)" if text in ("off", "n", "f") else ""
        yield Diagnostic(
            setting,
            f"`{setting.name}={value}` switches debugging on{surprise}",
            fix=FixRequest("replace", "Write `0`", False, (("text", "0"),)),
        )


@check("PRD621", on=[settings(*_SWITCHES)], required_literals=["debug"], files=("python",))
def debug_by_default(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`env.bool("DEBUG", default=True)`, `os.getenv("DEBUG", "1") == "1"`: on wherever nobody switches it off."""
    # The fields of settings classes are assignments, and reported as such.
    if (
        setting.service
        or setting.default is None
        or setting.default.strip().lower() not in TRUTHY
        or priority_in(setting, context) is False
    ):
        return
    yield Diagnostic(setting, f"`{setting.name}` is on where the environment does not switch it off", priority="P1")


@check(
    "PRD621",
    on=[calls("*.update", "*.from_mapping", "*.setdefault", "*.update_config", "django.conf.settings.configure")],
    required_literals=[
        ("debug", "config.update("),
        ("debug", "config.from_mapping("),
        ("debug", "config.setdefault("),
        ("debug", "update_config("),
        ("debug", "configure("),
    ],
    files=("python",),
)
def debug_in_configuration(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.config.update(DEBUG=True)`, `app.config.from_mapping({"DEBUG": True})`, `settings.configure(DEBUG=True)`."""
    of_django = call.name == "django.conf.settings.configure"
    written = call.keywords.get("DEBUG")
    if of_django:
        if keyword_on(call, "DEBUG", context) is None:
            return
    else:
        given = next((value for name, value in given_at_once(call) if name == "DEBUG"), None)
        if given is None or switched_on(context.values(call.module).in_production.of(given), context) is None:
            return
    weight = priority_in(call, context)
    if weight is not False:
        fix = FixRequest("remove-keyword", "Remove `DEBUG=True`; off is the default", False, (("keyword", "DEBUG"),))
        effect = "shows tracebacks and settings to clients" if of_django else _effect("x.run")
        yield Diagnostic(
            call if written is None or of_django else written,
            f"`DEBUG=True` {effect}",
            priority=_priority(weight),
            fix=fix if written is not None else None,
        )


@check("PRD621", on=[every(Assignment)], required_literals=[("debug", "config |=")], files=("python",))
def debug_merged(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.config |= {"DEBUG": True}`."""
    given = next((value for name, value in merged(assignment) if name == "DEBUG"), None)
    if given is None or switched_on(context.values(assignment.module).in_production.of(given), context) is None:
        return
    weight = priority_in(assignment, context)
    if weight is not False:
        yield Diagnostic(given, f"`DEBUG=True` {_effect('x.run')}", priority=_priority(weight))


@check("PRD621", on=[documents()], required_literals=["debug"], files=("toml", "yaml", "json"))
def debug_in_dynaconf(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`DEBUG = true` for production in dynaconf's `settings.toml`, or for every environment without a word of its own."""
    if (
        context.file.name not in ("settings.toml", "settings.yaml", "settings.yml", "settings.json")
        or "dynaconf" not in context.environment.packages
    ):
        return
    for node in document.root.walk():
        section, _, key = node.path.rpartition(".")
        if (
            node.kind == "scalar"
            and key.upper() == "DEBUG"
            and str(node.value).strip().lower() in TRUTHY
            and section.lower() in ("", "default", "global", "production")
        ):
            priority: Priority | None = None if section.lower() == "production" else "P1"
            yield Diagnostic(
                node,
                f"`{node.path} = {node.raw}` switches debugging on",
                priority=priority,
                fix=FixRequest("replace", "Write `false`", False, (("text", "false"),)),
            )


@check("PRD621", on=[settings(*_MODES)], required_literals=["_env", "environment", "env="], files=SETTING_FILES)
def development_mode(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """APP_ENV=development in a file that production reads."""
    value = setting.value if setting.value is not None else setting.default
    if value is None or not value.strip().lower().startswith("dev") or not deployed(setting):
        return
    if setting.name in ("FLASK_ENV", "QUART_ENV"):
        # The word is compared as a whole: `devel` and `dev` do nothing.
        if value.strip() != "development":
            return
        version = context.environment.version("flask") if setting.name == "FLASK_ENV" else None
        if version is not None and version >= (2, 3):
            return  # gone in Flask 2.3: the variable does nothing there
    explicit = "production" in context.file.roles and setting.origin == "env-file"
    yield Diagnostic(setting, f"`{setting.name}={value}` runs the service in its development mode", priority=None if explicit else "P1")


_DEBUG_FLAGS = {
    "flask": ("--debug", "--debugger"),
    "quart": ("--debug",),
    "litestar": ("--debug", "-d", "--pdb", "--use-pdb"),
    "sanic": ("--debug",),
}


@check(
    "PRD621", on=[commands(*_DEBUG_FLAGS, "debugpy")], required_literals=["--debug", "--pdb", "--use-pdb", "debugpy", ("litestar", "-d")]
)
def debug_in_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`flask run --debug`, which is FLASK_DEBUG=1 by another name, and a program started under a debugger."""
    if not runs_in_production(command, context):
        return
    if command.program == "debugpy":
        yield Diagnostic(command, "`debugpy` waits for a debugger: whoever reaches its port runs code in the service")
        return
    index = command.flag(*_DEBUG_FLAGS[command.program])
    if index == -1 or "--no-debug" in command.argv or (command.program != "sanic" and "run" not in command.argv):
        return
    place = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
    flag = command.argv[index]
    fix = FixRequest("remove-word", f"Remove `{flag}`", False, (("word", flag),))
    yield Diagnostic(place, f"`{command.program}` is started with `{flag}`: whoever reaches its debugger runs code on the server", fix=fix)
