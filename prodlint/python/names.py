"""What the names of a Python file stand for: imports, and names bound to calls or to other names."""

from __future__ import annotations

import builtins
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import tree_sitter

from prodlint.facts import Import
from prodlint.python.grammar import DEPTH_LIMIT, children_of, field, first_child, kind, unwrapped
from prodlint.python.imported import absolute

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

_FUNCTION, _ARGUMENTS, _OBJECT, _ATTRIBUTE, _VALUE = (
    field("function"),
    field("arguments"),
    field("object"),
    field("attribute"),
    field("value"),
)
_NAME, _ALIAS, _MODULE_NAME = field("name"), field("alias"), field("module_name")
_LEFT, _RIGHT = field("left"), field("right")
_ASSIGNMENT, _NAMED = kind("assignment"), kind("named_expression")
_IDENTIFIER, _ATTRIBUTE_NODE, _CALL, _SUBSCRIPT, _AWAIT = (
    kind("identifier"),
    kind("attribute"),
    kind("call"),
    kind("subscript"),
    kind("await"),
)
_ARGUMENT_LIST, _FROM, _FUTURE = kind("argument_list"), kind("import_from_statement"), kind("future_import_statement")
_MODULE = kind("module")
_ALIASED, _RELATIVE, _WILDCARD, _TARGET = (
    kind("aliased_import"),
    kind("relative_import"),
    kind("wildcard_import"),
    kind("as_pattern_target"),
)

_BUILTINS = frozenset(vars(builtins))
_BUILTIN_EXCEPTIONS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)
_PARTIALS = ("functools.partial", "functools.partialmethod")

# A value bound to a name: what binds it, in its three spellings.
BOUND = """
(assignment left: [(identifier) (attribute)] right: [(call) (await) (parenthesized_expression) (identifier) (attribute)]) @bound
(named_expression value: [(call) (await) (parenthesized_expression)]) @bound
(as_pattern . [(call) (await) (parenthesized_expression)]) @bound
"""

# Where an identifier is bound, imports aside.
BINDS = """
(assignment left: (identifier) @binds) (for_statement left: (identifier) @binds) (for_in_clause left: (identifier) @binds)
(named_expression name: (identifier) @binds) (as_pattern_target (identifier) @binds)
(parameters (identifier) @binds) (lambda_parameters (identifier) @binds) (typed_parameter (identifier) @binds)
(default_parameter name: (identifier) @binds) (typed_default_parameter name: (identifier) @binds)
"""

_POSITION = attrgetter("position")

# A name, and the call that made what it is an attribute of where that is known.
Qualified = tuple[str, "tree_sitter.Node | None"]


class _Where(NamedTuple):
    """What an import statement says of all its names (see Import)."""

    typing_only: bool
    in_block: bool
    is_relative: bool


class Binding:
    """A name bound to the result of a call, or to another name (`get = requests.get`), and the byte range in which it holds."""

    __slots__ = ("end", "position", "start", "value")

    def __init__(self, start: int, end: int, position: int, value: tree_sitter.Node) -> None:
        self.start = start
        self.end = end
        self.position = position
        self.value = value


