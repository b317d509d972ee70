"""The same YAML, Dockerfile, env, TOML, INI, requirements file or shell script written another way."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import tomli
import yaml

Rewrite = Callable[[str], str | None]


def crlf(text: str) -> str | None:
    """Lines that end in CR LF."""
    return text.replace("\n", "\r\n") if "\n" in text and "\r" not in text else None


def _changed(before: str, after: str) -> str | None:
    return after if after != before else None


# ---------------------------------------------------------------- YAML


def _documents(text: str) -> list[Any] | None:
    """What the documents of a text hold; None where they hold what cannot be written again (tags of applications, templates)."""
    try:
        found = list(yaml.load_all(text, _Loader))
    except (yaml.YAMLError, ValueError, TypeError):
        return None
    return found if found and all(isinstance(one, (dict, list)) for one in found) else None


class _Loader(yaml.SafeLoader):
    """YAML as GitHub, compose and Kubernetes read it: `on`, `yes` and dates are text."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def _again(text: str, write: Callable[[Any], str]) -> str | None:
    documents = _documents(text)
    if documents is None:
        return None
    return "---\n".join(write(one) for one in documents)


def _dumped(**options: Any) -> Rewrite:
    def rewrite(text: str) -> str | None:
        return _again(text, lambda one: yaml.dump(one, Dumper=_Dumper, sort_keys=False, width=10_000, **options))

    return rewrite


class _Dumper(yaml.SafeDumper):
    """Writes every value out, and quotes what another reader would take for a switch or a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_json(text: str) -> str | None:
    """JSON is YAML."""
    documents = _documents(text)
    return json.dumps(documents[0], indent=2) + "\n" if documents is not None and len(documents) == 1 else None


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(inner) for key, inner in reversed(list(value.items()))}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value


def keys_reversed(text: str) -> str | None:
    """The keys of every mapping in the other order."""
    return _again(text, lambda one: yaml.dump(_reversed(one), Dumper=_Dumper, sort_keys=False, width=10_000))


def _scalars(text: str, wanted: Callable[[yaml.ScalarToken, bool], str | None]) -> str | None:
    """Plain scalars written another way. wanted: (token, whether it is a key) -> its new text."""
    try:
        list(yaml.parse(text))
        tokens = list(yaml.scan(text))
    except (yaml.YAMLError, ValueError):
        return None
    changes = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if isinstance(token, yaml.ScalarToken) and token.plain and "\n" not in text[token.start_mark.index : token.end_mark.index]:
            made = wanted(token, isinstance(before, yaml.KeyToken))
            if made is not None and not isinstance(before, (yaml.TagToken, yaml.AnchorToken)):
                changes.append((token.start_mark.index, token.end_mark.index, made))
    made_text = text
    for start, end, words in reversed(changes):
        made_text = made_text[:start] + words + made_text[end:]
    return _changed(text, made_text)


def _is_text(value: str) -> bool:
    resolver = _Loader("")
    return bool(resolver.resolve(yaml.ScalarNode, value, (True, False)) == "tag:yaml.org,2002:str") and value != ""


def _key_in_quotes(value: str, is_key: bool) -> str | None:
    return f'"{value}"' if is_key and value != "<<" and _is_text(value) and '"' not in value else None


def _value_in_quotes(value: str, is_key: bool) -> str | None:
    return json.dumps(value, ensure_ascii=False) if not is_key and _is_text(value) else None


def _value_in_single_quotes(value: str, is_key: bool) -> str | None:
    return "'" + value.replace("'", "''") + "'" if not is_key and _is_text(value) else None


def _value_with_tag(value: str, is_key: bool) -> str | None:
    if not is_key and value in ("true", "false"):
        return f'!!bool "{value}"'
    return f'!!int "{value}"' if not is_key and value.isdigit() and not value.startswith("0") else None


def _each_scalar(made: Callable[[str, bool], str | None]) -> Rewrite:
    return lambda text: _scalars(text, lambda token, is_key: made(token.value, is_key))


def anchored_values(text: str) -> str | None:
    """An anchor at every plain value, of which nothing is an alias."""
    count = itertools.count()

    def made(token: yaml.ScalarToken, is_key: bool) -> str | None:
        value = text[token.start_mark.index : token.end_mark.index]
        return None if is_key or not value else f"&v{next(count)} {value}"

    return None if "&" in text or "*" in text else _scalars(text, made)


def empty_document(text: str) -> str | None:
    """A document with nothing in it behind the last one."""
    return None if text.startswith(("{", "[")) or "\n..." in text else f"{text.rstrip()}\n---\n"


def comments_yaml(text: str) -> str | None:
    """A comment without words behind every plain value."""

    def made(token: yaml.ScalarToken, is_key: bool) -> str | None:
        ends = text[token.end_mark.index : token.end_mark.index + 1] in ("\n", "")
        return text[token.start_mark.index : token.end_mark.index] + "  #" if ends and not is_key else None

    return _scalars(text, made)


def marked_document(text: str) -> str | None:
    """The marks of a document's start and end."""
    return None if text.startswith(("---", "%")) or "\n---" in text else f"---\n{text.rstrip()}\n...\n"


