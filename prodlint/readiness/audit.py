"""Lines of a checklist against a report: what each means, and what the code says to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prodlint.model import Evidence, Finding, Rule
from prodlint.readiness import claims, subjects
from prodlint.readiness.answers import SEEN, Answer, Answers, counted
from prodlint.readiness.items import Item
from prodlint.readiness.lines import Line, read_lines
from prodlint.readiness.phrases import Match, Phrases, named, words_of

Judgement = Literal["agrees", "belied", "in fact met", "still open", "cannot be told", "does not apply", "not mapped"]
# A tick is only called belied, and only rewritten, where it is clear what the line means.
SURE = frozenset(("named", "high", "medium"))


@dataclass(frozen=True, slots=True)
class Audited:
    """A line, what it means, and what the code says to it."""

    line: Line
    match: Match | None
    answer: Answer | None
    judgement: Judgement
    because: str


class Auditor:
    """Holds the lines of checklists against a report. phrases: those of its items, where they are at hand already."""

    def __init__(self, answers: Answers, phrases: Phrases | None = None) -> None:
        report, outcomes = answers.result.report, answers.result.outcomes
        self._answers = answers
        self._by_item = {answer.item.id: answer for answer in answers.answers}
        self._phrases = phrases or Phrases(answers.checklist.items)
        self._project = claims.Project(
            report.root,
            report.files,
            {outcome.path: outcome.kind for outcome in outcomes},
            {outcome.path: outcome.roles for outcome in outcomes},
            answers.result.source,
        )

    def judged(self, line: Line) -> list[Audited]:
        """What the code says to a line; one that claims several things has several entries."""
        pointer = pointed_at(line)
        if pointer:
            exists = self._project.holds(pointer)
            judgement: Judgement = "agrees" if exists else "belied" if line.state != "open" else "still open"
            return [Audited(line, None, None, judgement, f"`{pointer}` {'is there' if exists else 'is not there'}")]
        rules = self._answers.rules
        matches = mapped(line, self._phrases, self._answers.checklist.items, rules)
        claimed = claims.without_examples(line)
        judged = [_shown(_audited(claimed, match, self._by_item, rules), self._project, rules) for match in matches]
        found = [replace(each, line=line) for each in judged]
        return [_as_a_part(each, found) for each in found] or [Audited(line, None, None, "not mapped", "")]


def _as_a_part(audited: Audited, found: Sequence[Audited]) -> Audited:
    """A yes to one of several things that a line asks for is no yes to the line."""
    if audited.judgement not in ("agrees", "in fact met") or all(each.judgement in ("agrees", "in fact met") for each in found):
        return audited
    title = audited.match.item.title if audited.match is not None else ""
    return replace(audited, judgement="cannot be told", because=f"this part of it is seen ({title}), the others are not")


def audit(text: str, answers: Answers) -> list[Audited]:
    """What the code says to each line of a checklist."""
    auditor = Auditor(answers)
    return [each for line in read_lines(text) for each in auditor.judged(line)]


# The path of a route of theirs: its words mean whatever their product does.
_ROUTE = re.compile(r"^`?/(?!(?:\w+/)*(?:health|ready|live|metrics|docs|openapi))[\w/{}:-]+")
_POINTER = re.compile(r"(?:\./)?[\w.-]+(?:/[\w.-]+)+\.\w{1,8}")
_NAMES_A_FILE = frozenset(("file", "files", "integration", "module", "location", "path", "source", "implementation", "see", "code"))


def pointed_at(line: Line) -> str:
    """The file of a line that does nothing but name one (`File: app/limits.py`), or ""."""
    named_so = line.head.lower().strip(": ") in _NAMES_A_FILE and not line.in_code
    return line.rest.removeprefix("./") if named_so and _POINTER.fullmatch(line.rest) else ""


# How lists begin their sentences: it asks, and means nothing.
_ASKED = re.compile(
    r"^\W*(?:verify|ensure|make sure|check|confirm|validate|assert|see to it|is it ensured)\s+(?:that\b|if\b|whether\b|the\b|all\b)\s*",
    re.IGNORECASE,
)
# What stands between the parts of a list.
_BETWEEN = re.compile(r"[,;]\s+|\s+and\s+")
# Words of each part of a plain list.
_PLAIN = 3
# A line of more words than this is prose: what it explains is no list of further claims.
_PROSE = 18
_BRACKETS = re.compile(r"\([^)]*\)")
# "Sentry configured (no PII in logs)": a bracket that denies something claims it as well.
_DENIED = re.compile(r"\(((?:no|never|without)\s[^()]{4,80})\)", re.IGNORECASE)
# What is listed under "Integration tests" names what is tested; under "Alerts configured for:" what somebody is told of.
_UNDER_TESTS = re.compile(r"\btests?\b", re.IGNORECASE)
_UNDER_ALERTS = re.compile(r"\balert\w*\b.*(?:\b(?:for|on|when|if)\b|:)\W*$", re.IGNORECASE)


def mapped(line: Line, phrases: Phrases, items: Sequence[Item], rules: Mapping[str, Rule] | None = None) -> list[Match]:
    """What a line means: what a comment in it says, else what its words do; [] where nothing is known of it."""
    if line.names:
        names = {code for code, rule in (rules or {}).items() if rule.name in line.names} | set(line.names)
        found = named(names, items)
        if found:
            # Asked for one rule, an item of many is narrowed to it.
            codes = tuple(code for code in found[0].rules if code in names)
            item = replace(found[0], rules=codes) if codes and found[0].id not in names else found[0]
            return [Match(item, "named", ", ".join(line.names), 99.0)]
    head = _ASKED.sub("", _ROUTE.sub("", line.head))
    # What stands in brackets at the end of a line, `_head_and_rest` has opened.
    rest = "" if line.rest.endswith(")") and "(" not in line.rest else line.rest
    whole = phrases.best(head, line.rest, line.above)
    if whole is not None and whole.item.category != "Testing" and _UNDER_TESTS.search(line.parent):
        whole = phrases.by_parent(line.parent)
        return [whole] if whole is not None else []
    if _UNDER_ALERTS.search(line.parent):
        whole = phrases.by_parent(line.parent)
        return [whole] if whole is not None else []
    if line.in_code:
        return [whole] if whole is not None else []
    whole = _as_sure_as_its_head(whole, head)
    if len(line.text.split()) > _PROSE:
        rest = ""
    explained = _BRACKETS.sub(" ", rest)
    denied = _DENIED.search(line.text)
    if denied:
        explained = f"{explained}, {denied[1]}"
    parts = [part for part in _BETWEEN.split(f"{head}, {explained}") if part.strip()]
    # A word of a plain list is a thing that is asked for; one that a sentence counts up is a part of what the sentence says.
    is_plain = all(len(part.split()) <= _PLAIN for part in _BETWEEN.split(head))
    matches = {whole.item.id: whole} if whole is not None else {}
    if len(parts) > 1 or whole is None:
        for part in parts[:8]:
            match = phrases.best(part)
            is_short = (is_plain and len(words_of(part)) == 1) or (denied is not None and part.strip() == denied[1].strip())
            if match is not None and match.confidence == "high" and (is_short or len(words_of(match.phrase)) > 1):
                matches.setdefault(match.item.id, replace(match, subject=part.strip()))
    if matches:
        return list(matches.values())
    inherited = phrases.by_parent(line.parent)
    return [inherited] if inherited is not None else []


def _as_sure_as_its_head(match: Match | None, head: str) -> Match | None:
    """A meaning that only the explanation of a line holds is not sure where its head names something else: "7 sections (Database, CORS)"."""
    if match is None or match.confidence == "low":
        return match
    named_words = set(words_of(head))
    if not named_words or named_words & set(words_of(match.phrase)) or not subjects.left_over(head, match.item):
        return match
    return replace(match, confidence="low")


def _audited(line: Line, match: Match, by_item: Mapping[str, Answer], rules: Mapping[str, Rule]) -> Audited:
    answer = _there(_narrowed(by_item[match.item.id], line, match, rules), line)
    return _open(line, match, answer) if line.state == "open" else _claimed(line, match, answer)


def _there(answer: Answer, line: Line) -> Answer:
    """The answer to a line that asks only whether there is such a thing: the thing itself shows it, however far it goes."""
    if answer.verdict != "cannot be told" or not answer.seen or not answer.item.exists:
        return answer
    if _ALL.search(line.text) or _CERTAIN.search(line.text) or claims.is_negative(line):
        return answer
    return replace(answer, verdict="met", because=answer.because.removeprefix(SEEN))


# Sentences that ask for the absence of something: silence of the rules that look for it is the yes.
_ABSENCE = re.compile(
    r"(?:^|[^\w])(?:0|no|not|zero|none|never|without|free of|don.?t|disabled?|off|removed|prevent\w*|avoid\w*|eliminated|fixed|DEBUG\s?=\s?False)(?:[^\w]|$)",
    re.IGNORECASE,
)


def _shown(audited: Audited, project: claims.Project, rules: Mapping[str, Rule]) -> Audited:
    """A yes has to show the very thing: its files, numbers and names, what it speaks of, and a place, or nothing where nothing is what it
    asks for. A no has to be about the very thing."""
    line, match, answer = audited.line, audited.match, audited.answer
    if answer is None or match is None:
        return audited
    if audited.judgement == "does not apply" and match.confidence != "named":
        return _nothing_to_ask(audited)
    if audited.judgement not in ("agrees", "in fact met", "belied", "still open"):
        return audited
    if match.confidence == "named":
        return audited  # somebody has said which rule it is
    if match.phrase in match.item.touches and not _explained(line, match.item):
        return replace(audited, judgement="cannot be told", because=f"this asks for more than what is looked at: {match.item.title}")
    untold = claims.claims_nothing(line) or _not_the_item(line, match, answer, project)
    if not untold and claims.is_outside_the_code(line):
        untold = "it speaks of a step or a result that no file shows"
    if untold:
        return replace(audited, judgement="cannot be told", because=untold)
    if audited.judgement == "belied":
        return _belied_there(audited, answer, match, project, rules)
    if audited.judgement == "still open":
        if match.confidence not in SURE or line.in_code:
            return replace(audited, judgement="cannot be told", because=f"perhaps this means: {match.item.title}")
        return _belied_there(audited, answer, match, project, rules)
    if match.confidence not in SURE:
        return replace(audited, judgement="cannot be told", because=f"perhaps this means: {match.item.title}")
    if line.number_claimed and answer.findings:
        return audited  # "3 TODOs left", and three there are
    return _yes(audited, answer, match, project)


def _explained(line: Line, item: Item) -> bool:
    """Whether the explanation of a line says the item, whose neighbour its head names: "Software integrity: dependencies pinned"."""
    said = set(words_of(line.rest))
    return any(len(words) > 1 and said.issuperset(words) for words in map(words_of, item.says))


# "No error tracking", "Missing health checks": what an item asks for is said to be absent.
_DENIES = re.compile(r"^\W*(?:no|missing|without|lack(?:ing)?(?:\s+of)?|absence\s+of|untested|unmonitored|insufficient)\s", re.IGNORECASE)


def _not_the_item(line: Line, match: Match, answer: Answer, project: claims.Project) -> str:
    """Why a line that speaks of an item asks for something else: for its absence, for how often it is done, for what is said or measured of it."""
    item = match.item
    known = {*words_of(match.phrase), *subjects.own_words(item)}
    if _DENIES.search(line.text) and (item.exists or item.missing or item.each or item.everywhere) and not _ABSENCE.search(match.phrase):
        return f"it says that there is none of: {item.title}"
    about = claims.asks_about(line, known)
    if about:
        return f"it asks for `{about}` about: {item.title}"
    often = claims.how_often(line)
    places = [*((place.path, place.span.line) for place in answer.places), *((f.path, f.span.line) for f in answer.findings)]
    if often and not claims.is_on_schedule(often, claims.near(places, project, 12)):
        return f"whether it is done {often if often.endswith('ly') else 'so often'} is not seen"
    return ""


def _nothing_to_ask(audited: Audited) -> Audited:
    """A line whose item has nothing here to be asked of. That nothing is wrong with it is so; that there is such a thing is not seen."""
    line = audited.line
    if claims.is_outside_the_code(line) or (line.state != "open" and not _ABSENCE.search(line.text)):
        return replace(audited, judgement="cannot be told")
    return audited


def _yes(audited: Audited, answer: Answer, match: Match, project: claims.Project) -> Audited:
    line = audited.line
    places = [(place.path, place.span.line) for place in answer.places]
    # What a line denies need not occur: "no MD5" is so where nothing is called by that name.
    checked = claims.check(line, places, project, denied=answer.item.absence and claims.is_negative(line))
    if checked.verdict == "contradicted":
        return replace(audited, judgement="still open" if line.state == "open" else "belied", because=checked.because)
    untold = checked.because if checked.verdict == "not shown" else ""
    of_nothing = answer.item.absence and _ABSENCE.search(line.text) is not None
    excused = answer.verdict == "exempt" or answer.item.confirmed is not None
    if not untold and not excused and answer.item.category == "Documentation" and len(words_of(line.rest)) > _HELD_BY_A_DOCUMENT:
        untold = "it is there; whether it holds all this, a person has to judge"
    if not untold and not excused:
        untold = _unseen(line, match, answer, places, project)
    if not untold and not excused and not of_nothing and _ALL.search(line.text) and not _asks_each(answer.item):
        untold = "it is seen, but not whether all of them have it"
    certain = _CERTAIN.search(line.text) if answer.item.exists or answer.item.category == "Testing" or not _is_judged(answer) else None
    if not untold and not excused and certain:
        untold = f"it is seen; whether it is so for what is `{certain[0].lower()}`, a person has to judge"
    quality = claims.is_of_quality(line)
    if not untold and not excused and quality:
        untold = f"it is seen; whether it is `{quality}`, a person has to judge"
    if not untold and not excused and any(not any(kind.search(path) for path, _ in places) for kind in claims.kinds_of_test(line)):
        untold = "there are tests; whether they are of this kind is not seen"
    if not untold and not excused and not of_nothing and (not _is_proven(answer) or _is_silence(answer, match)):
        untold = f"no rule was broken, which does not show it ({audited.because})"
    return replace(audited, judgement="cannot be told", because=untold) if untold else audited


def _is_judged(answer: Answer) -> bool:
    """Whether a rule looks at how good the thing is, where it is: what is shown is more than that it is there."""
    return any(code not in answer.item.missing and code not in answer.item.weak for code in answer.item.rules)


# Words of an explanation that may still be another name of the document; more of them say what has to stand in it.
_HELD_BY_A_DOCUMENT = 4
# Which ones a line speaks of: that there is one such thing does not show that it is there for these.
_CERTAIN = re.compile(
    r"\b(?:sensitive|critical|important|relevant|privileged|complete(?:d|ly)?|full(?:y)?|extensive|required|frequent|proper(?:ly)?|correct(?:ly)?|accurate(?:ly)?|updated|current|consistent(?:ly)?|safe(?:ly)?)\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:all|every|each|everywhere|no\s+\w+(?:\s+\w+){0,3}\s+without)\b(?!\s+(?:the\s+)?(?:TODO|necessary|required|pull|commit|push|merge|build|release|deploy))",
    re.IGNORECASE,
)

_ONLY = re.compile(r"\bonly\b", re.IGNORECASE)


def _asks_each(item: Item) -> bool:
    """Whether the answer is one about each of the things that a line may mean by "all": each service, or each place that a rule looks at."""
    return item.each or item.absence or item.everywhere or item.throughout or (bool(item.rules) and not item.shown)


def _is_proven(answer: Answer) -> bool:
    """Whether the places show it: what a rule or a mark proves; or, where each of some things must be so, those things, each of which a rule looked at."""
    if any(place.code for place in answer.places):
        return True
    return bool(answer.places) and (bool(answer.item.shown) or not answer.item.absence)


def _is_silence(answer: Answer, match: Match) -> bool:
    """Whether a yes would rest on rules that found nothing, for a line that names only what they looked at, and not what they looked for:
    "JWT configuration"."""
    is_shown = bool(answer.item.shown) or any(place.code for place in answer.places)
    return not is_shown and not answer.item.absence and len(words_of(match.phrase)) < 2


# "(HTTPS)", "(ORM only)", "(filtered)": what stands in a short bracket narrows what the line names.
_SHORT_BRACKET = re.compile(r"\(([\w-]+(?:[ /][\w-]+){0,2})\)\W*$")


def _subject(line: Line, match: Match) -> str:
    """What a line, or the part of it that means the item, names: its head, and the rest too where the head says nothing (`Key: ...`)."""
    if match.subject:
        return match.subject
    head = set(words_of(line.head))
    bracket = _SHORT_BRACKET.search(line.text)
    if bracket and bracket.start() >= len(line.head.rstrip()) - 1 and bracket[1] != line.head:
        return f"{line.head} {bracket[1]}"
    if not head - subjects.TRADE or not head & set(words_of(match.phrase)) or (len(head) == 1 and line.rest):
        return line.text
    return line.head


def _unseen(line: Line, match: Match, answer: Answer, places: Sequence[tuple[str, int]], project: claims.Project) -> str:
    """What the line speaks of beyond its item, and that is not seen where the item is shown: why nothing can be told, or ""."""
    subject = _subject(line, match)
    seen = subjects.said_of([answer.because, *(place.words for place in answer.places), claims.near(places, project, 12)])
    left = subjects.left_over(subject, match.item, match.phrase)
    # What narrows an item stands at the place itself; what covers a word of the line, in the very line that is cited. What a test is about, its
    # path says: many words stand in many tests.
    told = [answer.because, *(place.words for place in answer.places)]
    here = subjects.said_of([*told, claims.near(places, project, 2)])
    whole = {path for path, at in places if at == 1} if match.item.category == "Testing" else set()
    stands = "\n".join((*sorted(whole), claims.near([place for place in places if place[0] not in whole], project, 0)))
    cited = subjects.said_of([*told, stands])
    if not _bracket_is_seen(line, match, here):
        return f"`{_TOKEN.findall(line.text)[-1]}` is not seen where this is shown"
    word = subjects.missing_from(seen, left) or subjects.missing_from(here, subjects.narrowing(left, match.item))
    word = word or subjects.missing_from(seen, subjects.left_over(claims.where_it_holds(line), match.item, match.phrase))
    word = word or _more_than_the_item(line, match, cited, [here, *(path for path, _ in places)])
    if word:
        return f"nothing about `{word}` is seen where this is shown"
    for name in _products_above(line):
        if not any(each in seen for each in subjects.names_of(name)):
            return f"`{name}` is not seen where this is shown"
    for text, at_place in ((subject, bool(places)), (line.rest, bool(places) and _BRACKETED.search(line.text) is not None)):
        named_products, one = subjects.products_in(text)
        missing = [
            name
            for name in named_products
            if not any(each in seen for each in subjects.names_of(name))
            and (at_place or not claims.product_in_code(subjects.names_of(name), project))
        ]
        if missing and not (one and len(missing) < len(named_products)):
            return f"`{missing[0]}` is not seen {'where this is shown' if at_place else 'in the code'}"
    return ""


def _more_than_the_item(line: Line, match: Match, evidence: str, places: Sequence[str], wholly: bool = False) -> str:
    """The first word by which a line says more than its item and than the evidence for it, or what its section is about and the places (what is
    said and stands there, and their paths) are not; "". wholly: the thing is missing as a whole, and so is every kind of it."""
    said = match.subject or _TO_WHOM.sub(r"\1", _said(line, match))
    for name in claims.names_in(line) if wholly else ():
        said = said.replace(name, " ")
    left = subjects.uncovered(said, match.item, evidence, wholly)
    if left or wholly or line.in_code:
        return left[0] if left else ""
    return subjects.elsewhere(said, line.above, match.item, subjects.said_of(places))


def _said(line: Line, match: Match) -> str:
    """What a line claims: the text before its explanation, or the explanation where that alone speaks of the item."""
    is_explained = line.rest and line.rest in line.text and _SEPARATED.search(line.text[: line.text.find(line.rest)]) is not None
    if not is_explained:
        return line.text
    meant = set(words_of(match.phrase))
    return line.rest if meant <= set(words_of(line.rest)) and not meant & set(words_of(line.head)) else line.head


def _kinds(line: Line, item: Item) -> list[str]:
    """Which of the things that an item's rules look for a line names."""
    kinds = frozenset(words_of(" ".join(item.kinds)))
    return [word for word in words_of(line.text) if word in kinds]


