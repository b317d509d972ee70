"""XML whose entities lead to files and other machines (PRD471): parsers that are told to follow them, and old ones that do so by themselves.

Expat, behind the standard library's parsers, follows no external entity and limits how far internal ones grow (2.4.1, 2021): `xml.etree` is no
finding. lxml follows them by default before 5.0."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.web.parts import Judge, entered, shown
from prodlint.facts import Call, Constant
from prodlint.values.expressions import follow

_PARSERS = (
    "lxml.etree.XMLParser",
    "lxml.etree.ETCompatXMLParser",
    "lxml.etree.iterparse",
    "lxml.etree.XMLPullParser",
    "lxml.objectify.makeparser",
)


@check("PRD471", on=[calls(*_PARSERS)], required_literals=[("lxml", "parse")], files=["python"])
def lxml_parser(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`etree.XMLParser(resolve_entities=True)`, `no_network=False`, `load_dtd=True`."""
    given = context.values(call.module).keywords(call)
    entities = given.get("resolve_entities")
    if entities is not None and entities.is_constant(True):
        at = call.keywords.get("resolve_entities", call)
        yield Diagnostic(at, f"`{call.method}` with `resolve_entities=True` reads the files that a document names")
    elif "no_network" in given and given["no_network"].is_constant(False):
        at = call.keywords.get("no_network", call)
        yield Diagnostic(at, f"`{call.method}` with `no_network=False` fetches the addresses that a document names")
    elif "load_dtd" in given and given["load_dtd"].is_constant(True) and not (entities is not None and entities.is_constant(False)):
        at = call.keywords.get("load_dtd", call)
        yield Diagnostic(at, f"`{call.method}` with `load_dtd=True` reads the definition that a document names", priority="P2")


_FEATURES = ("feature_external_ges", "feature_external_pes", "external-general-entities", "external-parameter-entities")


@check("PRD471", on=[calls("*.setFeature")], required_literals=["feature_external_", "external-general-entities"], files=["python"])
def sax_feature(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`parser.setFeature(feature_external_ges, True)`."""
    name, value = call.argument(0), call.argument(1)
    if name is None or value is None:
        return
    known = follow(call.module, name, call)
    written = f"{name.text} {known.value if isinstance(known, Constant) else known.text}"
    if any(feature in written for feature in _FEATURES) and context.values(call.module).of(value).constants() in ([True], [1]):
        yield Diagnostic(call, f"`{shown(name)}` lets a document name files and addresses that are read into it")


_DEFUSED = ("forbid_entities", "forbid_external", "disable_entities")


@check(
    "PRD471",
    on=[calls("defusedxml.*", "xmltodict.parse", "zeep.Settings", "zeep.settings.Settings")],
    required_literals=list(_DEFUSED),
    files=["python"],
)
def switched_off(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`defusedxml.ElementTree.parse(..., forbid_entities=False)`, `xmltodict.parse(..., disable_entities=False)`."""
    for keyword in _DEFUSED:
        given = call.keywords.get(keyword)
        if given is not None and context.values(call.module).of(given).is_constant(False):
            yield Diagnostic(given, f"`{call.method}` with `{keyword}=False` takes the entities that a document defines")
            return


_READS = ("lxml.etree.fromstring", "lxml.etree.parse", "lxml.etree.XML", "lxml.objectify.fromstring", "lxml.objectify.parse")


@check("PRD471", on=[calls(*_READS)], required_literals=["lxml"], files=["python"])
def old_lxml(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`etree.fromstring(request.data)` with an lxml older than 5.0, whose own parser follows external entities."""
    given = call.argument(0)
    if given is None or call.argument(1, "parser") is not None or call.stars:
        return
    version = context.environment.version("lxml")
    if version is None or version >= (5,):
        return
    evaluator = context.values(call.module)
    client = Judge(evaluator, "xml").client_in(evaluator.of(given))
    if client is not None:
        words = f"`{call.method}` of lxml before 5.0 reads the files that a document names, and a client wrote this one"
        yield Diagnostic(call, words, related=entered(client))
