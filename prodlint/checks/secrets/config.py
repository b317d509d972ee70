"""Secrets in configuration: containers and orchestration (PRD110), everything else (PRD111), `${X:-literal}` (PRD105)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, commands, documents, instructions, settings, text
from prodlint.checks.quoting import quote
from prodlint.checks.secrets.calm import CALM, may_be_in_use
from prodlint.facts import Command, Document, File, Instruction, Node, Setting, Source, Text
from prodlint.model import FixRequest, Priority
from prodlint.values.scalars import found_in
from prodlint.values.secret_names import ANCHORS, SecretName, guards_sessions, parts_of, plural_name, secret_name, value_name
from prodlint.values.secret_values import high_entropy, is_published_default, is_secret, shape_of

CONFIGURATION = ("yaml", "json", "toml", "ini", "hcl", "dockerfile", "shell", "makefile", "systemd", "procfile", "jenkinsfile")
_DOCUMENT_KINDS = ("yaml", "json", "toml", "ini", "hcl")
# Whose files speak for containers and their orchestration: PRD110. All others: PRD111.
_CONTAINER_ORIGINS = frozenset(("compose", "kubernetes", "dockerfile-env", "dockerfile-arg"))
_CONTAINER_DOCUMENTS = frozenset(("compose", "kubernetes", "helm-values"))
# Where a setting stays for as long as the service runs; before a command of a build or a script it goes with it.
_KEPT = _CONTAINER_ORIGINS | {"systemd", "supervisord", "platform"}
# Documents whose keys are names of fields, messages or packages.
_NOT_SETTINGS = frozenset(("lock", "openapi", "i18n", "notebook", "mkdocs", "dependabot", "prometheus-rules", "cargo"))
_SEALED = re.compile(
    rb"\bkind[\"']?\s{0,4}:\s{0,4}(?:&\w+\s+)?[\"']?(?:SealedSecret|ExternalSecret|SecretStore|ClusterSecretStore|SecretProviderClass|VaultStaticSecret)\b"
    rb"|(?:^|\n)[\"']?sops[\"']?:|[\"']sops[\"']\s{0,4}:"
)


# ---------------------------------------------------------------- settings


def code_of(setting: Setting) -> str:
    """Which rule a setting belongs to; none for env files, whose rule is PRD108."""
    if setting.origin in ("env-file", "python"):
        return ""
    return "PRD110" if setting.origin in _CONTAINER_ORIGINS or setting.file.kind == "dockerfile" else "PRD111"


@check("PRD110", "PRD111", on=[settings()], required_literals=ANCHORS, files=CONFIGURATION)
def literal_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    if code_of(setting) != context.code or setting.value is None:
        return
    named = value_name(setting.name)
    if named is None or (context.code == "PRD110" and is_sealed(setting.source.data)):
        return
    if "ci" in context.file.roles and setting.origin == "compose":
        return  # containers that live as long as the pipeline runs
    works = _works(setting.value, setting.name, named, context)
    # A Secret with `postgres` in it is a manifest to begin with: who applies it changes it, or has a database that only the namespace reaches.
    begun = setting.origin == "kubernetes" and _SECRET_KIND.search(setting.source.data) is not None and not context.options.get("manifests")
    mild = not works and not begun and setting.origin in _KEPT and _is_published(setting.value, setting.name, named, context)
    if not works and not mild:
        return
    place = _value_place(setting.source, setting.start, setting.end)
    fix = FixRequest("require-variable", f"Require `{setting.name}` from the environment", False, (("name", setting.name),))
    words = f"`{setting.name}` is written into {_WHERE.get(setting.origin, 'the file')}"
    yield Diagnostic(
        place,
        words,
        priority="P1" if mild and not guards_sessions(setting.name) else None,
        secret=True,
        fix=fix if setting.origin == "compose" and not context.file.roles & CALM and not _is_repeated(setting) else None,
    )


_SECRET_KIND = re.compile(rb"(?m)^kind:[ \t]*[\"']?Secret\b")


def _is_repeated(setting: Setting) -> bool:
    """Whether the file writes the same password into a URL as well: with the one changed and the other not, they do not fit any more."""
    value = (setting.value or "").encode()
    return bool(value) and b":" + value + b"@" in setting.source.data


def _is_published(value: str, name: str, named: SecretName, context: CheckContext) -> bool:
    """A literal that everybody knows (`postgres`, `changeme`) or could guess, where production reads it."""
    if (
        context.file.roles & (CALM | {"script"})
        or not named.certain
        or named.kind not in ("password", "secret", "key")
        or value.lower() == name.lower()
    ):
        return False
    shape = shape_of(value)
    if value.isdigit() and named.kind != "password":
        return False  # another service's key that is none: `STRIPE_SECRET_KEY: 1234` switches nothing on
    if shape in ("words", "passphrase") and named.kind == "secret":
        return _NAMES_AN_OBJECT.isdisjoint(parts_of(name))
    return shape in ("default", "digits") or (shape in ("words", "passphrase") and named.kind == "password")


# `TLS_SECRET: web-tls`, `IMAGE_PULL_SECRET: registry`: the name of an object that holds a secret.
_NAMES_AN_OBJECT = frozenset(
    "tls ssl cert certificate image pull registry k8s kube kubernetes docker helm object existing ref external vault store".split()
)


_WHERE = {
    "compose": "the compose file",
    "dockerfile-env": "the image, as an environment variable",
    "dockerfile-arg": "the image's history, as a build argument",
    "kubernetes": "the manifest",
    "ci": "the pipeline",
    "shell": "the script",
    "makefile": "the Makefile",
}


# Defaults that say "the real one is passed at the build".
_STANDS_FOR_NOTHING = frozenset(
    "unset none null nil empty undefined missing invalid changeme change-me change_me todo tbd dummy default placeholder x".split()
)


@check("PRD110", on=[settings()], required_literals=ANCHORS, files=("dockerfile",))
def secret_build_argument(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`ARG TOKEN`: what is passed in stays readable in the image's history."""
    given = (setting.value or setting.default or "").lower()
    if setting.origin != "dockerfile-arg" or (
        shape_of(given) not in ("empty", "placeholder", "masked") and given not in _STANDS_FOR_NOTHING
    ):
        return
    if given and guards_sessions(setting.name):
        return  # `ARG SECRET_KEY=unused`: what the settings ask for while the image is built
    named = secret_name(setting.name)
    if named is not None and named.certain and named.kind != "connection":
        yield Diagnostic(setting, f"Build argument `{setting.name}` stays in the image's history: use a build secret", priority="P2")


