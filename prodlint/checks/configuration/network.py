"""What a container's server believes and where it listens: source mounted over the image (PRD607), forwarded headers
(PRD645), loopback addresses (PRD646)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, commands, documents, every, settings
from prodlint.facts import (
    Assignment,
    Call,
    Collection,
    Command,
    Constant,
    Document,
    Expression,
    Function,
    Name,
    Node,
    Operation,
    Setting,
    expressions_in,
    statements_in,
)
from prodlint.model import FixRequest, Related
from prodlint.project.production import SETTING_FILES, deployed, deployed_elsewhere, priority_in, runs_in_production
from prodlint.values.compose import PRODUCTION_PATH
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.places import enclosing

# ---------------------------------------------------------------- PRD607: source mounted over the image

_DEVELOPERS = re.compile(
    r"(?:^|[-_])(?:dev|develop|development|test|tests|lint|local|debug|shell|watch|builder|docs|frontend|ui|node|npm|e2e|playwright)(?:$|[-_])"
)
_PROJECT = re.compile(r"^(?:\./?|\$\{?PWD\}?/?|\$\(pwd\)/?)$")


@check(
    "PRD607",
    on=[documents("compose")],
    required_literals=[("volumes", "./"), ("volumes", ".:"), ("volumes", "source: ."), ("volumes", "pwd")],
    files=("yaml",),
)
def source_mounted(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A service that runs from the host's working copy instead of its image."""
    services = document.root.get("services")
    # A folder whose name begins with a dot holds what an editor or a developer's tool reads.
    if services is None or context.file.path.startswith(".") or "/." in context.file.path or deployed_elsewhere(context):
        return
    if not PRODUCTION_PATH.search(context.file.path.lower()) and not context.options.get("anywhere"):
        return
    found: list[tuple[str, Node, str, str]] = []
    for name, service in services.members.items():
        if service.kind != "mapping" or service.get("profiles") is not None or _DEVELOPERS.search(name.lower()):
            continue
        volumes = service.get("volumes")
        for volume in volumes.items if volumes is not None else ():
            source, target, mode = _mount(volume)
            if not source or "ro" in mode.split(",") or "/." in source or not _holds_python(source, context):
                continue
            found.append((name, volume, source, target))
    if found:
        name, volume, source, target = found[0]
        count = len(found) - 1
        more = f" ({count} more {'service' if count == 1 else 'services'} in this file)" if count else ""
        words = f"`{name}` mounts its source `{source}` over `{target}`: what runs is the host's working copy, not the image that was built{more}"
        related = tuple(Related(volume.file.path, other.span, f"`{who}` does as well") for who, other, _, _ in found[1:])
        yield Diagnostic(volume, words, related=related)


def _mount(volume: Node) -> tuple[str, str, str]:
    """Source, target and mode of a bind mount; nothing for a named volume."""
    if volume.kind == "mapping":
        read_only = volume.get("read_only")
        source = volume.text_at("source")
        return (
            source if source.startswith((".", "$")) else "",
            volume.text_at("target"),
            "ro" if read_only is not None and read_only.value is True else "",
        )
    parts = volume.raw.split(":") if volume.kind == "scalar" else []
    if len(parts) < 2 or not parts[0].startswith((".", "$")):
        return "", "", ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""


def _holds_python(source: str, context: CheckContext) -> bool:
    """Whether a folder beside the compose file holds Python modules of this repository."""
    import posixpath

    home = context.file.path.rpartition("/")[0]
    if _PROJECT.match(source):
        folder = home
    elif source.startswith("."):
        folder = posixpath.normpath(posixpath.join(home, source))
    else:
        return False
    if folder.startswith(".."):
        return False
    return context.environment.holds_python("" if folder == "." else folder)


# ---------------------------------------------------------------- PRD645: forwarded headers from anybody

_TRUST = "believes `X-Forwarded-For` from whoever connects: any client can choose its address"