# "(Redis)", "(Sentry) if applicable": a bracket that holds nothing but a name.
_BRACKETED = re.compile(r"\(\s*[\w.+-]+\s*\)")


# What stands between a name and its explanation.
_SEPARATED = re.compile(r"[:;(–—-]\s*$")


# "(unless-stopped)", "(lax)": a value that is asked for.
_TOKEN = re.compile(r"\(([a-z][a-z0-9]*(?:-[a-z0-9]+)+)\)")


def _bracket_is_seen(line: Line, match: Match, here: str) -> bool:
    """Whether the value that stands alone in a bracket at the end of a line is one that the places hold, or one of the item's own words."""
    found = _TOKEN.findall(line.text)
    if not found or set(words_of(found[-1])) & {*words_of(match.phrase), *subjects.own_words(match.item)}:
        return True
    return found[-1].replace("-", " ") in here


def _shows(places: Sequence[Evidence], words: Sequence[str]) -> bool:
    """Whether one of the places speaks of all of the words: "CI has a test gate" of tests, whatever else is missing."""
    return any(not subjects.missing_from(subjects.said_of([place.words]), words) for place in places)


def _products_above(line: Line) -> list[str]:
    """The products of a heading that names nothing else: what stands under "Redis" is about Redis."""
    heading = line.above[0] if line.above else ""
    named_products, _ = subjects.products_in(heading)
    rest = [word for word in words_of(heading) if word not in subjects.TRADE]
    return named_products if len(rest) <= len(named_products) else []