class Names:
    """The names of a file. Each call's name is found once."""

    def __init__(self, module: PyModule) -> None:
        self.module = module
        self._imports: list[Import] | None = None
        self._aliases: dict[str, str] | None = None
        self._written: dict[int, dict[str, str]] | None = None
        self._hides: dict[str, list[tuple[int, int]]] | None = None
        self._bindings: dict[str, list[Binding]] | None = None
        self._scoped: dict[str, dict[tuple[int, int], list[Binding]]] = {}
        self._other: frozenset[str] | None = None
        self._calls: dict[int, Qualified] = {}
        self._resolving: set[int] = set()
        # What names of the project's own modules stand for outside of it, and the modules and packages that they are written with.
        self._outside: Mapping[str, str] = {}
        self._inside: frozenset[str] = frozenset()

    def follow(self, outside: Mapping[str, str]) -> bool:
        """Take what imported names of the project's own modules stand for (`{"app.http.requests": "requests"}`). False where names were
        asked for before, and got another answer."""
        if outside == self._outside:
            return True
        if self._aliases is not None:
            return False
        self._outside = outside
        self._inside = frozenset(name.rpartition(".")[0] for name in outside)
        return True

    def _meaning(self, name: str) -> str:
        """A qualified name without the project's modules through which it was imported."""
        if self._outside:
            head, rest = name, ""
            while head:
                known = self._outside.get(head)
                if known is not None:
                    return known + rest
                if head in self._inside:
                    break
                head = head.rpartition(".")[0]
                rest = name[len(head) :]
        return name

    # ------------------------------------------------------------ imported names

    def import_facts(self) -> list[Import]:
        """Every imported name of the file, in order."""
        if self._imports is None:
            self._imports = [fact for node in self.module.surveyed.get("import", ()) for fact in self._read(node)]
        return self._imports

    def _read(self, node: tree_sitter.Node) -> Iterator[Import]:
        typing_only = node.start_point[1] > 0 and "type-checking" in self.module.scope_at(node.start_byte).guards
        if node.kind_id == _FUTURE:
            base: str | None = "__future__"
        elif node.kind_id == _FROM:
            module = node.child_by_field_id(_MODULE_NAME)
            base = absolute(self._compact(module), self.module.file.path) if module is not None else ""
        else:
            base = None
        names = node.children_by_field_name("name")
        where = _Where(typing_only, node.parent is not None and node.parent.kind_id != _MODULE, base is not None and _is_relative(node))
        if base is not None and not names and any(child.kind_id == _WILDCARD for child in node.children):
            yield self._fact(node, base, "*", "*", where)
        for name in names:
            alias = ""
            target = name
            if name.kind_id == _ALIASED:
                inner, as_ = name.child_by_field_id(_NAME), name.child_by_field_id(_ALIAS)
                if inner is None or as_ is None:
                    continue
                target, alias = inner, self.module.read(as_)
            words = self._compact(target)
            if base is None:
                yield self._fact(name, words, "", alias or words, where)
            else:
                yield self._fact(name, base, words, alias or words, where)

    def _compact(self, node: tree_sitter.Node) -> str:
        """A dotted name without the blanks and comments that may stand in it."""
        return "".join(self.module.plain(node).split())

    def _fact(self, node: tree_sitter.Node, module: str, name: str, alias: str, where: _Where) -> Import:
        fact = Import(self.module.source, self.module.file, node.start_byte, node.end_byte)
        fact.module, fact.name, fact.alias = module, name, alias
        fact.typing_only, fact.in_block, fact.is_relative = where
        return fact

    @property
    def imports(self) -> Mapping[str, str]:
        """Name used here -> qualified name, of every import in the file."""
        if self._aliases is None:
            aliases: dict[str, str] = {}
            for fact in self.import_facts():
                if fact.name == "":
                    if fact.alias == fact.module:
                        first = fact.module.split(".", 1)[0]
                        aliases.setdefault(first, first)
                    else:
                        aliases[fact.alias] = fact.module
                elif fact.name != "*":
                    aliases[fact.alias] = self._meaning(fact.qualified)
                elif fact.module in self._inside:
                    for name, meaning in self._outside.items():
                        if name.rpartition(".")[0] == fact.module:
                            aliases.setdefault(name.rpartition(".")[2], meaning)
            self._aliases = aliases
        return self._aliases

    def imported_at(self, offset: int) -> Mapping[str, str]:
        """What each name imported around an offset stands for, wherever the file lies: what comes by a relative import has its
        bare name. What another function imports for itself is none of them."""
        if self._written is None:
            self._written = {}
            for node in self.module.surveyed.get("import", ()):
                relative = _is_relative(node)
                around = self.module.scopes.definition(node.start_byte)
                names = self._written.setdefault(around.start if around is not None else -1, {})
                for fact in self._read(node):
                    if fact.name == "" and fact.alias != fact.module:
                        names[fact.alias] = fact.module
                    elif fact.name not in ("", "*"):
                        names[fact.alias] = fact.name if relative else fact.qualified
        found: Mapping[str, str] = self._written.get(-1, {})
        block = self.module.scopes.innermost(offset)
        local: list[Mapping[str, str]] = []
        while block is not None:
            if block.start in self._written:
                local.append(self._written[block.start])
            block = block.parent
        for closer in reversed(local):
            found = {**found, **closer}
        return found

    def imported(self, name: str, offset: int) -> str | None:
        """What a name means at an offset by the file's imports; None where it is not imported, or where a function around the place
        binds it itself: a parameter called `jwt` is not the library."""
        known = self.imports.get(name)
        if known is None:
            return None
        for start, end in self._hidden.get(name, ()):
            if start <= offset < end:
                return None
        return known

    def unimported(self, name: str) -> str:
        """A name that no import and no call explains: an imported name that a function binds itself is marked, so that nobody takes it
        for the library's."""
        return f"<local>.{name}" if name in self.imports else name

    @property
    def _hidden(self) -> dict[str, list[tuple[int, int]]]:
        """Imported names that functions bind themselves: the ranges in which each is no import."""
        if self._hides is None:
            self._hides = {}
            for node in self.module.surveyed.get("binds", ()) if self.imports else ():
                name = self.module.read(node)
                if name in self.imports:
                    block = self.module.scopes.definition(node.start_byte)
                    if block is not None and not block.is_class:
                        self._hides.setdefault(name, []).append((block.start, block.end))
        return self._hides

    # ------------------------------------------------------------ qualified names

    def qualified(self, node: tree_sitter.Node) -> Qualified:
        """The qualified name of an expression node, and the call that made its receiver where that is known."""
        node = unwrapped(node)
        number = node.kind_id
        if number == _IDENTIFIER:
            written = self.module.read(node)
            known = self.imported(written, node.start_byte)
            if known is not None:
                return known, None
            binding = self._binding(written, node.start_byte)
            return self._stands_for(binding) if binding is not None else (self.unimported(written), None)
        if number == _ATTRIBUTE_NODE:
            written = self.module.dotted(node)
            if written:
                return self._dotted(written, node.start_byte)
            return self._attribute(node)
        if number == _CALL:
            return self.of_call(node)[0], node
        if number == _SUBSCRIPT:
            value = node.child_by_field_id(_VALUE)
            return (f"{self.qualified(value)[0]}[]" if value is not None else "<subscript>"), None
        return f"<{node.type}>", None

    def _attribute(self, node: tree_sitter.Node) -> Qualified:
        """The name of an attribute of something that is no name."""
        receiver = node.child_by_field_id(_OBJECT)
        attribute = node.child_by_field_id(_ATTRIBUTE)
        last = self.module.read(attribute) if attribute is not None else ""
        if receiver is None:
            return last, None
        inner = awaited(receiver)
        number = inner.kind_id
        if number == _CALL:
            return f"{self.of_call(inner)[0]}.{last}", inner
        if number == _ATTRIBUTE_NODE:
            name, call = self.qualified(inner)
            return f"{name}.{last}", call
        if number == _SUBSCRIPT:
            value = inner.child_by_field_id(_VALUE)
            name = self.qualified(value)[0] if value is not None else ""
            return f"{name}[].{last}", None
        return f"<{inner.type}>.{last}", None

    def _dotted(self, written: str, at: int) -> Qualified:
        first, _, rest = written.partition(".")
        known = self.imported(first, at)
        if known is not None:
            # `import a.b as c` and `from x import client`; a module-level `client = x.Client()` elsewhere is not followed.
            return (written if first in ("self", "cls") else self._meaning(f"{known}.{rest}")), None
        head, binding = self._bound_head(written, at)
        if binding is not None:
            name, call = self._stands_for(binding)
            return name + written[head:], call
        return f"{self.unimported(first)}.{rest}", None

    def _bound_head(self, written: str, at: int) -> tuple[int, Binding | None]:
        """Of a dotted name the longest head that is bound to something known: where it ends, and the binding."""
        bindings = self.bindings
        if not bindings:
            return 0, None
        head = written
        while "." in head:
            head = head.rpartition(".")[0]
            if head in bindings and (binding := self._binding(head, at)) is not None:
                return len(head), binding
        first, _, rest = written.partition(".")
        if first in ("self", "cls"):
            attribute = rest.split(".", 1)[0]
            binding = self._class_binding(attribute, at)
            if binding is not None:
                return len(first) + 1 + len(attribute), binding
        return 0, None

    def original(self, node: tree_sitter.Node, steps: int = 0) -> tree_sitter.Node:
        """What a name was bound to where it is another name (`log = logger.info`, `log = partial(logger.info)`), through several steps; the
        node itself otherwise."""
        node = unwrapped(node)
        if node.kind_id not in (_IDENTIFIER, _ATTRIBUTE_NODE) or steps > DEPTH_LIMIT:
            return node
        written = self.module.dotted(node)
        if not written or written not in self.bindings or self.imported(written.partition(".")[0], node.start_byte) is not None:
            return node
        binding = self._binding(written, node.start_byte)
        if binding is None:
            return node
        if binding.value.kind_id != _CALL:
            return self.original(binding.value, steps + 1)
        inside = first_argument(binding.value) if self.is_partial(binding.value) else None
        return self.original(inside, steps + 1) if inside is not None else node

    def is_imported(self, node: tree_sitter.Node, steps: int = 0) -> bool:
        """Whether an expression leads back to something that the file imports: by its first name, or by what that is bound to."""
        node = awaited(node)
        if steps > DEPTH_LIMIT:
            return False
        if node.kind_id == _CALL:
            function = node.child_by_field_id(_FUNCTION)
            return function is not None and self.is_imported(function, steps + 1)
        if node.kind_id in (_IDENTIFIER, _ATTRIBUTE_NODE):
            written = self.module.dotted(node)
            if written:
                if self.imported(written.partition(".")[0], node.start_byte) is not None:
                    return True
                binding = self._binding(written, node.start_byte) or self._bound_head(written, node.start_byte)[1]
                return binding is not None and self.is_imported(binding.value, steps + 1)
        inner = node.child_by_field_id(_OBJECT) or node.child_by_field_id(_VALUE)
        return inner is not None and self.is_imported(inner, steps + 1)

    def _stands_for(self, binding: Binding) -> Qualified:
        """The qualified name that a bound name stands for, and the call that made it where one did."""
        value = binding.value
        if value.kind_id == _CALL:
            return self.of_call(value)[0], value
        if value.id in self._resolving or len(self._resolving) > DEPTH_LIMIT:
            return "<recursive>", None
        self._resolving.add(value.id)
        try:
            return self.qualified(value)
        finally:
            self._resolving.discard(value.id)

    def of_call(self, call: tree_sitter.Node) -> Qualified:
        """A call's qualified name and the call that made its receiver."""
        known = self._calls.get(call.id)
        if known is not None:
            return known
        if call.id in self._resolving or len(self._resolving) > DEPTH_LIMIT:
            return "<recursive>", None
        self._resolving.add(call.id)
        try:
            function = call.child_by_field_id(_FUNCTION)
            result: Qualified = self.qualified(function) if function is not None else ("<call>", None)
            if result[0] in _PARTIALS and result[1] is not None:
                # A call *of* the partial stands for the function inside; the partial itself keeps its name
                # where it is made, so that `partial(f, timeout=5)` is never taken for a call of f.
                first = first_argument(result[1])
                if first is not None:
                    result = (self.qualified(first)[0], result[1])
        finally:
            self._resolving.discard(call.id)
        self._calls[call.id] = result
        return result

    def is_partial(self, call: tree_sitter.Node) -> bool:
        """Whether a call makes a `functools.partial`."""
        function = call.child_by_field_id(_FUNCTION)
        name, made = self.qualified(function) if function is not None else ("", None)
        return name in _PARTIALS and made is None  # a call of what a partial made is none itself

    def exception(self, node: tree_sitter.Node) -> str:
        """The name of an exception. Built-in ones go by their own name; nobody rebinds them, and looking would read the whole file."""
        node = unwrapped(node)
        if node.kind_id == _IDENTIFIER:
            written = self.module.read(node)
            if written in _BUILTIN_EXCEPTIONS:
                return written
        return self.qualified(node)[0]

    # ------------------------------------------------------------ bindings

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        """Names bound to the result of a call or to a known name, with the range of the scope in which they hold."""
        if self._bindings is None:
            self._bindings = {}
            named: list[tuple[str, tree_sitter.Node, tree_sitter.Node]] = []
            for node in self.module.surveyed.get("bound", ()):
                parts = _bound_by(node)
                if parts is None:
                    continue
                target, value = parts
                name = self.module.dotted(target)
                if name and value.kind_id == _CALL:
                    self._bind(name, target, value)
                elif name and value.kind_id in (_IDENTIFIER, _ATTRIBUTE_NODE):
                    named.append((name, target, value))
            # `log = logger.info` may stand before or behind `say = log`: again until nothing more is known.
            while named:
                known = frozenset(self._bindings)
                left = []
                for name, target, value in named:
                    if self._names_something(value, name, known):
                        self._bind(name, target, value)
                    else:
                        left.append((name, target, value))
                if len(left) == len(named) or known == frozenset(self._bindings):
                    break
                named = left
            for others in self._bindings.values():
                others.sort(key=_POSITION)
        return self._bindings

    def _bind(self, name: str, target: tree_sitter.Node, value: tree_sitter.Node) -> None:
        assert self._bindings is not None
        start, end = self._reach(target.start_byte, name.startswith(("self.", "cls.")))
        self._bindings.setdefault(name, []).append(Binding(start, end, target.start_byte, value))

    def _names_something(self, value: tree_sitter.Node, bound: str, known: frozenset[str]) -> bool:
        """Whether a value is the name of something imported, built in, or made by a call: a name bound to it then stands for that."""
        written = self.module.dotted(value)
        first, _, rest = written.partition(".")
        if not first or first == bound:
            return False
        if first in self.imports:
            return True
        if written in known:
            return True
        return first in _BUILTINS if not rest else written.rpartition(".")[0] in known

    @property
    def other_names(self) -> frozenset[str]:
        """The last parts of names that may stand for something with another last part: imported `as`, or bound to a name or a partial."""
        if self._other is None:
            found = {alias for alias, name in self.imports.items() if name.rpartition(".")[2] != alias}
            found |= {last for name, meaning in self._outside.items() if (last := name.rpartition(".")[2]) != meaning.rpartition(".")[2]}
            for name, bindings in self.bindings.items():
                if any(binding.value.kind_id != _CALL or self.is_partial(binding.value) for binding in bindings):
                    found.add(name.rpartition(".")[2])
            self._other = frozenset(found)
        return self._other

    def _reach(self, offset: int, of_class: bool) -> tuple[int, int]:
        block = self.module.scopes.innermost(offset)
        while block is not None:
            if block.kind == "def" and (block.is_class or not of_class):
                return block.start, block.end
            block = block.parent
        return 0, len(self.module.data)

    def _binding(self, name: str, at: int) -> Binding | None:
        """The binding of a name that holds at an offset: the last one before it in the innermost scope that has one."""
        if name not in self.bindings:
            return None
        found = self._by_scope(name)
        of_class = name.startswith(("self.", "cls."))
        block = self.module.scopes.innermost(at)
        while block is not None and (block.start, block.end) not in found:
            block = block.parent
        known = found.get((block.start, block.end) if block is not None else (0, len(self.module.data)))
        best: Binding | None = None
        if known is not None:
            best = known[-1] if of_class else known[max(bisect_right(known, at, key=_POSITION) - 1, 0)]
        if best is None or best.value.start_byte <= at < best.value.end_byte:
            return None
        scope_at = self.module.scope_at
        if best.position > at and not of_class and scope_at(at).symbol == scope_at(best.position).symbol:
            return None
        if name.isidentifier() and self._shadowed(name, at, best):
            return None
        return best

    def _by_scope(self, name: str) -> dict[tuple[int, int], list[Binding]]:
        """The bindings of a name by the byte range of the scope that has them, each list in order."""
        found = self._scoped.get(name)
        if found is None:
            found = self._scoped[name] = {}
            for binding in self.bindings[name]:
                found.setdefault((binding.start, binding.end), []).append(binding)
        return found

    def _class_binding(self, attribute: str, at: int) -> Binding | None:
        """`client = Client()` in the class body, for `self.client`."""
        for binding in self.bindings.get(attribute, ()):
            block = self.module.scopes.innermost(binding.position)
            if block is not None and block.is_class and block.start <= at < block.end:
                return binding
        return None

    def _shadowed(self, name: str, at: int, binding: Binding) -> bool:
        """Whether a parameter of an inner function takes the name away from an outer binding."""
        block = self.module.scopes.innermost(at)
        while block is not None and block.start > binding.start:
            if block.kind == "def" and not block.is_class and name in self.parameters(block.node):
                return True
            block = block.parent
        return False

    def parameters(self, definition: tree_sitter.Node) -> list[str]:
        """The names of a function's or lambda's parameters."""
        holder = definition.child_by_field_name("parameters")
        found = []
        for parameter in children_of(holder) if holder is not None else ():
            bare: tree_sitter.Node | None = parameter.child_by_field_id(_NAME) or parameter
            while bare is not None and bare.kind_id != _IDENTIFIER:
                bare = first_child(bare)
            if bare is not None:
                found.append(self.module.read(bare))
        return found


