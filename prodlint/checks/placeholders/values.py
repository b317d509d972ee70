"""PRD305: values that were meant to be replaced before anyone used them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, check, documents, every, settings
from prodlint.checks.quoting import quote
from prodlint.facts import Assignment, Constant, Document, Node, Setting
from prodlint.model import Priority

_NOUN = (
    r"(?:key|token|secret|password|passwd|pwd|id|domain|host|hostname|url|uri|project|account|bucket|org|organi[sz]ation|username|user|email|name|app|"
    r"region|server|endpoint|tenant|dsn|value|site|company|workspace|cluster|registry|namespace|webhook|client|credentials?|key-id|instance)"
)
# Values that are placeholders whatever they are bound to.
_ALWAYS = re.compile(
    rf"(?ix)^(?:"
    rf"change[-_ ]?(?:me|this)(?:[-_ !.](?:[-_ \w!.]{{0,40}}))?!*"
    rf"|(?:please|must)[-_]change(?:[-_]\w+)*"
    rf"|to[-_]be[-_](?:changed|replaced|filled|set|defined)"
    rf"|replace[-_ ]?(?:me|this)(?:[-_ ][-_ \w]{{0,40}})?!*"
    rf"|replace[-_]with[-_][-_\w]{{1,60}}"
    rf"|(?:insert|enter|put|paste|add|set|use|fill)[-_](?:in[-_])?(?:your|my|the|a|real|actual)[-_][-_\w]{{1,50}}"
    rf"|(?:insert|enter|put|paste)[-_](?:key|token|secret|password|api[-_]key)(?:[-_]here)?"
    rf"|(?:my|your)?[-_]?(?:super[-_]?)?(?:api[-_]?key|access[-_]?key|token|secret(?:[-_]key)?|password)[-_](?:goes[-_])?here"
    rf"|your[-_](?:[a-z0-9]+[-_]){{0,5}}{_NOUN}(?:[-_](?:goes[-_])?here)?(?:[-_.]\d{{1,3}})?"
    rf"|your[-_][-_a-z0-9]{{1,50}}[-_]here"
    rf"|<[\s_-]*(?:your|my|insert|enter|replace|change|put)[-_ ][^<>\n]{{1,50}}>"
    rf"|lorem\s+ipsum\b.*"
    rf")$"
)
_ANGLED = re.compile(
    r"^<(?:[A-Z][A-Z0-9]*[-_ ])*(?:KEY|TOKEN|SECRET|PASSWORD|ID|HOST|HOSTNAME|DOMAIN|URL|PROJECT|ACCOUNT|USERNAME|BUCKET|REGION|DSN|TENANT)>$"
)
_NOTES = re.compile(r"^(?:TODO|TBD|FIXME|TBA|CHANGEME|REPLACEME|FILL_?ME)[:!]?(?:[ _-].{0,60})?$")
# Hosts that never answer (RFC 2606), or that ask to be replaced: only as an endpoint.
_HOST = r"(?:[\w-]+\.)*(?:example\.(?:com|org|net)|your[-_]?(?:domain|company|site|server|host|app|org|project)\.\w+|my-?(?:domain|company)\.com|foo\.bar|foobar\.com)"
_ENDPOINT = re.compile(rf"(?i)^(?:[a-z][a-z0-9+.]*://(?:[^/@\s]*@)?)?{_HOST}(?::\d+)?(?:[/?#]\S*)?$")
_FOO_URL = re.compile(r"(?i)^https?://(?:foo|bar|baz|foobar|your-\w+|<[^>]+>)(?:[/:?#].*)?$")
_ADDRESS = re.compile(rf"(?i)^(?:[\w .-]+<)?[\w.+-]+@{_HOST}>?$")
_MASKED = re.compile(r"(?i)^(?:x{4,}|(?:sk|pk|key|token|ghp|AKIA)?[-_]?x{6,}|x{2,}(?:-x{2,})+|\*{0}0{8}-0{4}-0{4}-0{4}-0{12})$")

_ENDPOINT_NAME = re.compile(
    r"(?i)(?:^|_|-)(?:url|urls|uri|host|hosts|hostname|endpoint|server|domain|origin|base|dsn|broker|webhook|callback|redirect|issuer|audience|"
    r"site|api|address|addr|server_name|frontend|backend|upstream|proxy|registry)\d*$|(?:Url|Uri|Host|Endpoint|Domain|Origin)$|^iss$|^aud$"
)
_ADDRESS_NAME = re.compile(
    r"(?i)(?:^|_|-)(?:email|emails|mail|from|sender|recipient|recipients|admin|admins|contact|support|reply_to|to|cc|bcc|from_email|owner|notify)(?:$|_)|Email$"
)
_IDENTITY_NAME = re.compile(
    r"(?i)(?:^|_|-)(?:key|keys|token|secret|password|passwd|pwd|dsn|credential|credentials|tenant_id|client_id|subscription_id|account_id|project_id|"
    r"app_id|api_id|organization_id|org_id|application_id|bot_id|tracking_id|measurement_id|site_id)$"
)
_NOT_NAMES = re.compile(
    r"(?i)(?:^|_|-)(?:help|metavar|examples?|description|placeholder\w*|title|label|summary|message|msg|text|error|errors|hint|note|doc|docs|usage|epilog|"
    r"comment|prompt|caption|tooltip|sample\w*|demo\w*|dummy\w*|mock\w*|fake\w*|test\w*|insecure\w*|weak\w*|forbidden|blocked|denied|invalid\w*|known|bad|"
    r"mask\w*|format|pattern|regex|template|status|state|kind|tag|tags|column|stage|phase|schema|namespace|xmlns|default_insecure\w*|verbose_name|"
    r"author\w*|maintainer\w*|(?:full|first|last|given|family|display|nick|user|preferred|sur)_?names?|real_?name|nick(?:name)?|change_?me|replace_?me|fixture\w*|redacted|docstring|body|content|html|markdown|query|sql|footer|subject|instructions|system|role|reserved|unsafe\w*|disallowed)(?:$|_|-)"
)
_EXAMPLE_AROUND = re.compile(rb"(?i)[\"']?(?:json_schema_extra|openapi_examples|schema_extra|examples?)[\"']?\s*[:=(]|OpenApiExample")
_EXAMPLE_FIELD = re.compile(r"(?i)(?:json_schema_extra|openapi_examples|schema_extra|examples?)[=(]|(?:.*\.)?OpenApiExample\(")
_EXAMPLE_SCOPE = re.compile(
    r"(?i)(?:^|_|\.)(?:test|tests|debug|preview\w*|mock\w*|examples?|demo|sample\w*|seed\w*|fake\w*|fixture\w*|dummy)(?:$|_|\.)|(?:Example|Mock|Fake|Test|Dummy|Sample|Demo)"
)

_ANCHORS = (
    "changeme", "change_me", "change-me", "change me", "changethis", "change_this", "change-this", "change this",
    "please_change", "please-change", "must_change", "must-change", "to_be_", "to-be-",
    "replaceme", "replace_me", "replace-me", "replace_this", "replace-this", "replace this", "replacethis", "replace me", "replace_with", "replace-with",
    "insert_", "insert-", "enter_", "enter-", "put_", "put-", "paste_", "paste-", "add_your", "add-your", "add_my", "add-my", "set_your", "set-your",
    "use_your", "use-your", "fill_in", "fill-in", "fill_your", "fill-your", "add_the", "set_the", "set-the", "add-the", "use_the", "use-the", "use_a_", "use-a-",
    "_here", "-here", "your_", "your-", "<your", "<my", "<insert", "<enter", "<replace", "<change", "<put", "lorem ipsum",
    "_key>", "-key>", "<key>", "token>", "secret>", "password>", "id>", "host>", "hostname>", "domain>", "url>", "project>", "account>", "username>",
    "bucket>", "region>", "dsn>", "tenant>",
    "example.com", "example.org", "example.net", "yourdomain", "yourcompany", "yoursite", "yourserver", "yourhost", "yourapp", "yourorg", "yourproject",
    "mydomain.com", "my-domain.com", "mycompany.com", "my-company.com", "foo.bar", "foobar.com", "//foo", "//bar", "//baz",
    "todo", "tbd", "fixme", "tba", "fillme", "fill_me", "xxxx", "xx-xx", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip


def placeholder(name: str, value: str) -> str:
    """What a value bound to a name stands for ("a placeholder", "a reserved example host"), or nothing."""
    value = value.strip()
    if not 3 <= len(value) <= 200:
        return ""
    bare = name.rsplit(".", 1)[-1]
    if _NOT_NAMES.search(bare):
        return ""
    if _ALWAYS.match(value) or _ANGLED.match(value):
        return "" if value.lower().replace("-", "_") == bare.lower().replace("-", "_") else "a placeholder"
    if _NOTES.match(value):
        return (
            ""
            if value.lower().strip(":!") == bare.lower()
            or not _IDENTITY_NAME.search(bare)
            and not _ENDPOINT_NAME.search(bare)
            and value[:4] in ("TODO", "TBD", "TBA")
            else "a placeholder"
        )
    if (_ENDPOINT.match(value) or _FOO_URL.match(value)) and _ENDPOINT_NAME.search(bare):
        return "a reserved example host"
    if _ADDRESS.match(value) and (_ADDRESS_NAME.search(bare) or _ENDPOINT_NAME.search(bare)):
        return "an example address"
    if _MASKED.match(value) and _IDENTITY_NAME.search(bare):
        return "a placeholder"
    return ""


def _shown(value: str) -> str:
    value = value.strip()
    return quote(value, 50)


_STATEMENT = re.compile(rb"\n\f*([A-Za-z_]\w*)")


def _is_made_up_answer(around: Sequence[str]) -> bool:
    """`Response(200, request=Request("GET", url="https://example.com"))`: an answer that no request was sent for."""
    called = next((index for index, name in enumerate(around) if name.endswith("(")), len(around))
    return around[called + 1 : called + 2] == ["request="]


def _surrounding_name(assignment: Assignment) -> str:
    """The first word of the statement of the module that a value stands in: `BLOCK_EXAMPLES` of a long table."""
    begin = max(0, assignment.start - 20000)
    window = (b"" if begin else b"\n") + assignment.source.data[begin : assignment.start]
    words: list[bytes] = _STATEMENT.findall(window)
    return words[-1].decode().lower() if words else ""


# Data for developers, demonstrations and first starts.
_MADE_UP_PLACE = re.compile(
    r"(?i)(?:^|[/_.-])(?:seed\w*|seeders?|fixtures?|mock\w*|fake\w*|demo\w*|sample\w*|dummy|dev|devel\w*|sandbox|playground|init_users)(?:[/_.-]|$)"
)
_CONFIGURES = re.compile(r"(?i)(?:settings?|config\w*|constants|defaults|options|conf|env|app|main|server)$")


def _configures(assignment: Assignment) -> bool:
    """Whether an entry of a dictionary configures the service: in its settings, or in a constant of a module."""
    stem = assignment.file.name.rsplit(".", 1)[0]
    return "settings" in assignment.file.roles or bool(_CONFIGURES.search(stem)) or not assignment.scope.function


_SETTING_FILES = ("env", "yaml", "toml", "ini", "json", "dockerfile", "shell", "makefile", "systemd", "procfile")
_KINDS = frozenset({"name", "attribute", "subscript", "annotated", "default", "field", "unpacked", "keyword", "item"})


@lru_cache(maxsize=4)
def _compared(data: bytes) -> frozenset[bytes]:
    """The texts that a file compares with."""
    behind = re.findall(rb"[!=]=(?:[\s\\()]|#[^\n]*\n)*[\"']([^\"'\n]*)[\"']", data)
    return frozenset((*behind, *re.findall(rb"[\"']([^\"'\n]*)[\"'][\s\\)]*[!=]=", data)))


@check("PRD305", on=[every(Assignment)], required_literals=_ANCHORS, verbatim=True)
def placeholder_value(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """A literal in code that asks to be replaced."""
    if assignment.kind not in _KINDS:
        return
    value = assignment.value
    if not isinstance(value, Constant) or not isinstance(value.value, str):
        return
    what = placeholder(assignment.target, value.value)
    if assignment.kind == "keyword" and assignment.target in ("endpoint", "name", "view_name"):
        return  # what a route or a field is called
    if not what or _EXAMPLE_SCOPE.search(assignment.scope.symbol) or assignment.scope.guards & {"main", "type-checking"}:
        return
    data = assignment.source.data
    if value.value.encode() in _compared(data):
        return  # the program asks whether it was replaced
    if _MADE_UP_PLACE.search(assignment.file.path):
        return
    if not context.options.get("everywhere") and not _matters(assignment.target, what):
        return
    if assignment.kind == "item" and what != "a placeholder" and not _configures(assignment):
        return  # data that is sent or stored; a host of a setting stands in a setting
    if assignment.kind in ("item", "keyword"):
        around = list(assignment.module.around(assignment))
        if _is_made_up_answer(around) or any(_EXAMPLE_FIELD.match(name) for name in around):
            return
        if _EXAMPLE_AROUND.search(data[max(0, assignment.start - 500) : assignment.start]) or _EXAMPLE_SCOPE.search(
            _surrounding_name(assignment)
        ):
            return
    yield Diagnostic(value, f"`{assignment.target}` is {what}: `{_shown(value.value)}`", priority=_weight(what))


_SECOND = re.compile(rb",(?:[\s\\(]|#[^\n]*\n)*\Z")


@check("PRD305", on=[settings()], required_literals=_ANCHORS, verbatim=True, files=("python", "notebook"))
def placeholder_fallback(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """The fallback of `os.getenv("NAME", "...")`; fields of settings classes are found as assignments."""
    if setting.default and _SECOND.search(setting.source.data, max(0, setting.start - 400), setting.start):
        if context.options.get("everywhere") or _matters(setting.name, placeholder(setting.name, setting.default)):
            yield from _in_setting(setting, setting.default)


# Passwords that somebody signs in with, and the address that mails go out from.
_SIGNS_IN = re.compile(r"(?i)passw|secret_?key|signing_?key|jwt_?secret")
_SENDS = re.compile(r"(?i)from_?(?:e?mail|addr\w*)$|sender$|server_?email$")


def _matters(name: str, what: str) -> bool:
    """Whether a placeholder in Python does harm where nobody replaces it: it lets somebody in, or mails are refused for it."""
    return bool({"a placeholder": _SIGNS_IN, "an example address": _SENDS}.get(what, _ANY).search(name))


_ANY = re.compile("")


@check("PRD305", on=[settings()], required_literals=_ANCHORS, files=_SETTING_FILES)
def placeholder_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """A setting that asks to be replaced."""
    if setting.origin == "env-file" and "production" not in context.file.roles and not context.options.get("env-files"):
        return
    value = setting.value if setting.value is not None else setting.default
    for found in _in_setting(setting, value) if value else ():
        if found.priority is None or context.options.get("hosts") or setting.origin in _STARTS_SERVICES:
            yield found


# Where a service of the project is started with the value; elsewhere an example host is what whoever deploys it writes anyway.
_STARTS_SERVICES = frozenset(("compose", "dockerfile-env", "systemd", "supervisord", "shell"))


def _weight(what: str) -> Priority | None:
    """An example host in a file of deployment is what whoever deploys it replaces first; a placeholder that works as a value is not seen."""
    return None if what == "a placeholder" else "P2"


def _in_setting(setting: Setting, value: str) -> Iterator[Diagnostic]:
    what = placeholder(setting.name, value)
    if what:
        yield Diagnostic(setting, f"`{setting.name}` is {what}: `{_shown(value)}`", priority=_weight(what))


_DOCUMENTS = ("compose", "kubernetes", "helm-values", "alembic", "supervisord", "other")
_SAID_ELSEWHERE = re.compile(r"(?:^|\.)(?:environment|env|data|stringData|args)(?:\.|$)")


def _environment_values(document: Document) -> Iterator[Node]:
    """The values of the services' environments in a compose file, those of merged anchors included."""
    services = document.root.get("services") if document.kind == "compose" else None
    for service in services.members.values() if services is not None else ():
        environment = service.get("environment")
        if environment is not None:
            yield from environment.walk()


@check("PRD305", on=[documents(*_DOCUMENTS)], required_literals=_ANCHORS, files=("yaml", "toml", "ini", "json"))
def placeholder_entry(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A configuration entry that asks to be replaced."""
    if document.kind == "other" and not document.file.roles & {"production", "settings"}:
        return
    told = {value.start for value in _environment_values(document)}
    for node in document.root.walk():
        if node.start in told:
            continue  # an anchor that a service merges into its environment, which is read as settings
        if node.kind != "scalar" or not isinstance(node.value, str) or _SAID_ELSEWHERE.search(node.path):
            continue
        name = node.path.rsplit(".", 1)[-1]
        what = placeholder(name, node.raw)
        if what and (what == "a placeholder" or document.kind == "compose" or context.options.get("hosts")):
            yield Diagnostic(node, f"`{node.path}` is {what}: `{_shown(node.raw)}`", priority=_weight(what))