_LATER_STAGE = re.compile(rb"(?mi)^[ \t]*FROM[ \t]")
# What is gone when the line ends, or never was a file of the image.
_NO_FILE = re.compile(r"^(?:/run/|/tmp/|/dev/|/proc/|\$|&|-)")
_INTO_A_FILE = re.compile(r"(?<![\d&])>{1,2}\s*[\"']?([^\s;&|\"'>]+)|\|\s*tee\s+(?:-a\s+)?[\"']?([^\s;&|\"']+)")


@check("PRD110", on=[instructions("RUN")], required_literals=["type=secret"], files=("dockerfile",))
def build_secret_kept(instruction: Instruction, context: CheckContext) -> Iterator[Diagnostic]:
    """A build secret that the same line writes into a file: the mount is gone after it, the file stays in the layer."""
    if _LATER_STAGE.search(instruction.source.data, instruction.end):
        return
    for flag, given in instruction.flags:
        options = dict(part.partition("=")[::2] for part in given.split(","))
        if flag.lstrip("-") != "mount" or options.get("type") != "secret" or not options.get("id"):
            continue
        path = options.get("target") or options.get("dst") or options.get("destination") or f"/run/secrets/{options['id']}"
        kept = _kept_in(instruction.value, path, options.get("env", ""))
        if kept:
            yield Diagnostic(
                instruction, f"`{quote(kept)}` is written from the build secret `{quote(options['id'])}` and stays in the image"
            )


def _kept_in(command: str, path: str, variable: str) -> str:
    """The file of the image that a command writes a mounted secret into; nothing where there is none, or where it is removed again."""
    where = re.escape(path)
    names = [variable, *re.findall(rf"(\w+)=[\"']?\$\((?:cat\s+|<\s*){where}\s*\)", command)]
    for part in re.split(r"&&|\|\||;|\n", command):
        copied = re.search(rf"\b(?:cp|mv|install)\s+(?:-\S+\s+)*{where}\s+(\S+)", part)
        target = copied[1] if copied is not None else ""
        speaks = re.search(where, part) or any(name and re.search(rf"\$\{{?{re.escape(name)}\b", part) for name in names)
        if not target and speaks and (written := _INTO_A_FILE.search(part)) is not None:
            target = written[1] or written[2]
        if target and not _NO_FILE.match(target) and not re.search(rf"\brm\s[^;&|]*{re.escape(target)}", command):
            return target
    return ""