@check(
    "PRD645",
    on=[commands("uvicorn", "gunicorn", "fastapi", "waitress-serve", "daphne")],
    required_literals=["--forwarded-allow-ips", "--trusted-proxy"],
)
def trusted_in_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`--forwarded-allow-ips='*'`."""
    for flag in ("--forwarded-allow-ips", "--trusted-proxy"):
        index = command.flag(flag)
        if index != -1 and (command.flag_value(flag) or "").strip("'\"") == "*" and runs_in_production(command, context):
            at = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
            yield Diagnostic(at, f"`{command.program}` with `{flag}=*` {_TRUST}")


@check(
    "PRD645",
    on=[settings("FORWARDED_ALLOW_IPS", "UVICORN_FORWARDED_ALLOW_IPS", "TRUSTED_PROXIES")],
    required_literals=["forwarded_allow_ips", "trusted_proxies"],
    files=SETTING_FILES,
)
def trusted_in_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """FORWARDED_ALLOW_IPS=*."""
    value = setting.value if setting.value is not None else setting.default
    if value is not None and value.strip() == "*" and deployed(setting):
        yield Diagnostic(setting, f"`{setting.name}=*`: the server {_TRUST}")


_TRUSTING = {
    "uvicorn.run": "forwarded_allow_ips",
    "uvicorn.Config": "forwarded_allow_ips",
    "uvicorn.middleware.proxy_headers.ProxyHeadersMiddleware": "trusted_hosts",
    "waitress.serve": "trusted_proxy",
    "waitress.create_server": "trusted_proxy",
}


@check(
    "PRD645",
    on=[calls(*_TRUSTING, "*.add_middleware", "starlette.middleware.Middleware")],
    required_literals=["forwarded_allow_ips", "trusted_hosts", "trusted_proxy"],
    files=("python",),
)
def trusted_in_call(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`uvicorn.run(forwarded_allow_ips="*")`, `ProxyHeadersMiddleware(trusted_hosts="*")`."""
    keyword = _TRUSTING.get(call.name, "")
    if not keyword:
        given = call.argument(0, "middleware_class")
        if not isinstance(given, Name) or not given.name.endswith("ProxyHeadersMiddleware"):
            return
        keyword = "trusted_hosts"
    value = call.keywords.get(keyword) or (call.argument(1) if keyword == "trusted_hosts" and call.name in _TRUSTING else None)
    if value is None or priority_in(call, context) is False:
        return
    if _is_everybody(call.module.follow(value, call)) or _is_everybody_unless_set(value, call, context):
        yield Diagnostic(value, f'`{keyword}="*"` {_TRUST}')


def _is_everybody_unless_set(value: Expression, call: Call, context: CheckContext) -> bool:
    """`os.getenv("FORWARDED_ALLOW_IPS", "*")`, where production's files do not set it."""
    shape = context.values(call.module).in_production.of(value).only()
    if not isinstance(shape, SettingRead) or context.environment.startup.settings.get(shape.name.upper()) is not None:
        return False
    return shape.default.unset().constants() == ["*"]


def _is_everybody(value: Expression) -> bool:
    if isinstance(value, Collection):
        return any(_is_everybody(item) for item in value.items)
    return isinstance(value, Constant) and value.value == "*"


