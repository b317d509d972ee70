"""Servers that let a request run for ever (PRD509)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, commands, documents, every, settings, text
from prodlint.counting import whole_number
from prodlint.facts import Assignment, Command, Document, Setting, Text
from prodlint.model import FixRequest, Priority
from prodlint.values.places import is_number, value_of

# gunicorn 27.0.1 kills a worker that is silent for 30 s, with `timeout = 0` never (`gunicorn/config.py`); of asynchronous workers it
# only sees that the event loop hangs.
_LONG = 300
_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "dev", "ci"))


def _judged(seconds: float, where: str) -> tuple[str, Priority | None] | None:
    """The words for a number of seconds, and their weight; None where it is fine."""
    if seconds == 0:
        return f"{where} switches the limit off: a worker that hangs is never replaced", None
    if seconds > _LONG:
        return f"{where} lets a worker hang for {int(seconds) // 60} minutes before it is replaced", "P2"
    return None


@check("PRD509", on=[commands("gunicorn")], required_literals=[("gunicorn", "timeout"), ("gunicorn", "-t")])
def gunicorn_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`gunicorn --timeout 0`."""
    value = command.flag_value("--timeout", "-t")
    seconds = whole_number(value or "")
    found = _judged(seconds, f"`--timeout {value}` of gunicorn") if seconds is not None else None
    if found is not None and not context.file.roles & _ELSEWHERE:
        yield Diagnostic(command, found[0], priority=found[1])


@check(
    "PRD509",
    on=[settings("GUNICORN_CMD_ARGS", "GUNICORN_TIMEOUT", "*GUNICORN_TIMEOUT")],
    required_literals=["gunicorn_cmd_args", "gunicorn_timeout"],
)
def gunicorn_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`GUNICORN_CMD_ARGS="--timeout 0"`, `GUNICORN_TIMEOUT=0`."""
    value = setting.value if setting.value is not None else setting.default
    if context.file.roles & _ELSEWHERE or not value or context.file.kind == "python":
        return
    number = (
        re.search(r"(?:^|\s)(?:--timeout|-t)[= ](\d+)", value)
        if setting.name.upper() == "GUNICORN_CMD_ARGS"
        else re.fullmatch(r"(\d+)", value.strip())
    )
    seconds = whole_number(number[1]) if number is not None else None
    found = _judged(seconds, f"`{setting.name}={value[:40]}`") if seconds is not None else None
    if found is not None:
        yield Diagnostic(setting, found[0], priority=found[1])


@check("PRD509", on=[every(Assignment)], required_literals=["timeout"], files=("python",))
def gunicorn_configuration(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`timeout = 0` in gunicorn's configuration file."""
    if (
        assignment.target != "timeout"
        or assignment.scope.symbol
        or assignment.kind not in ("name", "annotated")
        or not re.match(r"gunicorn\w*(?:\.conf)?\.py$|gunicorn_conf\w*\.py$", context.file.name)
    ):
        return
    if context.file.roles & _ELSEWHERE:
        return
    seconds = value_of(assignment.value, assignment.module, assignment)
    found = _judged(float(seconds), f"`timeout = {seconds}` of gunicorn") if is_number(seconds) else None
    if found is not None:
        fix = FixRequest("replace-value", "Write gunicorn's default of 30 s", False, (("text", "30"),))
        yield Diagnostic(assignment, found[0], priority=found[1], fix=fix if seconds == 0 else None)


_HARAKIRI = re.compile(r"(?i)harakiri")


@check("PRD509", on=[commands("uwsgi")], required_literals=["uwsgi"])
def uwsgi_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`uwsgi --http :8000 --module app` without `--harakiri`."""
    if context.file.roles & _ELSEWHERE or not command.long_running:
        return
    words = " ".join(command.argv)
    serves = re.search(r"--(?:http|http-socket|socket|https|module|wsgi-file)\b|(?:^| )-[sw]\b", words)
    elsewhere = re.search(r"--(?:ini|yaml|xml|emperor)\b|\.ini\b|\.ya?ml\b", words)
    if serves and not elsewhere and not _HARAKIRI.search(words):
        yield Diagnostic(command, "`uwsgi` is started without `harakiri`: a request that hangs holds its worker for good", priority="P2")


@check("PRD509", on=[documents("other")], required_literals=["uwsgi"], files=("ini",))
def uwsgi_configuration(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`[uwsgi]` without `harakiri`."""
    section = document.root.get("uwsgi")
    if section is None or context.file.roles & _ELSEWHERE or section.kind != "mapping":
        return
    keys = set(section.members)
    if (
        keys & {"http", "http-socket", "socket", "https", "https-socket", "fastcgi-socket"}
        and keys & {"module", "wsgi-file", "wsgi", "mount", "callable"}
        and not any(_HARAKIRI.search(key) and node.raw not in ("0", "false") for key, node in section.members.items())
        and "ini" not in keys
        and "for-readline" not in keys
        and (context.options.get("harakiri") or any(_HARAKIRI.search(key) for key in keys))
    ):
        yield Diagnostic(section, "`[uwsgi]` sets no `harakiri`: a request that hangs holds its worker for good", priority="P2")


_HOUR = 3600
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}


_READ_TIMEOUT = re.compile(rb"\w+_read_timeout\s+(\d+)(ms|s|m|h|d|)\s*;")


@check("PRD509", on=[text()], required_literals=["proxy_read_timeout", "uwsgi_read_timeout", "fastcgi_read_timeout"], files=("nginx",))
def nginx_read_timeout(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`proxy_read_timeout 24h` for plain requests; web sockets, which are told to upgrade, live that long on purpose."""
    data = whole.source.data
    for _, offset in whole.hits:
        found = _READ_TIMEOUT.match(data, offset)
        around = data[max(0, offset - 800) : offset + 800].lower()
        before = data[max(0, data.rfind(b"\n", 0, offset) + 1, offset - 400) : offset]
        if found is None or b"upgrade" in around or b"#" in before or before.strip()[-1:] not in (b"", b"{", b";", b"}"):
            continue
        if (whole_number(found[1].decode()) or 0) * _UNITS[found[2].decode()] > _HOUR and not context.file.roles & _ELSEWHERE:
            words = found[0].decode().rstrip("; ")
            yield Diagnostic(
                ByteRange(whole.source, offset, found.end() - 1),
                f"`{words}` keeps a connection to a silent upstream for more than an hour",
                priority="P2",
            )


@check("PRD509", on=[documents("kubernetes")], required_literals=["proxy-read-timeout"], files=("yaml", "json"))
def ingress_read_timeout(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """The annotation of an Ingress for plain requests."""
    annotations = document.root.get("metadata", "annotations")
    if annotations is None or annotations.kind != "mapping" or context.file.roles & _ELSEWHERE:
        return
    sockets = any("websocket" in key or "upgrade" in node.raw.lower() for key, node in annotations.members.items())
    for key, node in annotations.members.items():
        if key.endswith("nginx.ingress.kubernetes.io/proxy-read-timeout") and (whole_number(node.raw) or 0) > _HOUR and not sockets:
            words = f"`proxy-read-timeout: {node.raw}` keeps a connection to a silent upstream for more than an hour"
            yield Diagnostic(node, words, priority="P2")