def _is_relative(node: tree_sitter.Node) -> bool:
    """Whether an import statement names its module by dots."""
    module = node.child_by_field_id(_MODULE_NAME) if node.kind_id == _FROM else None
    return module is not None and module.kind_id == _RELATIVE


def _bound_by(node: tree_sitter.Node) -> tuple[tree_sitter.Node, tree_sitter.Node] | None:
    """The target and the value of what binds a name."""
    if node.kind_id == _ASSIGNMENT:
        target, value = node.child_by_field_id(_LEFT), node.child_by_field_id(_RIGHT)
    elif node.kind_id == _NAMED:
        target, value = node.child_by_field_id(_NAME), node.child_by_field_id(_VALUE)
    else:
        alias, value = node.child_by_field_id(_ALIAS), first_child(node)
        target = first_child(alias) or alias if alias is not None and alias.kind_id == _TARGET else None
    return (target, awaited(value)) if target is not None and value is not None else None


def awaited(node: tree_sitter.Node) -> tree_sitter.Node:
    """What is awaited, without brackets; the node itself where nothing is."""
    node = unwrapped(node)
    while node.kind_id == _AWAIT and (inner := first_child(node)) is not None:
        node = unwrapped(inner)
    return node


def first_argument(call: tree_sitter.Node) -> tree_sitter.Node | None:
    """The first argument of a call."""
    arguments = call.child_by_field_id(_ARGUMENTS)
    return first_child(arguments) if arguments is not None and arguments.kind_id == _ARGUMENT_LIST else None