def blank_lines_yaml(text: str) -> str | None:
    """An empty line before every key of the top level."""
    return _changed(text, re.sub(r"(?m)^(?=[A-Za-z_][\w-]*:)", "\n", text).lstrip("\n"))


def _merged(write: Callable[[str, dict[str, Any]], list[str]]) -> Rewrite:
    """A rewrite of compose files: each service comes through anchors and merge keys."""

    def rewrite(text: str) -> str | None:
        documents = _documents(text)
        if documents is None or len(documents) != 1 or not isinstance(documents[0], dict):
            return None
        whole = documents[0]
        services = whole.get("services")
        if not isinstance(services, dict) or not all(isinstance(one, dict) and len(one) > 1 for one in services.values()):
            return None
        parts: list[str] = []
        lines: list[str] = []
        for name, service in services.items():
            half = len(service) // 2
            items = list(service.items())
            mark = re.sub(r"\W", "_", name)
            parts.append(f"x-{mark}-a: &{mark}_a {json.dumps(dict(items[:half]))}\n")
            parts.append(f"x-{mark}-b: &{mark}_b {json.dumps(dict(items[half:]))}\n")
            lines += [f"  {name}:", *write(mark, service)]
        rest = {key: value for key, value in whole.items() if key != "services"}
        return "".join(parts) + "services:\n" + "\n".join(lines) + "\n" + (yaml.dump(rest, Dumper=_Dumper, sort_keys=False) if rest else "")

    return rewrite


merged_list = _merged(lambda mark, service: [f"    <<: [*{mark}_a, *{mark}_b]"])
merged_twice = _merged(lambda mark, service: [f"    <<: *{mark}_a", f"    <<: *{mark}_b"])


def another_document(text: str) -> str | None:
    """A ConfigMap of its own before a manifest of Kubernetes."""
    if not re.match(r"apiVersion:", text):
        return None
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: other}}\ndata: {{}}\n---\n{text}"


YAML: dict[str, Rewrite] = {
    "another document before": another_document,
    "CRLF": crlf,
    "block style": _dumped(default_flow_style=False),
    "flow style inside": _dumped(default_flow_style=None),
    "indented by four": _dumped(default_flow_style=False, indent=4),
    "JSON": as_json,
    "keys in another order": keys_reversed,
    "keys quoted": _each_scalar(_key_in_quotes),
    "values in double quotes": _each_scalar(_value_in_quotes),
    "values in single quotes": _each_scalar(_value_in_single_quotes),
    "values with tags": _each_scalar(_value_with_tag),
    "comments behind values": comments_yaml,
    "document marks": marked_document,
    "an empty document behind": empty_document,
    "anchors at values": anchored_values,
    "blank lines": blank_lines_yaml,
    "services merged from a list": merged_list,
    "services merged by two keys": merged_twice,
}

# ---------------------------------------------------------------- Dockerfile

_INSTRUCTION = re.compile(
    r"(?m)^(FROM|RUN|CMD|ENTRYPOINT|COPY|ADD|ENV|ARG|USER|WORKDIR|EXPOSE|LABEL|HEALTHCHECK|VOLUME|STOPSIGNAL|ONBUILD|SHELL)\b"
)


def _has_heredoc(text: str) -> bool:
    return "<<" in text


def lower_case(text: str) -> str | None:
    """Instructions in lower case."""
    return None if _has_heredoc(text) else _changed(text, _INSTRUCTION.sub(lambda match: match.group().lower(), text))