@check("PRD105", on=[settings()], required_literals=ANCHORS, files=CONFIGURATION)
def fallback_of_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.python import is_low_severity, is_usable_default

    if not setting.default or setting.origin in ("env-file", "python") or not may_be_in_use(setting.default, context.file):
        return
    if setting.origin == "shell" and not context.options.get("shell"):
        return
    variable = setting.reference.lstrip("${").split(":")[0].split("-")[0]
    for name in (setting.name, variable):
        named = value_name(name)
        if named is None or not (named.certain or named.kind == "vendor key"):
            continue
        if is_usable_default(setting.default, name, named):
            found = setting.source.data.find(setting.default.encode(), setting.start, setting.end)
            at = ByteRange(setting.source, found, found + len(setting.default.encode())) if found != -1 else setting
            # A script may read what is there before it asks for the rest: `:?` would end it.
            fix = (
                FixRequest("drop-shell-default", f"Require `{variable}`", False, (("name", variable),))
                if setting.origin != "shell"
                else None
            )
            words = f"`{variable}` has a hard-coded default: if it is not set, this public value is used"
            yield Diagnostic(at, words, priority="P1" if is_low_severity(setting.default, named) else None, secret=True, fix=fix)
        return


# `${NAME:-literal}` wherever a document writes it: in a team's own YAML, within a URL, among a command's words.
_FALLBACK = re.compile(rb"\$\{(\w{1,80}):?[-=]([^\s\"'${}]{1,200})\}")