_TO_WHOM = re.compile(r"\b(restricted|limited|confined|locked\s+down)\s+to\s.*$", re.IGNORECASE)


def _belied_there(audited: Audited, answer: Answer, match: Match, project: claims.Project, rules: Mapping[str, Rule]) -> Audited:
    """A line that names files or names is belied by what stands against those, or by their absence, and not by what stands elsewhere; one
    that speaks of one thing is not belied by another."""
    line = audited.line
    files = claims.files_named(line)
    absent = [path for path in files if not project.holds(path)]
    if absent:
        return replace(audited, because=f"`{absent[0]}` is not there", answer=replace(answer, findings=()))
    findings = answer.findings
    if findings and line.number_claimed and line.number_claimed > 1 and not claims.is_negative(line) and "+" in line.head:
        return replace(audited, judgement="cannot be told", because=f"how many there are is not counted; {counted(findings)}")
    if files and findings:
        findings = tuple(f for f in findings if any(f.path == path or f.path.endswith(f"/{path}") for path in files))
        if not findings:
            told = f"nothing stands against it in {', '.join(f'`{path}`' for path in files)}"
            return replace(audited, judgement="cannot be told", because=told)
    if match.item.belies and findings:
        findings = tuple(f for f in findings if f.code in match.item.belies)
        if not findings:
            return replace(
                audited, judgement="cannot be told", because=f"what was found does not contradict it: {counted(answer.findings)}"
            )
    there = match.item.exists or bool(answer.beside)
    absent_names = [] if claims.is_negative(line) else [name for name in claims.nowhere(line, project) if claims.is_of_code(name)]
    named_there = [name for name in claims.names_asked_for(line) if any(name.lower() in f.message.lower() for f in findings)]
    if (
        findings
        and not named_there
        and not absent_names
        and not _ALL.search(line.text)
        and not _ONLY.search(line.text)
        and all(_is_partial(f, match.item, there) for f in findings)
    ):
        told = f"that it is missing in places does not contradict it: {counted(findings)}"
        return replace(audited, judgement="cannot be told", because=told)
    if findings and match.item.asked and not set(words_of(" ".join(match.item.asked))) & set(words_of(" ".join((line.text, *line.above)))):
        told = f"what was found does not contradict it: {counted(findings)}"
        return replace(audited, judgement="cannot be told", because=told)
    names = claims.names_asked_for(line)
    wholly = any(f.code in match.item.missing for f in findings)
    unwritten = "" if claims.is_negative(line) else claims.unwritten(line, project)
    if unwritten.startswith("/") and not wholly:
        # Another route may be the one that is here.
        return replace(audited, judgement="cannot be told", because=f"`{unwritten}` occurs nowhere in the code or its configuration")
    if names and not wholly:
        # What a line says to be absent need not occur; what stands against it still has to be about it.
        nowhere = [] if claims.is_negative(line) else [name for name in claims.nowhere(line, project) if name in names]
        if nowhere and (match.confidence == "medium" or not any(map(claims.is_of_code, nowhere))):
            return replace(audited, judgement="cannot be told", because=f"`{nowhere[0]}` occurs nowhere in the code")
        if nowhere:
            return replace(audited, because=f"`{nowhere[0]}` occurs nowhere in the code", answer=replace(answer, findings=()))
        if claims.is_negative(line):
            names = [name for name in names if name in line.head]
        told_of = tuple(f for f in findings if not names or any(name.lower() in _text_of(f, project, 0) for name in names))
        if findings and not told_of:
            return replace(audited, judgement="cannot be told", because=f"what was found is not about `{names[0]}`")
        findings = told_of
    if findings:
        said = [_text_of(f, project, 0) for f in findings[:60]]
        about = subjects.said_of([match.item.title, *(f"{rules[f.code].name} {rules[f.code].title}" for f in findings[:60]), *said])
        subject = _subject(line, match)
        # "Restricted to our front end" is not so where nothing is restricted, whoever the front end is.
        meant = " ".join((match.phrase, *match.item.means))
        left = subjects.left_over(_TO_WHOM.sub(r"\1", subject), match.item, meant)
        # What narrows an item is told by the findings alone: its title names all that it asks for.
        told = subjects.said_of([f.message for f in findings[:60]])
        narrowing = subjects.narrowing(left, match.item)
        word = subjects.missing_from(about, [each for each in left if each not in narrowing])
        if not word and not wholly:
            word = subjects.missing_from(told, narrowing)
        named_products, one = subjects.products_in("" if wholly else subject)
        missing = [name for name in named_products if not any(each in about for each in subjects.names_of(name))]
        missing = [] if one and len(missing) < len(named_products) else missing
        missing += [name for name in _products_above(line) if not any(each in about for each in subjects.names_of(name))]
        if word in narrowing and not missing and _shows(answer.beside, narrowing):
            places = tuple(place for place in answer.beside if not subjects.missing_from(subjects.said_of([place.words]), narrowing))
            shown = replace(answer, verdict="met", findings=(), places=places, because=places[0].words)
            return replace(audited, judgement="in fact met" if line.state == "open" else "agrees", answer=shown, because=shown.because)
        word = word or subjects.missing_from(about, subjects.left_over(claims.where_it_holds(line), match.item, meant))
        word = (
            word
            or subjects.missing_from(told, _kinds(line, match.item))
            or _more_than_the_item(line, match, about, [*(f.path for f in findings), *said], wholly)
        )
        if word or missing:
            return replace(
                audited, judgement="cannot be told", because=f"what was found is not about `{word or missing[0]}`: {counted(findings)}"
            )
    because = counted(findings) if findings and len(findings) < len(answer.findings) else audited.because
    return replace(audited, answer=replace(answer, findings=findings), because=because)