def blanks_docker(text: str) -> str | None:
    """Instructions indented, and set off by tabs."""
    return None if _has_heredoc(text) else _changed(text, _INSTRUCTION.sub(lambda match: f"  {match.group()}\t", text))


def _continued(words: str) -> Rewrite:
    def rewrite(text: str) -> str | None:
        if _has_heredoc(text):
            return None
        return _changed(text, re.sub(r"(?m)^(RUN [^\n\\\[]*?) && ", lambda match: f"{match.group(1)} {words}  && ", text))

    return rewrite


def heredoc(delimiter: str, closing: str = "EOT") -> Rewrite:
    """A rewrite of one-line RUN instructions to heredocs."""

    def rewrite(text: str) -> str | None:
        if _has_heredoc(text):
            return None

        def written(match: re.Match[str]) -> str:
            steps = "\n".join(match.group(1).split(" && "))
            return f"RUN <<{delimiter}\nset -e\n{steps}\n{closing}"

        return _changed(text, re.sub(r"(?m)^RUN (?!--)([^\n\\\[#|;\"'$()]+)$", written, text))

    return rewrite


def from_argument(text: str) -> str | None:
    """The image of the first stage in an ARG."""
    found = re.search(r"(?m)^FROM (?!--)([^\s$]+)", text)
    if found is None or re.search(r"(?m)^ARG ", text[: found.start()]):
        return None
    return text[: found.start()] + f"ARG BASE={found.group(1)}\nFROM ${{BASE}}" + text[found.end() :]


def platform_flag(text: str) -> str | None:
    """Each image for one platform."""
    return _changed(text, re.sub(r"(?m)^FROM (?!--)(?=\S)", "FROM --platform=linux/amd64 ", text))


def comment_lines(text: str) -> str | None:
    """A comment without words before every instruction."""
    if _has_heredoc(text) or re.match(r"#\s*(?:syntax|escape|check)", text) or "\\\n" in text:
        return None
    return _changed(text, _INSTRUCTION.sub(lambda match: f"#\n{match.group()}", text))


def _in_exec_form(instruction: str) -> Rewrite:
    """A rewrite of simple commands in shell form, of words without a meaning to the shell, to exec form."""

    def written(match: re.Match[str]) -> str:
        return match.group(1) + json.dumps(match.group(2).split())

    pattern = re.compile(rf"(?m)^({instruction} )((?!\[|--|exec |export |cd |set )[\w./-]+(?: [\w./:=@,-]+)*)$")
    return lambda text: None if _has_heredoc(text) else _changed(text, pattern.sub(written, text))


def _exec_form_spaced(text: str) -> str | None:
    """JSON of exec form over several lines."""
    pattern = re.compile(r"(?m)^((?:CMD|ENTRYPOINT|HEALTHCHECK CMD) )(\[[^\n\]\\]*\])$")
    return _changed(text, pattern.sub(lambda match: match.group(1) + match.group(2).replace(", ", ", \\\n    "), text))


DOCKERFILE: dict[str, Rewrite] = {
    "RUN in exec form": _in_exec_form("RUN"),
    "CMD in exec form": _in_exec_form("(?:CMD|ENTRYPOINT)"),
    "HEALTHCHECK in exec form": _in_exec_form(r"HEALTHCHECK(?: --[\w-]+=\S+)* CMD"),
    "exec form over several lines": _exec_form_spaced,
    "CRLF": crlf,
    "instructions in lower case": lower_case,
    "instructions indented": blanks_docker,
    "continued lines": _continued("\\\n"),
    "comments in continued lines": _continued("\\\n#\n"),
    "comments between": comment_lines,
    "heredoc": heredoc("EOT"),
    "heredoc, blanks dropped": heredoc("-EOT"),
    "heredoc, quoted": heredoc("'EOT'"),
    "heredoc, double quotes": heredoc('"EOT"'),
    "heredoc, backslash": heredoc("\\EOT"),
    "heredoc, blanks dropped and backslash": heredoc("-\\EOT"),
    "the image in an ARG": from_argument,
    "a flag before the image": platform_flag,
}

# ---------------------------------------------------------------- env, TOML, INI, requirements, shell

_PAIR = re.compile(r"(?m)^([A-Za-z_]\w*)=([^\n\"'#`$\\]*)$")


def _pairs(made: Callable[[str, str], str]) -> Rewrite:
    return lambda text: _changed(text, _PAIR.sub(lambda match: made(match.group(1), match.group(2).rstrip()), text))


