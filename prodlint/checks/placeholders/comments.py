"""Family 3: notes to oneself, functions that do nothing yet, values nobody filled in, debuggers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from prodlint import regexes
from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, comments, every
from prodlint.checks.quoting import ELLIPSIS, quote
from prodlint.facts import Call, Comment, Import
from prodlint.model import FixRequest, Priority
from prodlint.values.places import conditions_above

# ---------------------------------------------------------------- PRD301, PRD302: notes in comments

# What may stand between a comment's marker and its first word: bullets, brackets, an at sign.
_BEFORE = r"[\s#/*;!<%.,:=\-\[({@|>~]*"
_AFTER = r"(?=$|[\s:(!?,\])}>/]|-(?![A-Za-z0-9])|\.(?:\s|$)|\.\.)"
# Words that make a lower-case "todo" the name of a thing.
_THINGS = r"(?!\s+(?:comments?|lists?|items?|apps?|models?|pages?|apis?|entries|entry|services?|schemas?|tables?|tasks?|router|views?|endpoints?|objects?|ids?|is|are|has|was)\b)(?!\s*=)"
_PHRASES = (
    r"(?:do\s+not|don'?t|never)\s+(?:ship|merge|commit|deploy|push|release)(?:\s+(?:this|it|me|to\s+(?:main|master|git|prod\w*)|until|before)\b|\s*!|[\s.]*$)",
    r"remove\s+(?:this\s+|me\s+|it\s+)?before\s+(?:ship|releas|launch|deploy|merg|commit|prod|going|push|final|live|submit|check)\w*",
    r"(?:temporary|temp|quick\s+and\s+dirty)\s+(?:hack|kludge)\b",
)


@lru_cache(maxsize=16)
def _tag_pattern(tags: tuple[str, ...], any_case: frozenset[str]) -> re.Pattern[str]:
    """Tags at the head of a line of a comment, also behind another tool's (`# type: ignore  # TODO x`), or in capitals with a colon or an author anywhere in it."""
    # "TODO comments are fine" speaks of comments.
    exact = "|".join(rf"{re.escape(tag)}(?!\s+comments?\b)" for tag in tags)
    loose = "|".join(re.escape(tag) for tag in tags if tag in any_case)
    parts = [
        rf"(?:^|\s#){_BEFORE}(?P<head>{exact}){_AFTER}(?!(?<=BUG)\s+-)",
        rf"(?<![\w`'\"/.\-])(?P<inside>{exact})(?=:\s|:$|\([\w@ .#/\-]{{1,40}}\))",
    ]
    if loose:
        parts.append(rf"(?i:^{_BEFORE}(?P<loose>{loose}){_AFTER}{_THINGS})")
    parts.append(rf"(?i:^{_BEFORE}(?<!:)(?P<colon>{exact})(?::\s|\())")
    return re.compile("|".join(parts))


_PHRASE = re.compile(rf"(?i)^{_BEFORE}(?P<phrase>{'|'.join(_PHRASES)})")


@lru_cache(maxsize=16)
def _ticket_pattern(pattern: str) -> re.Pattern[str]:
    return regexes.compiled(pattern)


def _has_ticket(comment: Comment, last_line: int, text: str, options: Mapping[str, Any]) -> bool:
    """Whether the note names where it is followed up: on its own line or in the comment's next one."""
    if not options.get("allow-with-ticket", True):
        return False
    ticket = _ticket_pattern(str(options.get("ticket", "")))
    if not ticket.pattern:
        return False
    if regexes.search(ticket, text):
        return True
    following = comment.source.line_text(last_line + 1).strip()
    return following.startswith(("#", "//", "--", ";", "*")) and bool(regexes.search(ticket, following))


_SHOWN_TO_USERS = re.compile(
    r"(?i)(?:^|/)(?:snippets?|cookiecutters?|scaffolds?|boilerplates?|project_templates?|app_templates?|starters?)/|[{]{2}"
)
_TEMPLATES = re.compile(r"(?i)(?:^|/)(?:templates?|static|public|assets|locales?|emails?|mails?)/")