@check("PRD105", on=[documents()], required_literals=ANCHORS, files=_DOCUMENT_KINDS)
def fallback_in_document(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.python import is_low_severity, is_usable_default

    if document.kind in _NOT_SETTINGS:
        return
    for node in document.root.walk():
        if node.kind != "scalar" or "${" not in node.raw:
            continue
        if "\n" in node.raw and document.kind == "kubernetes" and not context.options.get("shell"):
            continue  # a script that a ConfigMap holds
        for found in found_in(node, _FALLBACK):
            variable, value = found.match[1].decode(), found.match[2].decode("utf-8", "replace")
            named = value_name(variable)
            if named is None or not (named.certain or named.kind == "vendor key") or not is_usable_default(value, variable, named):
                continue
            if not may_be_in_use(value, context.file):
                continue
            fix = (
                FixRequest("drop-shell-default", f"Require `{variable}`", False, (("name", variable),))
                if document.kind == "compose"
                else None
            )
            words = f"`{variable}` has a hard-coded default: if it is not set, this public value is used"
            mild = is_low_severity(value, named)
            yield Diagnostic(ByteRange(node.source, *found.place(2)), words, priority="P1" if mild else None, secret=True, fix=fix)


def _name_of_entry(name: str) -> SecretName | None:
    """As `secret_name`, and `pass`; in data any key may be written in capitals, so KEY alone says nothing."""
    return value_name(name) if name.lower() == "pass" else secret_name(name)


def _works(value: str, name: str, named: SecretName, context: CheckContext) -> bool:
    from prodlint.checks.secrets.python import connection_password, is_meant_to_be_seen

    if named.kind == "connection":
        return connection_password(value)
    if named.kind == "credential" and " " in value:
        value = value.partition(" ")[2]
    if value.lower() == name.lower() or not is_secret(value, named.kind, named.certain):
        return False
    return may_be_in_use(value, context.file) and not is_meant_to_be_seen(value)


def is_sealed(data: bytes) -> bool:
    """Whether what looks like a secret was encrypted before it was written."""
    return _SEALED.search(data) is not None or b"ENC[AES" in data


def _value_place(source: Source, start: int, end: int) -> ByteRange:
    """A value without its quotes."""
    data = source.data
    if end - start >= 2 and data[start] in b"\"'" and data[end - 1] == data[start]:
        return ByteRange(source, start + 1, end - 1)
    return ByteRange(source, start, end)


# ---------------------------------------------------------------- documents


@check("PRD110", "PRD111", on=[documents()], required_literals=ANCHORS, files=_DOCUMENT_KINDS)
def literal_entry(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.tokens import is_data_of_tests, is_of_documentation

    if document.kind in _NOT_SETTINGS or ("PRD110" if document.kind in _CONTAINER_DOCUMENTS else "PRD111") != context.code:
        return
    if (
        is_data_of_tests(document.file)
        or is_of_documentation(document.file)
        or (document.kind == "compose" and "ci" in document.file.roles)
    ):
        return
    if is_sealed(document.source.data) or document.root.text_at("kind") == "Secret":
        return  # encrypted; or its values are settings, decoded
    sample: Priority | None = "P2" if _MADE_UP.search(document.source.data) else None
    for name, node in _named_scalars(document.root):
        if node.tag.startswith("!") or not isinstance(node.value, (str, int)) or isinstance(node.value, bool):
            continue
        named = _name_of_entry(name)
        if named is not None and _works(node.raw, name, named, context) and not _OF_TESTS.search(name):
            # Entries that begin a service with made-up people and hosts are to be replaced with them.
            yield Diagnostic(
                _value_place(node.source, node.start, node.end), f"`{name}` is written into the file", priority=sample, secret=True
            )
        elif _is_known_key(name, node, document.file):
            words = f"`{name}` is a key that everybody knows: whoever tries it signs sessions and tokens of their own"
            yield Diagnostic(_value_place(node.source, node.start, node.end), words, priority="P1", secret=True)
        elif "=" in node.raw:
            yield from _inside_value(name, node, context)
    if document.kind not in _CONTAINER_DOCUMENTS:
        yield from _listed_settings(document, context)


# `- API_TOKEN=...`, `- MODE=ci API_TOKEN=...`: variables as an item of a list.
_LISTED = re.compile(rb"(?<![\w.\-/:$])([A-Z][A-Z0-9_]{2,60})=[\"']?([^\s\"']{4,400})")


def _listed_settings(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    for node in document.root.walk():
        for item in node.items if node.kind == "sequence" else ():
            if item.kind != "scalar" or "=" not in item.raw or not _LISTED.match(item.raw.encode()):
                continue
            for found in found_in(item, _LISTED):
                name, value = (found.match[group].decode("utf-8", "replace") for group in (1, 2))
                named = value_name(name)
                if named is not None and _works(value, name, named, context):
                    yield Diagnostic(ByteRange(document.source, *found.place(2)), f"`{name}` is written into the file", secret=True)


_OF_TESTS = re.compile(r"(?i)(?:^|[_.-])tests?(?:[_.-]|$)")
_MADE_UP = re.compile(rb"@example\.(?:com|org|net)\b")


def _is_known_key(name: str, node: Node, file: File) -> bool:
    """Whether a signing key (`secret_key`, `jwt: {secret: ...}`) is one that everybody tries first, in a file that a service may be started with."""
    if file.roles & CALM:
        return False
    full = ".".join(node.path.split(".")[-2:]) if name.lower() in ("secret", "key") else name
    named = secret_name(full)
    return named is not None and guards_sessions(full) and is_published_default(node.raw, named.kind)


# `Stage=prod DbPassword=...`: overrides of a deployment in one text.
_OVERRIDE = re.compile(r"(?:^|[\s,;\"'])([A-Za-z][\w.\-]{0,60})=\\?[\"']?([^\s\"',;\\]{6,400})")


def _inside_value(name: str, node: Node, context: CheckContext) -> Iterator[Diagnostic]:
    """A password within a value: of a connection string, of `NAME=value` pairs."""
    from prodlint.checks.secrets.connections import connection_secret

    found = connection_secret(node.raw)
    if found is not None:
        if not may_be_in_use(node.raw[slice(*found)], context.file):
            return
        yield Diagnostic(part_of(node, node.raw[slice(*found)]), f"Password written into the connection string `{name}`", secret=True)
        return
    if "parameter" not in name.lower() and "override" not in name.lower():
        return
    for pair in _OVERRIDE.finditer(node.raw):
        named = secret_name(pair[1])
        if named is not None and _works(pair[2], pair[1], named, context):
            yield Diagnostic(part_of(node, pair[2]), f"`{pair[1]}` is written into the file", secret=True)


def part_of(node: Node, part: str) -> ByteRange:
    """The bytes of a part of a scalar; the whole scalar where escapes hide the part."""
    data = part.encode()
    found = node.source.data.find(data, node.start, node.end)
    return ByteRange(node.source, found, found + len(data)) if found != -1 else ByteRange(node.source, node.start, node.end)


@check(
    "PRD110",
    "PRD111",
    on=[documents("kubernetes", "helm-values", "compose", "terraform", "cloudformation")],
    required_literals=ANCHORS,
    files=("yaml", "json", "hcl"),
)
def literal_in_embedded_file(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A ConfigMap's `application.properties: |`, a machine's `user_data`: files of their own inside the document."""
    if ("PRD110" if document.kind in _CONTAINER_DOCUMENTS else "PRD111") != context.code:
        return
    data = document.source.data
    if is_sealed(data):
        return
    for node in document.root.walk():
        if node.kind != "scalar" or "\n" not in node.raw:
            continue
        for found in found_in(node, _EMBEDDED):
            name = found.match[1].decode("utf-8", "replace")
            named = secret_name(name)
            if named is not None and _works(found.match[2].decode("utf-8", "replace"), name, named, context):
                yield Diagnostic(ByteRange(document.source, *found.place(2)), f"`{name}` is written into the manifest", secret=True)


_EMBEDDED = re.compile(rb"(?m)^[ \t]{0,80}(?:export )?([\w.\-]{1,80})[ \t]{0,8}[:=][ \t]{0,8}[\"']?([^\s\"']{4,400})[\"']?[ \t\r]{0,8}$")


def _named_scalars(root: Node) -> Iterator[tuple[str, Node]]:
    """Every scalar with its key, those of `{name: X, value: Y}` pairs with X, and those of a list or mapping under a plural with its singular."""
    for node in root.walk():
        if node.kind == "mapping":
            name = node.members.get("name") or node.members.get("key") or node.members.get("Name") or node.members.get("ParameterKey")
            value = node.members.get("value") or node.members.get("Value") or node.members.get("ParameterValue")
            if name is not None and value is not None and name.kind == "scalar" and value.kind == "scalar":
                yield name.raw, value
            yield from _of_plurals(node)
        elif node.kind == "scalar" and node.raw and node.key_end > node.key_start:
            key = node.source.slice(node.key_start, node.key_end).strip("\"'")
            parts = node.path.split(".")
            if len(parts) == 3 and (parts[0], key) in _PARAMETERS:
                yield parts[1], node  # CloudFormation and ARM: what a parameter is where nobody says anything
                continue
            # Terraform: `variable "db_password" { default = "..." }`, and so an output's value.
            yield (parts[1] if len(parts) > 2 and (parts[0], key) in _LABELLED else key), node


_PARAMETERS = frozenset((("Parameters", "Default"), ("parameters", "defaultValue")))
_LABELLED = frozenset((("variable", "default"), ("output", "value")))


def _of_plurals(node: Node) -> Iterator[tuple[str, Node]]:
    """`api_keys: [..., ...]`, `tokens: {a: ...}`: random values, under the singular of the name."""
    for key, member in node.members.items():
        if member.kind == "scalar" or plural_name(key) is None:
            continue
        for item in (*member.items, *(member.members.values() if member.kind == "mapping" else ())):
            if item.kind == "scalar" and isinstance(item.value, str) and len(item.raw) >= 16 and shape_of(item.raw) == "random":
                yield key[:-1], item


# ---------------------------------------------------------------- commands

_FLAG = re.compile(r"--?([A-Za-z][\w\-]*)(?:=(.*))?\Z", re.DOTALL)
_COMMAND_ANCHORS: tuple[str | tuple[str, ...], ...] = (
    *(
        "-password -passwd -passphrase -token -secret -pass --pw -key _secret= _token= api-key api_key apikey access-key auth-key -u --user login sshpass requirepass "
        "mysql mariadb redis-cli psql --from-literal htpasswd -storepass masterauth _authtoken _auth= --env"
    ).split(),
    *((program, flag) for program in ("docker", "podman", "nerdctl") for flag in ("-e ", "--env", "--build-arg")),
    ("helm", "--set"),
    ("curl", "-h "),
    ("curl", "--header"),
)


_USER_FLAGS = ("-u", "--user", "--proxy-user")


@check("PRD110", "PRD111", on=[commands()], required_literals=_COMMAND_ANCHORS, files=CONFIGURATION)
def credential_in_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    code = "PRD110" if command.origin.startswith(("dockerfile", "compose", "kubernetes")) else "PRD111"
    if code != context.code:
        return
    for index, value, start, named in _arguments(command):
        if not _works(value, "", named, context):
            continue
        end = command.words[index][1] if index < len(command.words) else command.end
        place = _value_place(command.source, start, end)
        yield Diagnostic(
            place, f"{_FLAG_KINDS.get(named.kind, 'Secret')} written into the command line of `{command.program}`", secret=True
        )


_FLAG_KINDS = {"password": "Password", "token": "Token", "key": "Key"}
_PASSWORD = SecretName("password", True)


# Flags whose argument binds a value to a name: `-e NAME=VALUE`, `--set a.b=VALUE,c=VALUE`, `-H "Name: value"`.
_PAIRS = {
    **dict.fromkeys(("docker", "podman", "nerdctl"), ("-e", "--env", "--build-arg")),
    **dict.fromkeys(("kubectl", "oc"), ("--from-literal",)),
    "helm": ("--set", "--set-string"),
    "curl": ("-H", "--header", "-d", "--data", "--data-raw", "--data-urlencode", "-F", "--form"),
}
# `grant_type=client_credentials&client_secret=...`: what is sent in the body.
_BODIES = ("d", "data", "data-raw", "data-urlencode", "F", "form")


def _pairs(text: str, flag: str) -> Iterator[tuple[str, str]]:
    """The names and values of such an argument."""
    if flag in ("H", "header"):
        name, _, value = text.partition(":")
        yield name.strip(), value.strip().removeprefix("Bearer ").removeprefix("Token ")
        return
    for pair in text.split(",") if flag.startswith("set") else text.split("&") if flag in _BODIES else (text,):
        name, _, value = pair.partition("=")
        yield name, value


def _arguments(command: Command) -> Iterator[tuple[int, str, int, SecretName]]:
    """Index, value and place of each argument that is a password, token or key by its flag."""
    words = command.words
    for index, value, named in secret_arguments(command.program, command.argv[: len(words)]):
        start, end = words[index]
        place = command.source.data.find(value.encode(), start, end)
        yield index, value, place if place != -1 else start, named


# Programs that take a connection string: `psql "host=db user=svc password=..."`.
_ASKED_FOR_ROWS = frozenset(("psql", "pg_dump", "pg_restore", "pg_dumpall", "pg_basebackup", "pgbench", "ogr2ogr"))


def secret_arguments(program: str, argv: Sequence[str]) -> Iterator[tuple[int, str, SecretName]]:
    """Index and text of each part of a command line that is a password, token or key, and what its flag says it is."""
    from prodlint.checks.secrets.connections import connection_secret

    for index, word in enumerate(argv):
        place = connection_secret(word) if program in _ASKED_FOR_ROWS else None
        if place is not None:
            yield index, word[slice(*place)], _PASSWORD
            continue
        flag = _FLAG.match(word)
        following = argv[index + 1] if index + 1 < len(argv) else ""
        if flag is None:
            yield from _positional(program, argv, index)
            continue
        name, attached = flag[1], flag[2]
        if word.partition("=")[0] in _PAIRS.get(program, ()) or name == "env":
            at = index if attached is not None else index + 1
            for setting, value in _pairs(attached if attached is not None else following, name):
                known = secret_name(setting)
                if known is not None and known.certain and value:
                    yield at, value, known
        elif word in _USER_FLAGS and program in ("curl", "wget", "http", "https") and ":" in following:
            yield index + 1, following.partition(":")[2], _PASSWORD
        elif following and (
            (word == "-p" and ("login" in argv or program == "sshpass"))
            or (word == "-a" and program == "redis-cli")
            or name in ("requirepass", "masterauth", "storepasswd", "storepass", "keypass")
        ):
            yield index + 1, following, _PASSWORD
        elif (
            program in ("mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "sshpass")
            and word.startswith("-p")
            and len(word) > 6
            and word[1] != "-"
        ):
            yield index, word[2:], _PASSWORD
        elif program == "htpasswd" and "b" in word[1:] and not word.startswith("--"):
            given = [number for number in range(index + 1, len(argv)) if not argv[number].startswith("-")]
            last = given[2:3] if "n" not in word else given[1:2]
            yield from ((number, argv[number], _PASSWORD) for number in last)
        else:
            named = secret_name(name)
            if named is None or not named.certain or len(name) < 3:
                continue
            if attached:
                yield index, attached, named
            elif attached is None and following and not following.startswith("-"):
                yield index + 1, following, named


def _positional(program: str, argv: Sequence[str], index: int) -> Iterator[tuple[int, str, SecretName]]:
    """`npm config set //host/:_authToken=VALUE`, `git config http.extraheader "..."`, `chpasswd`'s `user:password`."""
    name, equals, value = argv[index].rpartition("=") if program in ("npm", "yarn", "pnpm", "export", "set") else ("", "", "")
    if equals and "config" in argv[:index]:
        named = secret_name(name.rpartition(":")[2]) or (_PASSWORD if name.endswith("_auth") else None)
        if named is not None and named.certain:
            yield index, value, named
    elif "config" in argv[:index] and "set" in argv[:index] and index + 1 < len(argv):
        named = secret_name(re.split(r"[:.]", argv[index])[-1])
        if named is not None and named.certain:
            yield index + 1, argv[index + 1], named


_ECHOED = re.compile(r"(?:^|[\s'\"])(?:export )?([A-Za-z_][\w.\-]{0,60})=\\?[\"']?([^\s\"'\\;]{6,400})")
# `echo 'root:...' | chpasswd`, `echo ... | passwd --stdin root`, `echo ... | docker login --password-stdin`.
_ACCOUNT = re.compile(
    rb"['\")\s]*\|\s*(?:sudo\s+)?(chpasswd|passwd\s+--stdin|(?:docker|podman|buildah|skopeo|helm|oras|crane|nerdctl)\s[^\n|;&]{0,160}--password-stdin"
    rb"|gh\s+auth\s+login\s[^\n|;&]{0,80}--with-token)\b(?!\s+(?:-e|--encrypted))"
)
# `echo 'db:5432:*:svc:...' > ~/.pgpass`
_INTO_PGPASS = re.compile(rb"['\")\s]*>{1,2}\s*[^\s;&|]{0,80}pgpass\b")
_EXPANDED = re.compile(r"\$[({\w]|`")
_NETRC = re.compile(
    r"(?:\b|\\n)(?:login|user)(?:\s|\\n){1,4}\S{1,80}?(?:\s|\\n){1,4}password\s{1,4}([^\s\"'\\]{4,200})|\bpassword\s{1,4}([^\s\"'\\]{4,200})\s{1,4}(?:login|account)\b"
)


@check("PRD110", "PRD111", on=[commands("echo", "printf")], required_literals=["echo", "printf"], files=CONFIGURATION)
def echoed_secret(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`echo "TOKEN=..." >> $GITHUB_ENV`, `echo "machine host login bot password ..." > ~/.netrc`."""
    code = "PRD110" if command.origin.startswith(("dockerfile", "compose", "kubernetes")) else "PRD111"
    if code != context.code:
        return
    behind = (command.words[-1][1], command.words[-1][1] + 240) if command.words else (0, 0)
    account = _ACCOUNT.match(command.source.data, *behind)
    of_postgres = _INTO_PGPASS.match(command.source.data, *behind) is not None
    for index, word in enumerate(command.argv[: len(command.words)]):
        start, end = command.words[index]
        if account is not None and word and not word.startswith("-"):
            value = word.partition(":")[2] if account[1] == b"chpasswd" else word
            kind = "a password of an account" if account[1].startswith((b"chpasswd", b"passwd")) else "what a registry is logged in to with"
            value = value.replace("\\n", "").strip()
            place = command.source.data.find(value.encode(), start, end) if len(value) > 3 else -1
            if place != -1 and not _EXPANDED.search(value) and _works(value, "password", _PASSWORD, context):
                yield Diagnostic(
                    ByteRange(command.source, place, place + len(value.encode())),
                    f"{kind} is written into the file",
                    secret=True,
                )
        parts = [(pair[1], pair[2], value_name(pair[1])) for pair in _ECHOED.finditer(word)]
        parts += [("password", found[1] or found[2], _PASSWORD) for found in _NETRC.finditer(word)]
        if of_postgres and word.count(":") >= 4:
            parts.append(("password", word.split(":", 4)[4].strip(), _PASSWORD))
        for name, value, named in parts:
            if _EXPANDED.search(value):
                continue  # the shell puts it in
            if named is None or not (named.certain or named.kind == "vendor key") or not _works(value, name, named, context):
                continue
            place = command.source.data.find(value.encode(), start, end)
            if place != -1:
                yield Diagnostic(
                    ByteRange(command.source, place, place + len(value.encode())),
                    f"`{name}` is written into the command line of `{command.program}`",
                    secret=True,
                )


@check("PRD110", on=[documents("kubernetes", "other")], required_literals=[("generator", "literals")], files=("yaml",))
def secret_in_generator(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`literals: [DB_PASSWORD=...]` under Kustomize's generators of Secrets and ConfigMaps."""
    for key in ("secretGenerator", "configMapGenerator"):
        generators = document.root.get(key)
        for generator in generators.items if generators is not None else ():
            literals = generator.get("literals")
            for node in literals.items if literals is not None else ():
                name, _, value = node.raw.partition("=")
                named = secret_name(name)
                value = value.strip("\"'")
                if named is None or not named.certain or not value or not _works(value, name, named, context):
                    continue
                place = node.source.data.find(value.encode(), node.start, node.end)
                if place != -1:
                    at = ByteRange(node.source, place, place + len(value.encode()))
                    yield Diagnostic(at, f"`{name}` is written into the manifest", secret=True)


@check("PRD110", on=[documents("kubernetes", "helm-values", "compose")], required_literals=["args", "command"], files=("yaml", "json"))
def secret_in_arguments_of_image(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Arguments of the program that the image brings: `args: ["--api-key=..."]` without a `command`."""
    for node in document.root.walk():
        if node.kind != "mapping":
            continue
        for key in ("args", "command"):
            given = node.members.get(key)
            if given is None or given.kind != "sequence" or not given.items or (key == "args" and node.members.get("command") is not None):
                continue
            words = [item.raw for item in given.items if item.kind == "scalar"]
            if len(words) != len(given.items) or not words[0].startswith("-"):
                continue
            for index, value, named in secret_arguments("", words):
                if _works(value, "", named, context):
                    yield Diagnostic(
                        part_of(given.items[index], value),
                        f"{_FLAG_KINDS.get(named.kind, 'Secret')} written into the arguments of a container",
                        secret=True,
                    )


@check("PRD110", on=[instructions("LABEL")], required_literals=[("label", literal) for literal in ANCHORS], files=("dockerfile",))
def secret_label(instruction: Instruction, context: CheckContext) -> Iterator[Diagnostic]:
    """A label is shown by `docker inspect` to whoever has the image."""
    for word in instruction.words:
        name, equals, value = word.partition("=")
        bare = value.strip("\"'")
        named = secret_name(name.strip("\"'"))
        if equals and named is not None and named.certain and _works(bare, name, named, context):
            place = instruction.source.data.find(bare.encode(), instruction.start, instruction.end)
            if place != -1:
                yield Diagnostic(
                    ByteRange(instruction.source, place, place + len(bare.encode())),
                    f"`{name}` is written into the image, as a label",
                    secret=True,
                )


@check("PRD110", on=[instructions("COPY", "ADD")], required_literals=[".env"], files=("dockerfile",))
def copied_env_file(instruction: Instruction, context: CheckContext) -> Iterator[Diagnostic]:
    for word in instruction.words[:-1]:
        name = word.rpartition("/")[2]
        if (name == ".env" or name.startswith(".env.")) and not set(name.split(".")) & {
            "example",
            "sample",
            "template",
            "dist",
            "test",
            "ci",
        }:
            if any(flag == "from" for flag, _ in instruction.flags):
                continue
            if not _holds_no_secret(word, context):
                yield Diagnostic(instruction, f"`{name}` is copied into the image: anyone with the image can read it")


def _holds_no_secret(copied: str, context: CheckContext) -> bool:
    """Whether a copied env file is one of the project, and no name in it is that of a secret: `VERSION=6.4.0`."""
    path = copied.removeprefix("./").lstrip("/")
    folder = context.file.path.rpartition("/")[0]
    for place in (path, f"{folder}/{path}"):
        names = context.environment.variables_in(place)
        if names is not None:
            return all(value_name(name) is None for name in names)
    return False


# ---------------------------------------------------------------- files without a tree

_LINE_FILES = (".npmrc", ".netrc", "_netrc", ".pgpass", ".yarnrc", ".tfvars", ".cnf", ".conf", ".htaccess")
_LINE = re.compile(
    rb"[\w.\-]{0,60}[\"']?(?:[ \t]{0,8}[:=][ \t]{0,8}|[ \t]{1,8})(?:\"([^\"\s]{4,400})\"|'([^'\s]{4,400})'|([^\s\"';#]{4,400}))"
)
_NAME = re.compile(rb"[\w.\-]{0,60}")
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"


# Redis' names of its passwords.
_OF_REDIS = ("requirepass", "masterauth")


@check("PRD111", on=[text()], required_literals=[*ANCHORS, "_auth", *_OF_REDIS], files=("text", "nginx"))
def literal_line(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`name = value` and `password value` lines of formats that have no other reader."""
    from prodlint.checks.secrets.tokens import line_start

    if not file.file.name.endswith(_LINE_FILES):
        return
    data, done = file.source.data, 0
    for _anchor, offset in file.hits:
        if offset < done:
            continue
        line = line_start(data, offset)
        if data[line:offset].lstrip()[:1] in (b"#", b";"):
            continue
        found = _LINE.match(data, offset)
        rest = _NAME.match(data, offset)
        if found is None or rest is None:
            continue
        before = data[max(line, offset - 60) : offset]
        name = (before[len(before.rstrip(_NAME_BYTES)) :] + rest[0]).decode("utf-8", "replace")
        named = secret_name(name) or (SecretName("password", True) if name in ("_auth", "_password", *_OF_REDIS) else None)
        group = next(index for index in (1, 2, 3) if found[index] is not None)
        value = found[group].decode("utf-8", "replace")
        if named is not None and _works(value, name, named, context):
            done = found.end()
            yield Diagnostic(
                ByteRange(file.source, found.start(group), found.end(group)), f"`{name}` is written into the file", secret=True
            )


# ---------------------------------------------------------------- PRD112, PRD113


@check("PRD112", on=[settings()], required_literals=ANCHORS, files=CONFIGURATION)
def default_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    value = setting.value if setting.value is not None else setting.default
    named = secret_name(setting.name)
    if not value or named is None or not named.certain or named.kind not in ("password", "secret", "key"):
        return
    if is_published_default(value, named.kind) and setting.origin not in ("env-file", "python"):
        yield Diagnostic(_value_place(setting.source, setting.start, setting.end), f"`{setting.name}` is a published default", secret=True)


@check("PRD112", on=[documents("other", "helm-values")], required_literals=["passw", "pwd"], files=_DOCUMENT_KINDS)
def default_entry(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`password = changeme` in a configuration of the service's own."""
    for name, node in _named_scalars(document.root):
        named = secret_name(name)
        if named is not None and named.certain and named.kind == "password" and is_published_default(str(node.value), named.kind):
            place = _value_place(node.source, node.start, node.end)
            yield Diagnostic(place, f"`{name}` is a published default", secret=True)


@check("PRD113", on=[documents()], required_literals=None, files=_DOCUMENT_KINDS)
def high_entropy_entry(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    if document.kind in _NOT_SETTINGS or is_sealed(document.source.data):
        return
    for name, node in _named_scalars(document.root):
        if isinstance(node.value, str) and value_name(name) is None and high_entropy(node.value, name) and parts_of(name)[-1:] != ("id",):
            yield Diagnostic(_value_place(node.source, node.start, node.end), f"Random-looking value in `{name}`", secret=True)