ENV: dict[str, Rewrite] = {
    "CRLF": crlf,
    "exported": _pairs(lambda name, value: f"export {name}={value}"),
    "values in double quotes": _pairs(lambda name, value: f'{name}="{value}"'),
    "values in single quotes": _pairs(lambda name, value: f"{name}='{value}'"),
    "comments between": _pairs(lambda name, value: f"#\n{name}={value}"),
    "blank lines": _pairs(lambda name, value: f"\n{name}={value}"),
}

_ASSIGNED = re.compile(r"(?m)^([\w.-]+) = (.+)$")


def _no_strings_over_lines(text: str) -> bool:
    return '"""' not in text and "'''" not in text


def _toml(made: Callable[[str, str], str]) -> Rewrite:
    def rewrite(text: str) -> str | None:
        if not _no_strings_over_lines(text):
            return None
        return _changed(text, _ASSIGNED.sub(lambda match: made(match.group(1), match.group(2)), text))

    return rewrite


def _literal_strings(text: str) -> str | None:
    return _changed(text, re.sub(r'"([^"\n\\\']*)"', r"'\1'", text)) if _no_strings_over_lines(text) else None


def _strings_of_three_quotes(text: str) -> str | None:
    return _toml(lambda name, value: f'{name} = ""{value}""' if re.fullmatch(r'"[^"\\]*"', value) else f"{name} = {value}")(text)


_TABLE = re.compile(r"(?m)^\[([\w.-]+)\][ \t]*$")
_ENTRY = re.compile(r"(?m)^([\w-]+)[ \t]*=[ \t]*")


def _same_toml(before: str, after: str) -> bool:
    try:
        return bool(tomli.loads(before) == tomli.loads(after))
    except tomli.TOMLDecodeError:
        return False


def dotted_keys(text: str) -> str | None:
    """`tool.ruff.line-length = 100` for tables."""
    parts = _TABLE.split(text)
    made = (
        parts[0]
        + "".join(
            _ENTRY.sub(lambda match, name=name: f"{name}.{match.group(1)} = ", body)  # type: ignore[misc]  # a default binds the loop's name
            for name, body in zip(parts[1::2], parts[2::2], strict=True)
        )
    )
    return made if len(parts) > 1 and "[[" not in text and _same_toml(text, made) else None


def inline_tables(text: str) -> str | None:
    """`ruff = {line-length = 100}` of `[tool]` for tables of single lines."""
    parts = _TABLE.split(text)
    made = parts[0]
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        lines = [line for line in body.split("\n") if line.strip()]
        outer, _, last = name.rpartition(".")
        if not outer or any(line.lstrip().startswith("#") or "#" in line or not _ENTRY.match(line) for line in lines):
            return None
        made += f"[{outer}]\n{last} = {{{', '.join(lines)}}}\n"
    return made if len(parts) > 1 and _same_toml(text, made) else None


TOML: dict[str, Rewrite] = {
    "dotted keys": dotted_keys,
    "inline tables": inline_tables,
    "strings of three quotes": _strings_of_three_quotes,
    "CRLF": crlf,
    "no blanks around =": _toml(lambda name, value: f"{name}={value}"),
    "blanks around =": _toml(lambda name, value: f"  {name}   =   {value}"),
    "keys quoted": _toml(lambda name, value: f'"{name}" = {value}' if "." not in name else f"{name} = {value}"),
    "comments between": _toml(lambda name, value: f"#\n{name} = {value}"),
    "literal strings": _literal_strings,
}

_OPTION = re.compile(r"(?m)^(\w[\w.-]*)\s*=\s*(.*)$")


def _ini(made: Callable[[str, str], str]) -> Rewrite:
    return lambda text: _changed(text, _OPTION.sub(lambda match: made(match.group(1), match.group(2)), text))


INI: dict[str, Rewrite] = {
    "CRLF": crlf,
    "no blanks around =": _ini(lambda name, value: f"{name}={value}"),
    "blanks around =": _ini(lambda name, value: f"{name}   =   {value}"),
    "comments between": _ini(lambda name, value: f"#\n{name} = {value}"),
    "colons for =": lambda text: None if "[uwsgi]" in text else _ini(lambda name, value: f"{name}: {value}")(text),
}

_REQUIREMENT = re.compile(r"(?m)^([A-Za-z][\w.-]*)(\[[\w,-]+\])?(==|>=|~=|<=|<|>)([\w.*]+)[ \t]*$")


