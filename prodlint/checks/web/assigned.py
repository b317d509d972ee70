"""Fields that a client sets because all that came is written (PRD472)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.checks.web.parts import entered
from prodlint.facts import Assignment, Attribute, Call, Class, Constant, Expression, Module, Name, statements_in
from prodlint.values.evaluate import Values
from prodlint.values.expressions import follow
from prodlint.values.lattice import Client
from prodlint.values.places import enclosing

# Methods of a manager, query or object that write fields by keyword.
_WRITES = ("create", "update", "get_or_create", "update_or_create", "acreate", "aupdate", "values", "modify")
_RAW = frozenset(("body", "form", "query", "request"))


# What a form, serializer or schema has read, and what picks fields.
_READ = re.compile(
    r"validated_data|cleaned_data|model_dump|\bload\(|\bdump\(|\.dict\(|serializ|[Ss]chema|asdict|pick|only\(|allowed|whitelist|\bif\b"
)
# Frameworks whose parameters are typed: they hand on what a model has read.
_TYPED = frozenset(("FastAPI", "Django Ninja", "Litestar", "BlackSheep"))


def _raw_client(given: Expression, module: Module, evaluator: Values) -> Client | None:
    """The client that sent a body, form or query which is handed on as it came; what a model read, or was picked from it, is something else."""
    known = follow(module, given, given)
    if any(_READ.search(text.replace("POST.dict(", "POST(").replace("GET.dict(", "GET(")) for text in (given.text, known.text)):
        return None
    for shape in evaluator.of(given).shapes:
        if isinstance(shape, Client) and shape.source in _RAW and shape.class_ is None and shape.framework not in _TYPED:
            return shape
    return None


@check(
    "PRD472",
    on=[calls(*(f"*.{name}" for name in _WRITES))],
    required_literals=[
        ("request", library) for library in ("django", "sqlalchemy", "tortoise", "peewee", "mongoengine", "models", "rest_framework")
    ],
    files=["python"],
)
def written_whole(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`User.objects.create(**request.POST.dict())`."""
    evaluator = context.values(call.module)
    for spread in call.spreads:
        client = _raw_client(spread, call.module, evaluator)
        if client is not None:
            yield Diagnostic(call, f"`{call.method}` writes every field that a client sends, whichever it names", related=entered(client))
            return


_MODEL = re.compile(r"(?:^|\.)(?:models?|entities|tables|orm|db)(?:\.|$)")
# Classes by the names of what reads bodies and writes answers.
_ANSWERS = re.compile(r"(?:Dto|DTO|Response|Request|Schema|Serializer|Form|Settings|In|Out|Create|Update|Read|Error|Exception)$")


@check(
    "PRD472",
    on=[every(Module)],
    required_literals=[("request", "models"), ("request", "entities"), ("request", "tables"), ("request", "setattr")],
    files=["python"],
)
def written_by_name(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`User(**request.json)` of a module called models, and `for name, value in request.json.items(): setattr(user, name, value)`."""
    data = module.source.data
    if b"**" not in data and b"setattr" not in data:
        return
    evaluator = context.values(module)
    for call in module.calls():
        if call.name == "setattr" and len(call.arguments) == 3:
            client = _looped_over(call, evaluator)
            if client is not None:
                words = "`setattr` writes every field that a client sends, whichever it names"
                yield Diagnostic(call, words, related=entered(client))
        elif (
            call.spreads
            and isinstance(call.function, (Name, Attribute))
            and call.method[:1].isupper()
            and _MODEL.search(call.name)
            and not _ANSWERS.search(call.method)
        ):
            client = next((found for spread in call.spreads if (found := _raw_client(spread, call.module, evaluator)) is not None), None)
            if client is not None:
                words = f"`{call.method}` is made of every field that a client sends, whichever it names"
                yield Diagnostic(call, words, related=entered(client))


def _looped_over(call: Call, evaluator: Values) -> Client | None:
    """The client whose pairs a loop around a `setattr` goes over, where nothing in it asks for the name."""
    function = enclosing(call, call.module)
    for loop in statements_in(function.body) if function is not None else ():
        if loop.kind != "for" or not loop.expressions or not (loop.start <= call.start < loop.end):
            continue
        pairs = loop.expressions[0]
        if (
            isinstance(pairs, Call)
            and pairs.method == "items"
            and pairs.receiver is not None
            and not any(one.kind == "if" for one in loop.body)
        ):
            return _raw_client(pairs.receiver, call.module, evaluator)
    return None


_WITH_ALL_FIELDS = ("ModelForm", "ModelSerializer", "HyperlinkedModelSerializer", "ModelFormMixin", "ModelSchema")
_VIEWS = ("CreateView", "UpdateView")


@check("PRD472", on=[every(Assignment)], required_literals=["__all__"], verbatim=True, files=["python"])
def every_field(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`fields = "__all__"` of a form or serializer: a field that the model gets next year can be written too."""
    if fact.target != "fields" or not (isinstance(fact.value, Constant) and fact.value.value == "__all__"):
        return
    holder = enclosing_class(fact)
    if holder is None:
        return
    bases = tuple(base.rpartition(".")[2] for base in holder.bases)
    if any(base.endswith(_WITH_ALL_FIELDS) or base in _VIEWS for base in bases):
        yield Diagnostic(fact.value, f'`fields = "__all__"` lets a client write every field of the model of `{holder.name}`')


def enclosing_class(fact: Assignment) -> Class | None:
    """The class of a view, or the one around `class Meta`, in which a field is set."""
    around = [one for one in fact.module.classes() if one.start <= fact.start < one.end]
    around.sort(key=lambda one: one.start)
    if around and around[-1].name == "Meta":
        around.pop()
    return around[-1] if around else None
