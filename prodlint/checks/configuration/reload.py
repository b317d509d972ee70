"""PRD601 auto-reload-enabled and PRD605 dev-server-in-production, wherever the switch stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, commands, documents, every, settings
from prodlint.facts import Assignment, Call, Command, Constant, Document, Name, Node, Setting
from prodlint.model import FixRequest, Related
from prodlint.project.production import deployed, keyword_on, priority_in, priority_of, runs_in_production
from prodlint.values.places import conditions_above, enclosing
from prodlint.values.truth import FALSY, TRUTHY

# call -> keyword that turns the reloader on, by the libraries' own sources (uvicorn 0.54, werkzeug 3.1, sanic 25.12,
# granian 2.8, bottle 0.13, tornado 6.6)
_KEYWORDS = {
    "uvicorn.run": ("reload",),
    "uvicorn.Config": ("reload",),
    "uvicorn.main.run": ("reload",),
    "granian.Granian": ("reload",),
    "granian.server.Granian": ("reload",),
    "werkzeug.serving.run_simple": ("use_reloader",),
    "werkzeug.run_simple": ("use_reloader",),
    "bottle.run": ("reloader",),
    "tornado.web.Application": ("autoreload",),
    "hypercorn.Config": ("use_reloader",),
}
_RUN_KEYWORDS = ("use_reloader", "auto_reload", "reloader", "dev", "reload")
_APPLICATIONS = ("flask.Flask", "quart.Quart", "sanic.Sanic", "bottle.Bottle", "flask_socketio.SocketIO")


@check(
    "PRD601",
    on=[calls(*_KEYWORDS, "*.run")],
    required_literals=["reload", "dev=true", "dev = true", ("run(", "**")],
    files=("python", "notebook"),
)
def reload_in_call(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`uvicorn.run(..., reload=True)` and its kin."""
    names: tuple[str, ...] | None = _KEYWORDS.get(call.name)
    if names is None:
        maker = call.constructor
        known = maker is not None and maker.name in _APPLICATIONS
        names = _RUN_KEYWORDS if known else ("use_reloader", "auto_reload")
    for name in names:
        switch = keyword_on(call, name, context)
        if switch is None:
            continue
        weight = priority_in(call, context)
        if weight is False:
            return
        message = f"`{call.name}` is started with `{name}=True`" if switch.setting is None else f"`{call.name}` reloads{switch.words}"
        first = call.argument(0, "app")
        if call.name == "uvicorn.run" and first is not None and not isinstance(first, Constant) and name == "reload":
            message += ": given the application object instead of an import string, uvicorn logs a warning and exits"
        along = tuple(("with", keyword) for keyword in call.keywords if keyword in _ONLY_WITH_RELOAD)
        fix = FixRequest("remove-keyword", f"Remove `{name}=True`; off is the default", False, (("keyword", name), *along))
        written = switch.setting is None and name in call.keywords
        yield Diagnostic(
            call, message, priority=weight if isinstance(weight, str) else None, related=switch.related, fix=fix if written else None
        )
        return