def _is_partial(finding: Finding, item: Item, there: bool) -> bool:
    """Whether a finding says that the thing is there, and is missing in places or does not do all: by its rule, or by its rule and what it says."""
    return any(
        code == finding.code and (words in finding.message if words else there)
        for code, _, words in (entry.partition(" ") for entry in item.partial)
    )


def _text_of(finding: Finding, project: claims.Project, around: int = 2) -> str:
    """What a finding says and where it stands, in lower case."""
    return f"{finding.message}\n{claims.near([(finding.path, finding.span.line)], project, around)}".lower()


# Beside the name of a rule these add nothing: "no bare except statements left".
_COUNTED = frozenset(words_of("no zero statements clauses left remaining comments found"))


def _narrowed(answer: Answer, line: Line, match: Match, rules: Mapping[str, Rule]) -> Answer:
    """The answer for the rules alone that the line names: "0 bare excepts" is not belied by an exception swallowed otherwise."""
    if match.confidence == "named":
        codes = set(match.item.rules)
    else:
        said = {word for word in words_of(line.head) if word not in _COUNTED and not word.isdigit()}
        codes = {
            code
            for code in answer.item.rules
            if code in rules and _is_named(set(words_of(rules[code].name)) - _COUNTED, said - subjects.PRESENCE)
        }
        # Where a graver rule speaks, this one is silent of the same place.
        codes |= {code for code in answer.item.rules if code in rules and codes & set(rules[code].supersedes)}
    if not codes or codes >= set(answer.item.rules) or answer.verdict != "not met" or not answer.findings:
        return answer
    findings = tuple(finding for finding in answer.findings if finding.code in codes)
    if findings:
        return replace(answer, findings=findings, because=counted(findings))
    listed = ", ".join(sorted(codes))
    return replace(answer, findings=(), verdict="met", because=f"{listed} found nothing; other rules of this item did: {answer.because}")