def _notes(comment: Comment, context: CheckContext, any_case: frozenset[str], phrases: bool) -> Iterator[tuple[ByteRange, str, str]]:
    """The first note of a comment: its place, its tag and its text."""
    pattern = _tag_pattern(tuple(str(tag) for tag in context.options.get("tags", ())), any_case)
    text = comment.text
    if comment.file.path.endswith((".md", ".mdx", ".markdown")) and not text.startswith("<!--"):
        return  # a heading
    if _SHOWN_TO_USERS.search(comment.file.path) or (comment.file.kind == "text" and _TEMPLATES.search(comment.file.path)):
        return  # it tells users of the service where their own code goes
    offset = 0
    for line in text.split("\n"):
        found = pattern.search(line) or (_PHRASE.search(line) if phrases else None)
        if found:
            groups = found.groupdict()
            name = next(name for name, value in groups.items() if value)
            begin = comment.start + len((text[:offset] + line[: found.start(name)]).encode())
            place = ByteRange(comment.source, begin, comment.start + len((text[:offset] + line.rstrip()).encode()))
            if not _has_ticket(comment, comment.source.position(begin)[0], line, context.options):
                yield place, groups[name], line[found.end(name) :]
            return
        offset += len(line) + 1


def _first_words(text: str) -> str:
    text = re.sub(r"^\s*\([^()]*\)\s*:?", "", text)
    words = re.sub(r"^[\s:()\[\]!\-,.]+", "", re.sub(r"(?:\*/|-->)\s*$", "", text)).split()
    said = quote(" ".join(words[:8]))
    return said if len(words) <= 8 or said.endswith(ELLIPSIS) else said + ELLIPSIS


_A_NOUN = re.compile(r"\s*\+|\s+(?:schedules?|releases?|versions?|states?|limits?)\b")


@lru_cache(maxsize=4)
def _speaks_of_wip(data: bytes) -> bool:
    """Whether a file has names of its own with "wip" in them: there it is a word of the trade, as a schedule that is being made."""
    return re.search(rb"(?i)\bwip_[a-z]|[a-z]_wip\b", data) is not None


@check("PRD301", on=[comments()], required_literals=("todo", "tbd", "tbc", "wip"))
def todo_comment(comment: Comment, context: CheckContext) -> Iterator[Diagnostic]:
    """A note to do something, with no ticket that would remember it."""
    for place, tag, rest in _notes(comment, context, frozenset({"TODO"}), False):
        if tag.upper() == "WIP" and (_speaks_of_wip(comment.source.data) or _A_NOUN.match(rest)):
            continue
        if tag == "todo" and _named_todo(comment.source.data):
            continue
        said = _first_words(rest)
        fault = _ABOUT_A_FAULT.search(rest) is not None
        what = f"`{tag}` about a fault or a gap, and without a ticket" if fault else f"`{tag}` without a ticket"
        yield Diagnostic(place, f"{what}: {said}" if said else what, only_with="" if fault else "every-note")


# Notes that say what can go wrong, is missing or is dead, against those that say what would be nice.
_ABOUT_A_FAULT = re.compile(
    r"(?i)^\W*(?:\([^)]{0,60}\)\W*)?(?:implement|fix)\b|\b(?:not (?:yet )?implemented|placeholders?|stub(?:bed)?|mocked|fake|dummy|bugs?|buggy|broken|(?:this|it|that|which|code|query) breaks|breaks (?:when|if|on|for|the)|wrong(?:ly)?|incorrect(?:ly)?|crash\w*|race(?:s| condition)?|racy|deadlocks?|leaks?|leaking|dos|attacks?|attackers?"
    r"|insecure|unsafe|security|vulnerab\w*|injections?|bombs?|sanitiz\w+|escap(?:e|ed|ing)|auth(?:entication|orization|enticate|orize)|permissions?|passwords?|secrets?"
    r"|credentials?|encrypt\w*|error handling|exception handling|handle (?:the |this |these |any |other )?(?:errors?|exceptions?|failures?)|fails|failing|failures?"
    r"|time ?outs?|transactions?|rollback|data loss|lose[sd]?|lost|overflow\w*|memory|unbounded|not thread[- ]?safe|thread[- ]?safety|hard ?-?coded|temporary"
    r"|(?:not|no longer|never) (?:needed|used)|unused|dead code|before (?:production|prod|release|launch|merging|deploy\w*)|in production|data corruption|inconsistent|duplicates?|never (?:called|closed|deleted))\b"
)