@check("PRD601", on=[calls("quart.Quart.run")], required_literals=[("quart", "run(")], files=("python",))
def quart_reloads_by_default(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """The one framework whose plain `app.run()` reloads (quart 0.22)."""
    if call.stars or "use_reloader" in call.keywords:
        return
    weight = priority_in(call, context)
    if weight is not False:
        fix = FixRequest("set-keyword", "Write `use_reloader=False`", False, (("keyword", "use_reloader"), ("value", "False")))
        yield Diagnostic(
            call, "`Quart.run` reloads unless told `use_reloader=False`", priority=weight if isinstance(weight, str) else None, fix=fix
        )


@check(
    "PRD601",
    on=[calls("watchfiles.run_process", "watchfiles.arun_process", "tornado.autoreload.start", "hupper.start_reloader")],
    required_literals=["watchfiles", "autoreload", "hupper"],
    files=("python",),
)
def watches_files(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A process restarted on every change of a file."""
    weight = priority_in(call, context)
    if weight is not False and not _is_asked_for(call):
        yield Diagnostic(
            call, f"`{call.name}` restarts the process whenever a file changes", priority=weight if isinstance(weight, str) else None
        )


def _is_asked_for(call: Call) -> bool:
    """Whether a call stands below `if reload:`, a parameter of its function that is off by default: who starts the process asks for it."""
    function = enclosing(call, call.module)
    if function is None:
        return False
    given = {
        parameter.name
        for parameter in function.parameters
        if not (isinstance(parameter.default, Constant) and parameter.default.value is True)
    }
    return any(isinstance(part, Name) and part.source_text in given for condition in conditions_above(call) for part in condition.walk())


@check(
    "PRD601",
    on=[every(Assignment)],
    required_literals=["reload"],
    files=("python",),
)
def reload_in_server_configuration(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`reload = True` of gunicorn.conf.py, `config.use_reloader = True` of hypercorn."""
    value = assignment.value
    if not (isinstance(value, Constant) and value.value is True) or assignment.kind not in ("name", "attribute", "annotated"):
        return
    name = context.file.name
    in_gunicorn = name.startswith("gunicorn") and assignment.qualified in ("reload", "spew")
    if not in_gunicorn and assignment.target != "use_reloader":
        return
    weight = priority_in(assignment, context)
    if weight is not False:
        fix = FixRequest("replace-value", "Write `False`", False, (("text", "False"),))
        yield Diagnostic(
            assignment,
            f"`{assignment.qualified} = True` switches the reloader on",
            priority=weight if isinstance(weight, str) else None,
            fix=fix,
        )


@check("PRD601", on=[every(Assignment)], required_literals=["templates_auto_reload", "jinja_env.auto_reload"], files=("python",))
def templates_reloaded(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`TEMPLATES_AUTO_RELOAD = True`: a look at every template's file for every page."""
    value = assignment.value
    if not (isinstance(value, Constant) and value.value is True) or (
        assignment.target != "TEMPLATES_AUTO_RELOAD" and not assignment.qualified.endswith("jinja_env.auto_reload")
    ):
        return
    if priority_in(assignment, context) is not False:
        fix = FixRequest("replace-value", "Write `False`", False, (("text", "False"),))
        yield Diagnostic(assignment, f"`{assignment.qualified} = True` looks for changed templates on every page", priority="P2", fix=fix)


# What says how to reload, and makes servers warn where they do not (uvicorn 0.54, granian 2.8, gunicorn 27.0).
_ONLY_WITH_RELOAD = frozenset(
    (
        "reload_dirs",
        "reload_delay",
        "reload_includes",
        "reload_excludes",
        "reload_paths",
        "reload_ignore_dirs",
        "reload_ignore_patterns",
        "reload_tick",
        "reload_filter",
    )
)
_FLAGS_ONLY_WITH_RELOAD = re.compile(
    r"--reload-(?:dir|dirs|delay|include|exclude|engine|extra-file|paths|ignore-\w+(?:-\w+)*|tick|filter)(?P<value>=|$)"
)


def _words_only_for(command: Command, flag: int) -> Iterator[tuple[int, int]]:
    """The byte ranges of the words that only say how to reload, each with its value."""
    taken = False
    for index, word in enumerate(command.argv[: len(command.words)]):
        found = _FLAGS_ONLY_WITH_RELOAD.match(word) if index != flag else None
        if found is not None or taken:
            yield command.words[index]
        taken = found is not None and found["value"] == ""


# program -> flags that turn reloading on; value flags alone count for litestar only (facts: uvicorn merely warns)
_FLAGS = {
    "uvicorn": ("--reload",),
    "gunicorn": ("--reload",),
    "hypercorn": ("--reload",),
    "granian": ("--reload",),
    "fastapi": ("--reload",),
    "flask": ("--reload",),
    "quart": ("--reload",),
    "sanic": ("-r", "--reload", "--auto-reload", "--dev", "-d"),
    "litestar": ("-r", "--reload", "--reload-dir", "--reload-include", "--reload-exclude"),
    "taskiq": ("-r", "--reload"),
    "pserve": ("--reload",),
    "dramatiq": ("--watch",),
    "arq": ("--watch",),
    "chalice": ("--autoreload",),
    "uwsgi": ("--py-autoreload", "--python-autoreload", "--py-auto-reload"),
    "adev": (),
}


@check("PRD601", on=[commands(*_FLAGS)], required_literals=["reload", "--dev", "--watch", " -r", '"-r"', "'-r'", '"-d"', " -d"])
def reload_in_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """A reload flag on a command line that production runs."""
    index = command.flag(*_FLAGS[command.program])
    if index == -1 or not runs_in_production(command, context):
        return
    flag = command.argv[index].split("=")[0]
    if command.program == "flask" and "run" not in command.argv:
        return
    if command.program == "uwsgi" and (command.flag_value(flag) or "1").strip() in ("0", ""):
        return
    place = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
    along = tuple(("with", f"{start}:{end}") for start, end in _words_only_for(command, index))
    fix = FixRequest("remove-word", f"Remove `{flag}`", False, (("word", flag), *along))
    yield Diagnostic(place, f"`{command.program}` is started with `{flag}`", priority=priority_of(command, context), fix=fix)


@check(
    "PRD601", on=[commands("watchmedo", "watchfiles", "start-reload.sh")], required_literals=["watchmedo", "watchfiles", "start-reload.sh"]
)
def restarted_by_a_watcher(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`watchmedo auto-restart -- celery ...`, `watchfiles "uvicorn ..."`, `/start-reload.sh` of the uvicorn-gunicorn images."""
    if (command.program == "watchmedo" and "auto-restart" not in command.argv) or not runs_in_production(command, context):
        return
    if command.program == "watchfiles" and _watches_data(command):
        return
    what = "starts uvicorn with `--reload`" if command.program == "start-reload.sh" else "restarts the service whenever a file changes"
    yield Diagnostic(command, f"`{command.program}` {what}", priority=priority_of(command, context))


# What a watcher of code restarts: a server, a worker, a function by its dotted name.
_RESTARTED = re.compile(
    r"\b(?:uvicorn|gunicorn|hypercorn|granian|daphne|celery|dramatiq|rq|arq|manage\.py|flask|fastapi)\b|^[a-z_]\w*(?:\.\w+)+$"
)


def _watches_data(command: Command) -> bool:
    """Whether `watchfiles 'python import.py' /data/inbox` runs a program when data comes in: the place is given, and is not the code."""
    options = (
        "--target-type",
        "--filter",
        "--ignore-paths",
        "--args",
        "--verbosity",
        "--sigint-timeout",
        "--sigkill-timeout",
        "--grace-period",
    )
    plain = [
        word for before, word in zip(("", *command.argv), command.argv, strict=False) if not word.startswith("-") and before not in options
    ]
    if len(plain) < 2 or _RESTARTED.search(plain[0]):
        return False
    return all(word.startswith(("/", "$", "~")) for word in plain[1:])


_SETTINGS = (
    "UVICORN_RELOAD",
    "GRANIAN_RELOAD",
    "LITESTAR_RELOAD",
    "FLASK_RUN_RELOAD",
    "SANIC_AUTO_RELOAD",
    "UWSGI_PY_AUTORELOAD",
    "RELOAD",
    "AUTO_RELOAD",
    "HOT_RELOAD",
    "APP_RELOAD",
)


@check("PRD601", on=[settings(*_SETTINGS)], required_literals=["reload"])
def reload_in_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """UVICORN_RELOAD=true and its kin, given to production."""
    value = setting.value if setting.value is not None else setting.default
    if value is None or value.strip().lower() not in TRUTHY or not deployed(setting):
        return
    fix = FixRequest("replace", "Write `false`", False, (("text", "false"),))
    yield Diagnostic(setting, f"`{setting.name}={value}` switches the reloader on", fix=fix)


@check("PRD601", on=[settings("GUNICORN_CMD_ARGS")], required_literals=[("gunicorn_cmd_args", "--reload")])
def reload_in_gunicorn_arguments(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """GUNICORN_CMD_ARGS, which gunicorn reads like a command line."""
    if setting.value and "--reload" in setting.value.split() and deployed(setting):
        yield Diagnostic(setting, "`GUNICORN_CMD_ARGS` holds `--reload`")


@check(
    "PRD601",
    on=[documents()],
    required_literals=["use_reloader", "autoreload", "auto-reload", "reload_templates"],
    files=("toml", "ini", "yaml"),
)
def reload_in_document(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """hypercorn.toml, uwsgi.ini and Pyramid's development switches."""
    for node in document.root.walk():
        if node.kind != "scalar":
            continue
        key = node.path.rsplit(".", 1)[-1]
        value = str(node.value).strip().lower()
        if key == "use_reloader" and value in TRUTHY:
            yield _document_hit(node, key, "false")
        elif (
            key in ("py-autoreload", "python-autoreload", "py-auto-reload")
            and value not in FALSY
            and value != ""
            and not _is_for_developers(document, node)
        ):
            yield _document_hit(node, key, "0")
        elif node.path.endswith("pyramid.reload_templates") and value in TRUTHY:
            yield _document_hit(node, "pyramid.reload_templates", "false")


_UWSGI_CONDITION = re.compile(r"(?im)^[ \t]*(?:(?P<kind>if-(?:not-)?[a-z-]+)[ \t]*=[ \t]*(?P<what>[^\r\n]*)|endif\b)")
_DEVELOPERS_WORD = re.compile(r"(?i)(?:^|[_=. -])(?:dev|devel\w*|debug|local|reload|autoreload)(?:$|[_=. -])")
_PRODUCTION_WORD = re.compile(r"(?i)(?:^|[_=. -])(?:prod|production|live|release)(?:$|[_=. -])")


def _is_for_developers(document: Document, node: Node) -> bool:
    """Whether the innermost `if-env = DEV` ... `endif` of uWSGI around a line leaves production out."""
    before = list(_UWSGI_CONDITION.finditer(document.source.slice(0, node.start)))
    if not before or before[-1]["kind"] is None:
        return False
    last = before[-1]
    word = _PRODUCTION_WORD if "not" in last["kind"] else _DEVELOPERS_WORD
    return word.search(last["what"]) is not None


def _document_hit(node: Node, key: str, off: str) -> Diagnostic:
    return Diagnostic(
        node, f"`{key} = {node.raw}` switches the reloader on", fix=FixRequest("replace", f"Write `{off}`", False, (("text", off),))
    )


# ---------------------------------------------------------------- PRD605


_BESIDE_IT = re.compile(rb"(?m)^[ \t]*(?:exec[ \t]+)?(?:[\w./-]*/)?(?:gunicorn|uwsgi|uvicorn|hypercorn|granian|daphne)[ \t]")


@check(
    "PRD605",
    on=[
        commands(
            "fastapi",
            "flask",
            "quart",
            "manage.py",
            "django-admin",
            "django",
            "http.server",
            "wsgiref",
            "adev",
            "jupyter",
            "streamlit",
            "runserver",
            "wsgiref.simple_server",
            "python",
        )
    ],
    required_literals=["fastapi", "flask", "quart", "runserver", "http.server", "wsgiref", "adev", "jupyter", "streamlit"],
)
def development_server(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """A server that its own documentation keeps out of production."""
    if command.file.kind == "shell" and _BESIDE_IT.search(command.source.data) is not None and not context.options.get("either"):
        return  # a script that starts the one or the other is told which
    if not runs_in_production(command, context):
        return
    program, argv = command.program, command.argv
    if program == "python" and argv and argv[0].endswith("manage.py"):
        program, argv = "manage.py", argv[1:]
    verb = next((word for word in argv if not word.startswith("-")), "")
    words = ""
    fix: FixRequest | None = None
    if program == "fastapi" and verb == "dev":
        words = "`fastapi dev` reloads on every change and listens on 127.0.0.1"
        fix = FixRequest("replace-word", "Start `fastapi run`", False, (("word", "dev"), ("text", "run")))
    elif program in ("flask", "quart") and "run" in argv:
        words = f"`{program} run` starts the development server"
    elif program in ("manage.py", "django-admin", "django") and verb in ("runserver", "runserver_plus"):
        words = f"`{verb}` starts a development server"
    elif program == "http.server":
        words = "`python -m http.server` is no production server"
    elif program.startswith("wsgiref"):
        words = "`wsgiref` is no production server"
    elif program == "adev" and verb == "runserver":
        words = "`adev runserver` is aiohttp's development server"
    elif program == "jupyter" and verb in ("lab", "notebook") and command.origin.startswith(("kubernetes", "procfile", "systemd")):
        words = f"`jupyter {verb}` is started as a service"
    elif program == "streamlit" and any("runOnSave" in word for word in argv):
        words = "`streamlit` is started with `runOnSave`"
    if words:
        yield Diagnostic(command, words, priority=priority_of(command, context), fix=fix)


@check(
    "PRD605",
    on=[
        calls(
            "flask.Flask.run",
            "quart.Quart.run",
            "bottle.run",
            "bottle.Bottle.run",
            "flask_socketio.SocketIO.run",
            "wsgiref.simple_server.make_server",
            "werkzeug.serving.run_simple",
        )
    ],
    required_literals=[("flask", "run("), ("quart", "run("), ("bottle", "run("), ("wsgiref", "make_server"), ("werkzeug", "run_simple")],
    files=("python",),
)
def development_server_in_started_file(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.run()` in a file that the image, the Procfile or the unit starts."""
    if call.name == "bottle.run" and isinstance(call.keywords.get("server"), Constant):
        return
    if call.name == "flask_socketio.SocketIO.run" and "allow_unsafe_werkzeug" not in call.keywords:
        return
    if context.environment.runs(context.file.path) is not True:
        return
    mine = next(
        (one for one in context.environment.started if one.runs and _starts(one.script or one.module.replace(".", "/"), context.file.path)),
        None,
    )
    if mine is None or priority_in(call, context) is False:
        return
    yield Diagnostic(
        call,
        f"`{call.name}` starts a development server, and `{mine.path}` starts this file",
        related=(Related(mine.path, mine.span, f"`{mine.words}`"),),
    )


@check("PRD605", on=[calls("*.launch")], required_literals=[("gradio", "share")], files=("python",))
def shared_by_gradio(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`demo.launch(share=True)`: the page goes to the world by a tunnel of the library's makers."""
    shared = call.keywords.get("share")
    if not (isinstance(shared, Constant) and shared.value is True) or not any(
        name.partition(".")[0] == "gradio" for name in call.module.imports.values()
    ):
        return
    priority = priority_in(call, context)
    if not isinstance(priority, bool) and not context.file.roles & {"script", "command"}:
        yield Diagnostic(call, "`share=True` publishes the page to everybody by Gradio's tunnel", priority=priority or None)


def _starts(script: str, path: str) -> bool:
    stem = script.removeprefix("./").removesuffix(".py").lstrip("/")
    own = path.removesuffix(".py")
    return bool(stem) and (own == stem or own.endswith("/" + stem) or stem.endswith("/" + own))