def _required(made: Callable[[str, str, str, str], str]) -> Rewrite:
    return lambda text: _changed(
        text, _REQUIREMENT.sub(lambda match: made(match.group(1), match.group(2) or "", match.group(3), match.group(4)), text)
    )


REQUIREMENTS: dict[str, Rewrite] = {
    "CRLF": crlf,
    "blanks around the operator": _required(lambda name, extras, operator, version: f"{name}{extras} {operator} {version}"),
    "names in upper case": _required(
        lambda name, extras, operator, version: f"{name.upper().replace('-', '_')}{extras}{operator}{version}"
    ),
    "comments behind": _required(lambda name, extras, operator, version: f"{name}{extras}{operator}{version}  #"),
    "continued lines": _required(lambda name, extras, operator, version: f"{name}{extras}\\\n{operator}{version}"),
    "markers behind": _required(lambda name, extras, operator, version: f"{name}{extras}{operator}{version} ; python_version >= '3.8'"),
}


def _joined(text: str) -> str | None:
    """Two simple commands on one line."""
    return _changed(text, re.sub(r"(?m)^(set [^\n;|&\\]+)\n(?=[a-z])", r"\1; ", text))


SHELL: dict[str, Rewrite] = {
    "tabs for blanks": lambda text: _changed(text, re.sub(r"(?m)^([a-z][\w-]*) (?=[\w./-])", r"\1\t", text)) if "<<" not in text else None,
    "continued lines": lambda text: (
        _changed(text, re.sub(r"(?m)^((?:exec )?[a-z][\w-]*) (?=[\w./-][^\n]*$)", "\\1 \\\\\n  ", text)) if "<<" not in text else None
    ),
    "two commands on a line": _joined,
    "words in quotes": lambda text: (
        _changed(text, re.sub(r"(?m)^([a-z][\w-]*(?: [\w./=-]+)*) ([a-z][\w./-]*)$", r'\1 "\2"', text)) if "<<" not in text else None
    ),
    "blanks at the ends": lambda text: (
        _changed(text, re.sub(r"(?m)(?<=[\w\"])$", "  ", text)) if "<<" not in text and "\\\n" not in text else None
    ),
}


# ---------------------------------------------------------------- what stands in another file


def included_requirements(path: str, text: str) -> dict[str, str] | None:
    """The requirements in another file that the first one includes."""
    folder, _, name = path.rpartition("/")
    if kind_of(path) != "requirements" or "-r " in text or "-c " in text:
        return None
    own = f"requirements-pinned{'.in' if name.endswith('.in') else '.txt'}"
    return {path: f"-r {own}\n", f"{folder}/{own}".lstrip("/"): text}


def manifest_as_json(path: str, text: str) -> dict[str, str] | None:
    """A manifest of Kubernetes as a file of JSON."""
    if not re.search(r"(?m)^apiVersion:", text) or not path.endswith((".yaml", ".yml")):
        return None
    made = as_json(text)
    return {path.rpartition(".")[0] + ".json": made} if made is not None else None


FILES: dict[str, Callable[[str, str], dict[str, str] | None]] = {
    "requirements included": included_requirements,
    "a manifest as a JSON file": manifest_as_json,
}

KINDS: dict[str, dict[str, Rewrite]] = {
    "YAML": YAML,
    "Dockerfile": DOCKERFILE,
    "env": ENV,
    "TOML": TOML,
    "INI": INI,
    "requirements": REQUIREMENTS,
    "shell": SHELL,
}


def kind_of(path: str) -> str:
    """What a file is by its name, or nothing."""
    name = path.rsplit("/", 1)[-1].lower()
    if name.endswith((".yaml", ".yml")):
        return "YAML"
    if name.startswith("dockerfile") or name.endswith(".dockerfile"):
        return "Dockerfile"
    if name.startswith(".env") or name.endswith(".env"):
        return "env"
    if name.endswith(".toml"):
        return "TOML"
    if name.endswith((".ini", ".cfg")):
        return "INI"
    if name.startswith("requirements") and name.endswith((".txt", ".in")):
        return "requirements"
    return "shell" if name.endswith(".sh") else ""


def of(path: str) -> dict[str, Rewrite]:
    """The rewrites for a file by its name."""
    return KINDS.get(kind_of(path), {})