@lru_cache(maxsize=4)
def _named_todo(data: bytes) -> bool:
    """Whether a file has a variable called `todo`: a comment that begins with it explains that one."""
    return re.search(rb"(?m)^[ \t]*(?:for[ \t]+)?todo\b[ \t]*(?:=(?!=)|,|in\b|\+=|:[^\n]*=)", data) is not None


_FIXME_ANCHORS = ("fixme", "xxx", "hack", "bug", "kludge", "do not", "don't", "dont ", "never ", "remove ", "remove\t")


# An XXX marks a place to look at, the others one that is wrong or makeshift.
_TAGS: Mapping[str, Priority] = {"FIXME": "P2", "BUG": "P1", "HACK": "P2", "KLUDGE": "P2", "XXX": "P2"}


@check("PRD302", on=[comments()], required_literals=_FIXME_ANCHORS, verbatim=True)
def fixme_comment(comment: Comment, context: CheckContext) -> Iterator[Diagnostic]:
    """A note that something is known to be wrong."""
    for place, tag, rest in _notes(comment, context, frozenset({"FIXME"}), True):
        said = _first_words(rest)
        what, priority = _grade(tag, rest, context)
        # Others' XXX mostly says how something works.
        aside = tag.upper() == "XXX" and not _ABOUT_A_FAULT.search(rest)
        yield Diagnostic(place, f"{what}: {said}" if said else what, priority=priority, only_with="every-note" if aside else "")


def _grade(tag: str, rest: str, context: CheckContext) -> tuple[str, Priority | None]:
    """What a note says about the code below it, in words, and how much it weighs."""
    word = tag.upper()
    if word in _TAGS:
        wrong = "marks code that is known to be wrong" if word in ("FIXME", "BUG") else "without a ticket"
        return f"`{tag}` {wrong}", _TAGS[word]
    if word in {str(own).upper() for own in context.options.get("tags", ())}:
        return f"`{tag}` without a ticket", None
    if re.search(r"(?i)\b(?:hack|kludge)\b", tag):
        return f"`{tag}` without a ticket", "P2"
    return f"`{tag}`: the comment says that this code is not to be released", "P0"


# ---------------------------------------------------------------- PRD307: debuggers

_DEBUGGERS = (
    "breakpoint",
    "builtins.breakpoint",
    "sys.breakpointhook",
    "pdb.set_trace",
    "pdb.post_mortem",
    "pdb.pm",
    "pdb.run",
    "pdb.runcall",
    "pdb.Pdb.set_trace",
    "ipdb.set_trace",
    "ipdb.sset_trace",
    "ipdb.post_mortem",
    "pudb.set_trace",
    "pudb.post_mortem",
    "wdb.set_trace",
    "web_pdb.set_trace",
    "rpdb.set_trace",
    "remote_pdb.set_trace",
    "remote_pdb.RemotePdb",
    "celery.contrib.rdb.set_trace",
    "rdb.set_trace",
    "bpdb.set_trace",
    "trepan.api.debug",
    "debugpy.listen",
    "debugpy.wait_for_client",
    "debugpy.breakpoint",
    "ptvsd.enable_attach",
    "ptvsd.wait_for_attach",
    "ptvsd.break_into_debugger",
    "debugpy.connect",
    "pydevd.settrace",
    "pydevd_pycharm.settrace",
    "IPython.embed",
    "IPython.start_ipython",
    "IPython.core.debugger.set_trace",
    "IPython.core.debugger.Pdb.set_trace",
    "IPython.terminal.embed.embed",
    "code.interact",
    "code.InteractiveConsole.interact",
    "code.InteractiveConsole().interact",
    "bpython.embed",
    "ptpython.repl.embed",
    "konch.start",
    "icecream.ic",
)
# An interactive shell is a feature where the file or function is one.
_SHELLS = frozenset({"embed", "start_ipython", "interact", "start"})
_SHELL_PLACE = re.compile(r"(?i)shell|repl\b|console|interact|\bcli\b|(?:^|/)manage\.py")
_REMOTE = ("debugpy.", "ptvsd.", "pydevd", "remote_pdb.", "web_pdb.", "wdb.", "rpdb.", "celery.contrib.rdb")