@check("PRD645", on=[every(Assignment)], required_literals=["forwarded_allow_ips", "use_x_forwarded_host"], files=("python",))
def trusted_in_configuration(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """gunicorn.conf.py's `forwarded_allow_ips = "*"`; Django's USE_X_FORWARDED_HOST where any host is allowed."""
    if assignment.scope.function or priority_in(assignment, context) is False:
        return
    if assignment.target == "forwarded_allow_ips" and context.file.name.startswith("gunicorn") and _is_everybody(assignment.value):
        yield Diagnostic(assignment, f'`forwarded_allow_ips = "*"` {_TRUST}')
    elif assignment.target == "USE_X_FORWARDED_HOST" and isinstance(assignment.value, Constant) and assignment.value.value is True:
        allowed = assignment.module.constant("ALLOWED_HOSTS")
        if allowed is not None and _is_everybody(allowed):
            yield Diagnostic(
                assignment,
                "`USE_X_FORWARDED_HOST = True` with `ALLOWED_HOSTS` of `*`: any client chooses the host of the links that are sent",
            )


_ABOUT_TRUST = re.compile(
    r"(?i)rate|limit|throttl|auth|allow|block|ban|whitelist|denylist|blacklist|key_func|quota|abuse|captcha|trusted|permission"
)


_FIRST = re.compile(rb"(?:[\s\\]|#[^\n]*\n)*\[(?:\s|#[^\n]*\n)*0(?:\s|#[^\n]*\n)*\]")


@check("PRD645", on=[calls("*.split")], required_literals=["x-forwarded-for", "x_forwarded_for"], files=("python",))
def first_of_forwarded(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`request.headers["X-Forwarded-For"].split(",")[0]`: the part that the client wrote, used to limit or to let in."""
    if not _FIRST.match(call.source.data, call.end):
        return
    receiver = call.receiver
    origin = call.module.follow(receiver, call) if receiver is not None else None
    if origin is None or not any(
        isinstance(part, Constant) and isinstance(part.value, str) and re.search(r"(?i)x[-_]forwarded[-_]for$", part.value)
        for part in origin.walk()
    ):
        return
    function = enclosing(call, call.module)
    around = f"{call.scope.symbol} {function.name if function is not None else ''} {context.file.name}"
    if _ABOUT_TRUST.search(around) or _lets_in(call, function):
        yield Diagnostic(
            call,
            "the first address of `X-Forwarded-For` is the one that the client wrote itself; count from the right, past the proxies you run",
        )


def _lets_in(call: Call, function: Function | None) -> bool:
    """Whether an address decides who gets in: something is compared with it, or a limiter counts by it."""
    data = call.source.data
    if function is None:
        return False
    if re.search(rb"key(?:_func)?[\s\\]*=(?:[\s\\(]|#[^\n]*\n)*%s\b" % re.escape(function.name.encode()), data):
        return True
    names = {
        target.source_text
        for statement in statements_in(function.body)
        if statement.kind == "assign" and statement.start <= call.start < statement.end
        for target in statement.targets
        if isinstance(target, Name)
    }
    for expression in expressions_in(function.body):
        if isinstance(expression, Operation) and expression.operator in ("in", "not in", "==", "!="):
            for operand in expression.operands:
                for part in operand.walk():
                    if isinstance(part, Name) and part.source_text in names and part.start > call.end:
                        return True
                    if isinstance(part, Call) and part.start == call.start and part.end == call.end:
                        return True
    return False


_FORWARDED = re.compile(r"(?i)^(?:http_)?x[-_]forwarded[-_]for$")


@check(
    "PRD645",
    on=[calls("slowapi.Limiter", "slowapi.extension.Limiter", "flask_limiter.Limiter", "flask_limiter.extension.Limiter", "*.limit")],
    required_literals=[("key_func", "x-forwarded-for"), ("key_func", "x_forwarded_for")],
    files=("python",),
)
def limited_by_forwarded(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`Limiter(key_func=lambda request: request.headers.get("X-Forwarded-For"))`."""
    given = call.keywords.get("key_func")
    if given is None:
        return
    function = call.module.function(given.source_text) if isinstance(given, Name) else None
    parts = expressions_in(function.body) if function is not None else given.walk()
    for part in parts:
        if isinstance(part, Constant) and isinstance(part.value, str) and _FORWARDED.match(part.value):
            yield Diagnostic(
                given, "the limit counts by `X-Forwarded-For`, which the client writes itself: every request may name another address"
            )
            return


@check("PRD645", on=[calls("werkzeug.middleware.proxy_fix.ProxyFix")], required_literals=["proxyfix"], files=("python",))
def many_proxies(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`ProxyFix(app, x_for=5)`: with fewer proxies in front than that, a client writes the address itself."""
    given = call.argument(1, "x_for")
    if isinstance(given, Constant) and isinstance(given.value, int) and given.value > 1 and priority_in(call, context) is not False:
        yield Diagnostic(
            given,
            f"`ProxyFix` trusts {given.value} proxies: where there are fewer, any client can choose its address",
            priority="P2",
        )


# ---------------------------------------------------------------- PRD646: listening where nobody can reach it

# program -> the flags that say where to listen, and the variables that do
_LISTENS: dict[str, tuple[tuple[str, ...], tuple[bytes, ...]]] = {
    "uvicorn": (("--host", "--uds", "--fd"), (b"UVICORN_HOST", b"UVICORN_UDS")),
    "hypercorn": (("-b", "--bind", "--insecure-bind", "--quic-bind", "-c", "--config"), ()),
    "granian": (("--host", "--uds"), (b"GRANIAN_HOST", b"GRANIAN_UDS")),
    "daphne": (("-b", "--bind", "-u", "--unix-socket", "--fd", "-e", "--endpoint"), ()),
    "litestar": (("-H", "--host", "-U", "--uds", "-F", "--fd"), (b"LITESTAR_HOST",)),
    "flask": (("-h", "--host"), (b"FLASK_RUN_HOST",)),
    "quart": (("-h", "--host"), (b"QUART_RUN_HOST",)),
    "gunicorn": (("-b", "--bind", "-c", "--config", "--paste"), (b"PORT", b"GUNICORN_CMD_ARGS")),
}
_LOOPBACK = re.compile(r"^(?:localhost|127\.0\.0\.1|::1|\[::1\])(?::\d+)?$")
_IN_CONTAINER = frozenset(("dockerfile-cmd", "dockerfile-entrypoint", "compose", "kubernetes"))


@check("PRD646", on=[commands(*_LISTENS)], files=("dockerfile", "yaml"))
def listens_on_loopback(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """A server in a container that listens on 127.0.0.1, by its default or because it was told to."""
    if command.origin not in _IN_CONTAINER or not runs_in_production(command, context) or _shares_network(command):
        return
    program = command.program
    flags, variables = _LISTENS[program]
    verbs = {word for word in command.argv if not word.startswith("-")}
    if (program in ("flask", "quart", "litestar") and "run" not in verbs) or "--help" in command.argv or "--version" in command.argv:
        return
    fix = FixRequest(
        "append-words",
        "Listen on every address of the container",
        False,
        (("text", "--host 0.0.0.0" if "--host" in flags else "--bind 0.0.0.0:8000"),),
    )
    index = command.flag(*flags)
    if index != -1:
        flag = command.argv[index].split("=")[0]
        value = (command.flag_value(flag) or "").strip("'\"")
        if _LOOPBACK.match(value) and command.origin != "kubernetes":
            at = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
            yield Diagnostic(at, f"`{program}` listens on `{value}` and is unreachable from outside the container")
        return
    # Its short flag may be glued to its value; what the shell puts in cannot be seen.
    if any(word.startswith(("-b", "-c", "-H")) and not word.startswith("--") for word in command.argv) or any(
        "$" in word for word in command.argv
    ):
        return
    data = command.source.data
    if any(_holds(data, variable) for variable in variables) or (
        context.file.kind == "dockerfile" and (_holds(data, b"0.0.0.0") or _holds(data, b"[::]"))
    ):
        return
    if program == "gunicorn" and (command.origin.startswith("dockerfile") or context.environment.holds_file("gunicorn.conf.py")):
        # Platforms set PORT, and then gunicorn listens everywhere.
        return
    if command.origin.startswith("dockerfile-entrypoint") and _holds(data, b"CMD"):
        return
    yield Diagnostic(command, f"`{program}` listens on 127.0.0.1 by default and is unreachable from outside the container", fix=fix)


_HOST_NETWORK = re.compile(rb"\bhostNetwork[\"']?[ \t]*:[ \t]*[\"']?true\b")


@lru_cache(maxsize=64)
def _holds(data: bytes, word: bytes, times: int = 1) -> bool:
    """Whether a word stands in a file so often: looked up once, however many commands the file has."""
    return word in data if times == 1 else data.count(word) >= times


def _shares_network(command: Command) -> bool:
    """Whether the container has its host's or another container's network, or stands beside a proxy of its own."""
    data = command.source.data
    if _holds(data, b"network_mode") or _HOST_NETWORK.search(data) is not None:
        return True
    return command.origin == "kubernetes" and (_holds(data, b"image", 2) or _holds(data, b"{{"))
