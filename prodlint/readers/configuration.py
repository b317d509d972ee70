"""Configuration files -> facts: the reader of the file's kind, and on top of it what stands inside: commands, settings,
requirements."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from prodlint.facts import (
    Command,
    Comment,
    Dockerfile,
    Document,
    Entry,
    Fact,
    File,
    Instruction,
    Option,
    Problem,
    Requirement,
    Setting,
    Source,
    Text,
)

_DOCUMENTS = frozenset(("yaml", "json", "toml", "ini", "hcl", "systemd", "lock"))
_INSIDE: frozenset[type[Fact]] = frozenset((Command, Setting))
_PACKAGES: frozenset[type[Fact]] = frozenset((Requirement, Option))
_MANIFESTS = frozenset(("pyproject.toml", "setup.cfg", "Pipfile", "environment.yml", "environment.yaml"))
# JSON above this many bytes is data (an OpenAPI document, a catalogue of texts, a fixture), not configuration: it is looked at
# for vendor keys and private keys, which need no reader, and costs 80 ns a byte otherwise.
LARGEST_CONFIGURATION = 100_000
_STATES = (".tfstate", ".tfstate.backup")
_CONFIGURATION = frozenset(
    ("package.json", "app.json", "appsettings.json", "devcontainer.json", "config.json", "settings.json", "vercel.json", "turbo.json")
)
# kind -> the modules that read its text directly
_LINES = {
    "env": ("env",),
    "requirements": ("requirements",),
    "shell": ("shell", "lines"),
    "makefile": ("commands", "lines"),
    "procfile": ("commands", "lines"),
    "jenkinsfile": ("commands", "lines"),
}


def read(source: Source, file: File, kinds: frozenset[type[Fact]]) -> Iterator[Fact]:
    """The facts of a file that is not Python; where none is wanted, whether it can be read at all."""
    wanted = (kinds - {Text}) | {Problem}
    kind = file.kind
    if kind == "json" and len(source.data) > LARGEST_CONFIGURATION and file.name not in _CONFIGURATION and not file.name.endswith(_STATES):
        return
    if kind == "json" and wanted == {Problem}:
        from prodlint.readers.document_json import is_plain

        if is_plain(source):
            return
    if kind in _DOCUMENTS:
        from prodlint.readers import documents

        # A requirement that is none is a problem of its manifest, whoever asks.
        inner = wanted | {Option} if file.name in _MANIFESTS else wanted
        outer = wanted | {Document} if inner & (_INSIDE | _PACKAGES | {Entry}) else wanted
        yield from (fact for fact in _with_inner(documents.read(source, file, outer), inner) if type(fact) in wanted)
    elif kind == "dockerfile":
        from prodlint.readers import dockerfile

        outer = wanted | {Dockerfile} if wanted & (_INSIDE | {Instruction}) else wanted
        yield from _with_inner(dockerfile.read(source, file, outer), wanted)
    else:
        for name in _LINES.get(kind, ("lines",)):
            yield from import_module(f"prodlint.readers.{name}").read(source, file, wanted if name != "lines" else wanted & {Comment})


def _with_inner(facts: Iterator[Fact], wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    inside, packages = bool(wanted & _INSIDE), bool(wanted & _PACKAGES)
    for fact in facts:
        if type(fact) in wanted:
            yield fact
        if inside and isinstance(fact, (Document, Dockerfile)):
            from prodlint.readers import commands

            found = commands.from_document(fact) if isinstance(fact, Document) else commands.from_dockerfile(fact)
            yield from (each for each in found if type(each) in wanted)
        if packages and isinstance(fact, Document):
            from prodlint.readers import requirements

            yield from (each for each in requirements.from_document(fact) if type(each) in wanted)