@check("PRD307", on=[calls(*_DEBUGGERS)])
def debugger_left(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A debugger that stops the process, or opens a door into it."""
    if call.method in _SHELLS and ("command" in call.file.roles or _SHELL_PLACE.search(f"{call.file.path} {call.scope.symbol}")):
        return
    if call.name.startswith(_REMOTE) and call.name.split(".", 1)[0] in call.file.path:
        return  # a module that is there to start this debugger on request
    guarded = bool(call.scope.guards & {"debug", "environment", "main"})
    if call.name.startswith("icecream."):
        what = "prints for debugging"
    elif call.name.startswith(_REMOTE):
        what = (
            "opens a debugger to the network"
            if "listen" in call.name or "attach" in call.name or "settrace" in call.name
            else "waits for a debugger"
        )
    else:
        what = "stops the process for someone at the terminal"
    if _is_asked_for(call):
        return
    name = "ic" if call.name.startswith("icecream.") else call.name.removeprefix("builtins.")
    fix = FixRequest("delete", "remove the debugger call", True) if call.name in _PLAIN or call.method == "set_trace" else None
    yield Diagnostic(call, f"`{name}()` {what}", priority="P1" if guarded else None, fix=fix)


def _is_asked_for(call: Call) -> bool:
    """Whether a call stands below `if self.pdb:`: who starts the program has asked for a debugger by that name."""
    return any(_ASKED.search(condition.text) for condition in conditions_above(call))


_ASKED = re.compile(r"(?i)(?:^|[._])(?:pdb|ipdb|pudb|post_mortem|debugger)$")
_PLAIN = ("breakpoint", "builtins.breakpoint")
# Debuggers that a service does not install: where the file is imported without them it does not start. `pdb` and `code` are Python's.
_NOT_INSTALLED = (
    "ipdb",
    "pudb",
    "pdbpp",
    "remote_pdb",
    "web_pdb",
    "wdb",
    "rpdb",
    "ptvsd",
    "debugpy",
    "pydevd",
    "pydevd_pycharm",
    "bpython",
    "ptpython",
    "konch",
    "icecream",
    "pdbr",
    "birdseye",
    "snoop",
    "pysnooper",
)


@check("PRD307", on=[every(Import)], required_literals=_NOT_INSTALLED, files=["python"])
def debugger_imported(fact: Import, context: CheckContext) -> Iterator[Diagnostic]:
    """A debugger of somebody else's that is imported with the module and left there, and that no manifest lists."""
    library = fact.module.split(".", 1)[0]
    if library not in _NOT_INSTALLED or fact.typing_only or fact.in_block:
        return  # in a function, behind a condition or in a `try` it is asked for by who has it
    if len(re.findall(rf"\b{re.escape(fact.alias.split('.', 1)[0])}\b", fact.source.text)) > 1:
        return  # it is called, and that is what is told
    if library.replace("_", "-") in context.environment.packages or library in context.environment.packages or library in fact.file.path:
        return
    yield Diagnostic(fact, f"`{library}` is a debugger that is not installed: importing this module fails")