def _is_named(name: set[str], said: set[str]) -> bool:
    """Whether a line speaks of one rule by its name, and of nothing else: "0 bare excepts in the whole code base" of `bare-except`."""
    return bool(name) and name == said


def _open(line: Line, match: Match, answer: Answer) -> Audited:
    if answer.verdict == "met" and match.confidence in SURE:
        return Audited(line, match, answer, "in fact met", answer.because)
    if answer.verdict == "does not apply":
        return Audited(line, match, answer, "does not apply", answer.because)
    return Audited(line, match, answer, "still open" if answer.verdict == "not met" else "cannot be told", answer.because)


def _claimed(line: Line, match: Match, answer: Answer) -> Audited:
    if answer.verdict == "not met":
        if match.confidence not in SURE or line.in_code:
            return Audited(line, match, answer, "cannot be told", f"perhaps this means: {match.item.title}")
        if line.number_claimed and line.number_claimed == len(answer.findings):
            return Audited(line, match, answer, "agrees", f"{line.number_claimed} stated, and {len(answer.findings)} found")
        return Audited(line, match, answer, "belied", answer.because)
    if answer.verdict in ("met", "exempt") and match.confidence in SURE:
        return Audited(line, match, answer, "agrees", answer.because)
    return Audited(line, match, answer, "does not apply" if answer.verdict == "does not apply" else "cannot be told", answer.because)
