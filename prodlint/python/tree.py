"""Python syntax, read with tree-sitter, and turned into the expressions and statements of `prodlint.facts` when asked.

Nothing here is made for the whole file unless a rule asks for it: a tree of 50,000 nodes costs 5 ms to parse and would
cost a hundred times that to copy into Python objects.
"""

from __future__ import annotations

import ast
import builtins
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.machinery import PathFinder
from operator import attrgetter
from typing import Any

import tree_sitter

from prodlint.facts import (
    Assignment,
    Attribute,
    Call,
    Class,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    Fact,
    File,
    FString,
    Function,
    Handler,
    Import,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Parameter,
    Scope,
    Source,
    Statement,
    Subscript,
    encodable,
)


def _language() -> object:
    """The grammar. Its package imports `importlib.resources` for queries that nobody asks for, a tenth of a run over one
    small file; so its extension module is loaded by itself, and the package where that fails."""
    package = PathFinder.find_spec("tree_sitter_python")
    inside = package.submodule_search_locations if package is not None else None
    binding = PathFinder.find_spec("tree_sitter_python._binding", inside) if inside is not None else None
    if binding is None or binding.loader is None:
        from tree_sitter_python import language

        return language()
    module = binding.loader.create_module(binding)
    if module is None:
        from tree_sitter_python import language

        return language()
    binding.loader.exec_module(module)
    return module.language()


LANGUAGE = tree_sitter.Language(_language())

# Deeper nesting than this is never written by hand; it becomes Other("deep") so that no input exhausts the stack.
DEPTH_LIMIT = 120

_STRING_PREFIX_END = {34, 39}  # " and '


_START = attrgetter("start_byte")


def unwrapped(node: tree_sitter.Node) -> tree_sitter.Node:
    """A node without the brackets around it."""
    while node.type == "parenthesized_expression":
        inner = [child for child in node.named_children if child.type != "comment"]
        if len(inner) != 1:
            break
        node = inner[0]
    return node


@cache
def query(text: str) -> tree_sitter.Query:
    """A compiled query."""
    made: tree_sitter.Query = tree_sitter.Query(LANGUAGE, text)
    return made


def captures(text: str, node: tree_sitter.Node) -> dict[str, list[tree_sitter.Node]]:
    """The nodes that a query finds at or under a node, by capture name, in document order."""
    found = tree_sitter.QueryCursor(query(text)).captures(node)
    for nodes in found.values():
        nodes.sort(key=_START)
    return found


def nodes_at(root: tree_sitter.Node, offsets: Sequence[int], kinds: frozenset[str]) -> list[tree_sitter.Node]:
    """The nodes of some kinds that one of the byte offsets lies in, in document order: a query would look at all others too."""
    found: dict[int, tree_sitter.Node] = {}
    for offset in offsets:
        cursor = root.walk()
        while cursor.goto_first_child_for_byte(offset) is not None:
            node = cursor.node
            if node is None or node.start_byte > offset:
                break
            if node.type in kinds:
                found[node.id] = node
    return sorted(found.values(), key=_extent)


def _extent(node: tree_sitter.Node) -> tuple[int, int]:
    return node.start_byte, -node.end_byte


# What nearly every look at a file needs, found in one pass over the tree: imports, and what scopes are made of.
_SURVEY = """
[(import_statement) (import_from_statement) (future_import_statement)] @import
(function_definition) @def (class_definition) @def (lambda) @def
(for_statement) @loop (while_statement) @loop (if_statement) @if (elif_clause) @if (except_clause) @except
"""


# `name = `, `name: type =` at the start of a line; `(name := `.
_BOUND_FIRST = re.compile(rb"\n[ \t]*([\w.\x80-\xff]+)[ \t]*(?::[^=\n]*)?=")
_BOUND_INSIDE = re.compile(rb"\(([\w.\x80-\xff]+)[ \t]*:=")


class _Block:
    """A definition, loop, condition or handler: what `Scope` is made of."""

    __slots__ = ("end", "kind", "node", "parent", "start")

    def __init__(self, start: int, end: int, kind: str, node: tree_sitter.Node, parent: _Block | None) -> None:
        self.start = start
        self.end = end
        self.kind = kind
        self.node = node
        self.parent = parent


class _Binding:
    """A name bound to the result of a call, or to another name (`get = requests.get`), and the byte range in which it holds."""

    __slots__ = ("end", "position", "start", "value")

    def __init__(self, start: int, end: int, position: int, value: tree_sitter.Node) -> None:
        self.start = start
        self.end = end
        self.position = position
        self.value = value


_COMMENT_LINES = re.compile(rb"^(?:[ \t]*#[^\n]*(?:\n|\Z))+", re.MULTILINE)
# Behind each comment the grammar's scanner looks over all that follow: 8,000 in a row cost 20 s, a hundred nothing.
_LONGEST_RUN = 200
_KEPT_OF_RUN = 100


def _parsed(data: bytes) -> tuple[tree_sitter.Tree, list[tuple[int, int]]]:
    """The tree of a file, and the byte ranges of whole lines of comments that are left out of it: the rest of runs that are very long."""
    left_out = _rest_of_long_runs(data) if data.count(b"#") > _LONGEST_RUN else []
    parser = tree_sitter.Parser(LANGUAGE)
    if left_out:
        bounds = [0, *(place for run in left_out for place in run), len(data)]
        points = [tree_sitter.Point(data.count(b"\n", 0, place), 0) for place in bounds[:-1]]
        points.append(tree_sitter.Point(data.count(b"\n"), len(data) - (data.rfind(b"\n") + 1)))
        pairs = list(zip(points, bounds, strict=True))
        parser.included_ranges = [
            tree_sitter.Range(first, last, start, end) for (first, start), (last, end) in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        tree = parser.parse(data)
        # Lines that look like comments may be those of a string.
        if not any(_is_in_string(tree.root_node, start) for start, _ in left_out):
            return tree, left_out
        parser = tree_sitter.Parser(LANGUAGE)
    return parser.parse(data), []


def _rest_of_long_runs(data: bytes) -> list[tuple[int, int]]:
    found = []
    for run in _COMMENT_LINES.finditer(data):
        if run[0].count(b"\n") > _LONGEST_RUN:
            start = run.start()
            for _ in range(_KEPT_OF_RUN):
                start = data.index(b"\n", start) + 1
            found.append((start, run.end()))
    return found


def _is_in_string(root: tree_sitter.Node, offset: int) -> bool:
    node = root.descendant_for_byte_range(offset - 1, offset + 1)
    return node is not None and node.type in ("string_content", "string", "ERROR")


class PyModule(Module):
    """A parsed Python file."""

    __slots__ = (
        "_aliases",
        "_assigned",
        "_bindings",
        "_blocks",
        "_body",
        "_bound",
        "_calls",
        "_classes",
        "_functions",
        "_imports",
        "_local",
        "_names",
        "_other_names",
        "_resolving",
        "_roles",
        "_starts",
        "_statements",
        "_survey",
        "_written_imports",
        "data",
        "derived",
        "root",
        "tree",
        "unparsed_comments",
    )

    def __init__(self, source: Source, file: File) -> None:
        super().__init__(source, file, 0, len(source.data))
        self.data = source.data
        self.derived: dict[str, object] = {}
        self.tree, self.unparsed_comments = _parsed(source.data)
        self.root = self.tree.root_node
        self._other_names: frozenset[str] | None = None
        self._survey: dict[str, list[tree_sitter.Node]] | None = None
        self._imports: list[Import] | None = None
        self._aliases: dict[str, str] | None = None
        self._blocks: list[_Block] | None = None
        self._starts: list[int] = []
        self._bindings: dict[str, list[_Binding]] | None = None
        self._names: dict[int, tuple[str, tree_sitter.Node | None]] = {}
        self._resolving: set[int] = set()
        self._roles: dict[int, tuple[str, str]] = {}
        self._statements: list[tree_sitter.Node] | None = None
        self._written_imports: dict[int, dict[str, str]] | None = None
        self._body: tuple[Statement, ...] | None = None
        self._bound: frozenset[str] | None = None
        self._functions: list[Function] | None = None
        self._classes: list[Class] | None = None
        self._calls: list[Call] | None = None
        self._assigned: dict[str, list[Assignment]] | None = None
        self._local: dict[int, dict[str, list[Assignment]]] = {}

    # ------------------------------------------------------------ text and names

    @property
    def bound_names(self) -> frozenset[str]:
        """The names that the text binds somewhere, as far as a look at its lines tells: one pass, however many names are asked for."""
        if self._bound is None:
            found = _BOUND_FIRST.findall(b"\n" + self.data) + _BOUND_INSIDE.findall(self.data)
            self._bound = frozenset(name.decode("utf-8", "replace") for name in set(found))
        return self._bound

    def read(self, node: tree_sitter.Node) -> str:
        """A node's text."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def dotted(self, node: tree_sitter.Node) -> str:
        """`a.b.c` for a chain of attributes of a name, else nothing. Blanks and line breaks inside are dropped."""
        parts: list[str] = []
        current: tree_sitter.Node | None = unwrapped(node)
        while current is not None and current.type == "attribute":
            attribute = current.child_by_field_name("attribute")
            parts.append(self.read(attribute) if attribute is not None else "")
            current = current.child_by_field_name("object")
            current = unwrapped(current) if current is not None else None
        if current is None or current.type != "identifier":
            return ""
        parts.append(self.read(current))
        parts.reverse()
        return ".".join(parts)

    @property
    def _surveyed(self) -> dict[str, list[tree_sitter.Node]]:
        if self._survey is None:
            self._survey = captures(_SURVEY, self.root)
        return self._survey

    def handlers(self) -> list[tree_sitter.Node]:
        """Every except clause, in order."""
        return self._surveyed.get("except", [])

    def import_facts(self) -> list[Import]:
        """Every imported name of the file, in order."""
        if self._imports is None:
            self._imports = [fact for node in self._surveyed.get("import", ()) for fact in self._read_import(node)]
        return self._imports

    def _read_import(self, node: tree_sitter.Node) -> Iterator[Import]:
        typing_only = False
        if node.start_point[1] > 0:
            typing_only = "type-checking" in self.scope_at(node.start_byte).guards
        if node.type == "future_import_statement":
            base: str | None = "__future__"
        elif node.type == "import_from_statement":
            module = node.child_by_field_name("module_name")
            base = self._module_name(self.read(module)) if module is not None else ""
        else:
            base = None
        names = node.children_by_field_name("name")
        if base is not None and not names and any(child.type == "wildcard_import" for child in node.children):
            yield self._import(node, base, "*", "*", typing_only)
        for name in names:
            alias = ""
            target = name
            if name.type == "aliased_import":
                inner, as_ = name.child_by_field_name("name"), name.child_by_field_name("alias")
                if inner is None or as_ is None:
                    continue
                target, alias = inner, self.read(as_)
            words = "".join(self.read(target).split())
            if base is None:
                yield self._import(name, words, "", alias or words, typing_only)
            else:
                yield self._import(name, base, words, alias or words, typing_only)

    def _import(self, node: tree_sitter.Node, module: str, name: str, alias: str, typing_only: bool) -> Import:
        fact = Import(self.source, self.file, node.start_byte, node.end_byte)
        fact.module, fact.name, fact.alias, fact.typing_only = module, name, alias, typing_only
        return fact

    def _module_name(self, source_text: str) -> str:
        """A module's absolute name; a relative one is resolved as far as the file's path tells."""
        source_text = "".join(source_text.split())
        if not source_text.startswith("."):
            return source_text
        level = len(source_text) - len(source_text.lstrip("."))
        parts = self.file.path.rsplit(".", 1)[0].split("/")
        package = parts[:-level] if level <= len(parts) else []
        if package and package[0] == "src":
            package = package[1:]
        rest = source_text.lstrip(".")
        return ".".join([*package, rest] if rest else package)

    @property
    def imports(self) -> Mapping[str, str]:
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
                    aliases[fact.alias] = fact.qualified
            self._aliases = aliases
        return self._aliases

    def names_imported(self, offset: int) -> Mapping[str, str]:
        """What each name imported around an offset stands for, wherever the file lies: what comes by a relative import has its
        bare name. What another function imports for itself is none of them."""
        if self._written_imports is None:
            self._written_imports = {}
            for node in self._surveyed.get("import", ()):
                module = node.child_by_field_name("module_name") if node.type == "import_from_statement" else None
                relative = module is not None and module.type == "relative_import"
                names = self._written_imports.setdefault(self._definition_at(node.start_byte), {})
                for fact in self._read_import(node):
                    if fact.name == "" and fact.alias != fact.module:
                        names[fact.alias] = fact.module
                    elif fact.name not in ("", "*"):
                        names[fact.alias] = fact.name if relative else fact.qualified
        found: Mapping[str, str] = self._written_imports.get(-1, {})
        block = self._innermost(offset)
        local: list[Mapping[str, str]] = []
        while block is not None:
            if block.start in self._written_imports:
                local.append(self._written_imports[block.start])
            block = block.parent
        for closer in reversed(local):
            found = {**found, **closer}
        return found

    def _definition_at(self, offset: int) -> int:
        """Where the innermost definition around an offset starts, or -1."""
        block = self._innermost(offset)
        while block is not None and block.kind != "def":
            block = block.parent
        return -1 if block is None else block.start

    @property
    def statements(self) -> list[tree_sitter.Node]:
        """The nodes directly below the root, in order: kept, since asking for them makes them anew."""
        if self._statements is None:
            self._statements = self.root.children
        return self._statements

    def qualified(self, node: tree_sitter.Node) -> tuple[str, tree_sitter.Node | None]:
        """The qualified name of an expression node, and the call that made its receiver where that is known."""
        node = unwrapped(node)
        if node.type == "identifier":
            source_text = self.read(node)
            known = self.imports.get(source_text)
            if known is not None:
                return known, None
            binding = self._binding(source_text, node.start_byte)
            if binding is None:
                return source_text, None
            return self._stands_for(binding)
        if node.type == "attribute":
            # Only the receiver's own resolution is kept; it has a name of its own in `_names`.
            source_text = self.dotted(node)
            if source_text:
                return self._qualified_dotted(source_text, node.start_byte)
            receiver = node.child_by_field_name("object")
            attribute = node.child_by_field_name("attribute")
            last = self.read(attribute) if attribute is not None else ""
            if receiver is None:
                return last, None
            inner = unwrapped(receiver)
            while inner.type == "await" and inner.named_child_count:
                inner = unwrapped(inner.named_children[0])
            if inner.type == "call":
                return f"{self._result_of(inner)}.{last}", inner
            if inner.type == "attribute":
                name, call = self.qualified(inner)
                return f"{name}.{last}", call
            if inner.type == "subscript":
                value = inner.child_by_field_name("value")
                name = self.qualified(value)[0] if value is not None else ""
                return f"{name}[].{last}", None
            return f"<{inner.type}>.{last}", None
        if node.type == "call":
            return self._result_of(node), node
        if node.type == "subscript":
            value = node.child_by_field_name("value")
            return (f"{self.qualified(value)[0]}[]" if value is not None else "<subscript>"), None
        return f"<{node.type}>", None

    def _qualified_dotted(self, source_text: str, at: int) -> tuple[str, tree_sitter.Node | None]:
        first, _, rest = source_text.partition(".")
        known = self.imports.get(first)
        if known is not None:
            if first in ("self", "cls"):
                return source_text, None
            # `import a.b as c` and `from x import client`; a module-level `client = x.Client()` elsewhere is not followed.
            return f"{known}.{rest}", None
        bindings = self.bindings
        if bindings:
            head = source_text
            while "." in head:
                head = head.rpartition(".")[0]
                if head in bindings:
                    binding = self._binding(head, at)
                    if binding is not None:
                        name, call = self._stands_for(binding)
                        return name + source_text[len(head) :], call
            if first in ("self", "cls"):
                attribute = rest.split(".", 1)[0]
                binding = self._class_binding(attribute, at)
                if binding is not None:
                    name, call = self._stands_for(binding)
                    return name + rest[len(attribute) :], call
        return source_text, None

    def _result_of(self, call: tree_sitter.Node) -> str:
        """The name that stands for a call's result: that of the function called, or of what a partial calls."""
        return self.name_of_call(call)[0]

    def _stands_for(self, binding: _Binding) -> tuple[str, tree_sitter.Node | None]:
        """The qualified name that a bound name stands for, and the call that made it where one did."""
        value = binding.value
        if value.type == "call":
            return self._result_of(value), value
        if value.id in self._resolving or len(self._resolving) > DEPTH_LIMIT:
            return "<recursive>", None
        self._resolving.add(value.id)
        try:
            return self.qualified(value)
        finally:
            self._resolving.discard(value.id)

    def name_of_call(self, call: tree_sitter.Node) -> tuple[str, tree_sitter.Node | None]:
        """A call's qualified name and the call that made its receiver. Computed once for each call."""
        known = self._names.get(call.id)
        if known is not None:
            return known
        if call.id in self._resolving or len(self._resolving) > DEPTH_LIMIT:
            return "<recursive>", None
        self._resolving.add(call.id)
        try:
            function = call.child_by_field_name("function")
            if function is None:
                result: tuple[str, tree_sitter.Node | None] = ("<call>", None)
            else:
                result = self.qualified(function)
                if result[0] in _PARTIALS and result[1] is not None:
                    # A call *of* the partial stands for the function inside; the partial itself keeps its name
                    # where it is made, so that `partial(f, timeout=5)` is never taken for a call of f.
                    first = self._first_argument(result[1])
                    if first is not None:
                        result = (self.qualified(first)[0], result[1])
        finally:
            self._resolving.discard(call.id)
        self._names[call.id] = result
        return result

    def _first_argument(self, call: tree_sitter.Node) -> tree_sitter.Node | None:
        arguments = call.child_by_field_name("arguments")
        if arguments is None or arguments.type != "argument_list":
            return None
        for child in arguments.named_children:
            if child.type != "comment":
                return child
        return None

    # ------------------------------------------------------------ bindings

    @property
    def bindings(self) -> dict[str, list[_Binding]]:
        """Names bound to the result of a call or to a known name, with the range of the scope in which they hold."""
        if self._bindings is None:
            self._bindings = {}
            named: list[tuple[str, tree_sitter.Node, tree_sitter.Node]] = []
            found = tree_sitter.QueryCursor(query(_BOUND)).matches(self.root)
            for _, match in found:
                target, value = match["t"][0], unwrapped(match["c"][0])
                while value.type == "await" and value.named_child_count:
                    value = unwrapped(value.named_children[0])
                if target.type == "as_pattern_target":
                    target = target.named_children[0] if target.named_child_count else target
                name = self.dotted(target)
                if name and value.type == "call":
                    self._bind_name(name, target, value)
                elif name and value.type in ("identifier", "attribute"):
                    named.append((name, target, value))
            known = frozenset(self._bindings)
            for name, target, value in named:
                if self._names_something(value, name, known):
                    self._bind_name(name, target, value)
            for others in self._bindings.values():
                others.sort(key=lambda binding: binding.position)
        return self._bindings

    def _bind_name(self, name: str, target: tree_sitter.Node, value: tree_sitter.Node) -> None:
        assert self._bindings is not None
        start, end = self._reach(target.start_byte, name.startswith(("self.", "cls.")))
        self._bindings.setdefault(name, []).append(_Binding(start, end, target.start_byte, value))

    def _names_something(self, value: tree_sitter.Node, bound: str, known: frozenset[str]) -> bool:
        """Whether a value is the name of something imported, built in, or made by a call: a name bound to it then stands for that."""
        written = self.dotted(value)
        first, _, rest = written.partition(".")
        if not first or first == bound:
            return False
        if first in self.imports:
            return True
        return first in _BUILTINS if not rest else written.rpartition(".")[0] in known

    @property
    def other_names(self) -> frozenset[str]:
        """The last parts of names that may stand for something with another last part: imported `as`, or bound to a name or a partial."""
        if self._other_names is None:
            found = {alias for alias, name in self.imports.items() if name.rpartition(".")[2] != alias}
            for name, bindings in self.bindings.items():
                if any(binding.value.type != "call" or self._is_partial(binding.value) for binding in bindings):
                    found.add(name.rpartition(".")[2])
            self._other_names = frozenset(found)
        return self._other_names

    def _is_partial(self, call: tree_sitter.Node) -> bool:
        function = call.child_by_field_name("function")
        return function is not None and self.qualified(function)[0] in _PARTIALS

    def _reach(self, offset: int, of_class: bool) -> tuple[int, int]:
        block = self._innermost(offset)
        while block is not None:
            if block.kind == "def" and (block.node.type == "class_definition") == of_class:
                return block.start, block.end
            if block.kind == "def" and not of_class:
                return block.start, block.end
            block = block.parent
        return 0, len(self.data)

    def _binding(self, name: str, at: int) -> _Binding | None:
        """The binding of a name that holds at an offset: the last one before it in the innermost scope that has one."""
        best: _Binding | None = None
        for binding in self.bindings.get(name, ()):
            if binding.start <= at < binding.end:
                narrower = best is None or binding.end - binding.start < best.end - best.start
                same = best is not None and binding.end - binding.start == best.end - best.start
                if narrower or (same and (binding.position <= at or name.startswith(("self.", "cls.")))):
                    best = binding
        if best is None or best.value.start_byte <= at < best.value.end_byte:
            return None
        if (
            best.position > at
            and not name.startswith(("self.", "cls."))
            and self.scope_at(at).symbol == self.scope_at(best.position).symbol
        ):
            return None
        if name.isidentifier() and self._shadowed(name, at, best):
            return None
        return best

    def _class_binding(self, attribute: str, at: int) -> _Binding | None:
        """`client = Client()` in the class body, for `self.client`."""
        for binding in self.bindings.get(attribute, ()):
            block = self._innermost(binding.position)
            if block is not None and block.node.type == "class_definition" and block.start <= at < block.end:
                return binding
        return None

    def _shadowed(self, name: str, at: int, binding: _Binding) -> bool:
        """Whether a parameter of an inner function takes the name away from an outer binding."""
        block = self._innermost(at)
        while block is not None and block.start > binding.start:
            if block.kind == "def" and block.node.type != "class_definition":
                parameters = block.node.child_by_field_name("parameters")
                if parameters is not None:
                    for parameter in parameters.named_children:
                        bare = parameter.child_by_field_name("name") or (
                            parameter.named_children[0] if parameter.named_child_count else parameter
                        )
                        if self.read(bare) == name:
                            return True
            block = block.parent
        return False

    # ------------------------------------------------------------ scopes

    @property
    def blocks(self) -> list[_Block]:
        """Definitions, loops, conditions and handlers in order of their start."""
        if self._blocks is None:
            found = self._surveyed
            raw = [(node.start_byte, -node.end_byte, kind, node) for kind, nodes in found.items() if kind != "import" for node in nodes]
            raw.sort(key=lambda item: (item[0], item[1]))
            blocks: list[_Block] = []
            stack: list[_Block] = []
            for start, minus_end, kind, node in raw:
                while stack and stack[-1].end <= start:
                    stack.pop()
                block = _Block(start, -minus_end, kind, node, stack[-1] if stack else None)
                blocks.append(block)
                stack.append(block)
            self._blocks = blocks
            self._starts = [block.start for block in blocks]
        return self._blocks

    def _innermost(self, offset: int) -> _Block | None:
        blocks = self.blocks
        index = bisect_right(self._starts, offset) - 1
        block = blocks[index] if index >= 0 else None
        while block is not None and not block.start <= offset < block.end:
            block = block.parent
        return block

    def scope_at(self, offset: int) -> Scope:
        """What surrounds a byte offset. A definition does not surround its own name, decorators or parameters' annotations."""
        scope = Scope()
        names: list[str] = []
        guards: set[str] = set()
        block = self._innermost(offset)
        inside_function = False
        while block is not None:
            node = block.node
            if block.kind == "def":
                body = node.child_by_field_name("body")
                if body is not None and body.start_byte <= offset:
                    if node.type == "class_definition":
                        name = self._name_of(node)
                        names.append(name)
                        scope.class_ = scope.class_ or name
                        inside_function = True
                    elif node.type == "lambda":
                        inside_function = True
                    else:
                        name = self._name_of(node)
                        names.append(name)
                        if not scope.function:
                            scope.function = name
                            scope.is_async = bool(node.children) and node.children[0].type == "async"
                        inside_function = True
            elif block.kind == "loop":
                body = node.child_by_field_name("body")
                if not inside_function and body is not None and body.start_byte <= offset < body.end_byte:
                    scope.in_loop = True
                if node.type == "while_statement" and not inside_function:
                    scope.in_loop = True
            elif block.kind == "except":
                # A clause does not surround itself.
                if not inside_function and block.start < offset:
                    scope.in_handler = True
            elif block.kind == "if":
                consequence = node.child_by_field_name("consequence")
                condition = node.child_by_field_name("condition")
                if consequence is not None and condition is not None:
                    within = consequence.start_byte <= offset < consequence.end_byte
                    guards |= _guards(self.read(condition), within, offset >= consequence.end_byte)
            block = block.parent
        names.reverse()
        scope.symbol = ".".join(names)
        scope.guards = frozenset(guards)
        return scope

    def _name_of(self, definition: tree_sitter.Node) -> str:
        name = definition.child_by_field_name("name")
        return self.read(name) if name is not None else ""

    # ------------------------------------------------------------ statements around a place

    def extent(self, start: int, end: int) -> tuple[int, int]:
        """First and last line (from 1) of the statement around a byte range; of a compound one only its header."""
        node = self.root.descendant_for_byte_range(start, max(start, end - 1))
        while node is not None and not (
            node.type.endswith(("_statement", "_definition")) or node.type in ("except_clause", "decorator", "elif_clause")
        ):
            node = node.parent
        if node is None:
            return self.source.position(start)[0], self.source.position(end)[0]
        first = node.start_point[0] + 1
        last = node.end_point[0] + 1
        body = node.child_by_field_name("body") or node.child_by_field_name("consequence")
        if node.type == "except_clause":
            body = node.named_children[-1] if node.named_child_count else None
        if body is not None and body.start_byte > start:
            last = max(first, body.start_point[0] if body.start_point[0] > node.start_point[0] else first)
        start_line, end_line = self.source.position(start)[0], self.source.position(end)[0]
        return self.source.position(node.start_byte)[0] if first else start_line, max(last, min(end_line, last))

    # ------------------------------------------------------------ the whole file

    @property
    def body(self) -> tuple[Statement, ...]:
        if self._body is None:
            self._body = self.block(self.root)
        return self._body

    def functions(self) -> Sequence[Function]:
        if self._functions is None:
            self._functions = [self.function_at(b.node) for b in self.blocks if b.kind == "def" and b.node.type == "function_definition"]
        return self._functions

    def classes(self) -> Sequence[Class]:
        if self._classes is None:
            self._classes = [self.class_at(b.node) for b in self.blocks if b.kind == "def" and b.node.type == "class_definition"]
        return self._classes

    def function(self, name: str) -> Function | None:
        for function in self.functions():
            if function.name == name and function.scope.symbol == "":
                return function
        return None

    def class_named(self, name: str) -> Class | None:
        for class_ in self.classes():
            if class_.name == name and class_.scope.symbol == "":
                return class_
        return None

    def calls(self) -> Sequence[Call]:
        if self._calls is None:
            self._calls = [self.call_at(node) for node in captures("(call) @c", self.root).get("c", ())]
        return self._calls

    def assignments(self, name: str) -> Sequence[Assignment]:
        if self._assigned is None:
            self._assigned = {}
            found = captures(ASSIGNMENTS, self.root)
            for node in sorted((n for nodes in found.values() for n in nodes), key=lambda n: n.start_byte):
                for assignment in self.assignments_at(node):
                    if assignment.kind not in ("keyword", "item", "compare", "default"):
                        self._assigned.setdefault(assignment.qualified, []).append(assignment)
        return self._assigned.get(name, ())

    def constant(self, name: str) -> Expression | None:
        found = [a for a in self.assignments(name) if a.scope.symbol == ""]
        return found[0].value if len(found) == 1 and found[0].kind in ("name", "annotated", "walrus") else None

    def follow(self, expression: Expression, near: Fact | None = None) -> Expression:
        if not isinstance(expression, Name):
            return expression
        place = near or expression
        scope = self.scope_at(place.start)
        source_text = expression.source_text
        if scope.symbol:
            found = [a for a in self._assigned_around(place.start).get(source_text, ()) if a.scope.symbol == scope.symbol]
            if len(found) == 1 and found[0].kind in ("name", "annotated", "walrus") and found[0].start < place.start:
                return found[0].value
            if found:
                return expression
        if source_text.startswith(("self.", "cls.")):
            attribute = source_text.split(".", 1)[1]
            in_class = [a for a in self.assignments(source_text) if a.scope.class_ == scope.class_]
            in_class += [a for a in self.assignments(attribute) if a.kind == "field" and a.scope.class_ == scope.class_]
            return in_class[0].value if len(in_class) == 1 else expression
        if scope.symbol and self._is_parameter(source_text, place.start):
            return expression
        if source_text not in self.bound_names:
            return expression  # bound nowhere in the file: no need to parse all of it to know
        return self.constant(source_text) or expression

    def _assigned_around(self, offset: int) -> dict[str, list[Assignment]]:
        """The assignments in the innermost function (or class) around an offset, by target."""
        block = self._innermost(offset)
        while block is not None and (block.kind != "def" or block.node.type == "lambda"):
            block = block.parent
        if block is None:
            return {}
        known = self._local.get(block.start)
        if known is None:
            known = self._local[block.start] = {}
            for node in captures(ASSIGNMENTS, block.node).get("a", ()):
                for assignment in self.assignments_at(node):
                    if assignment.kind not in ("keyword", "item", "compare", "default"):
                        known.setdefault(assignment.qualified, []).append(assignment)
        return known

    def _is_parameter(self, name: str, offset: int) -> bool:
        block = self._innermost(offset)
        while block is not None:
            if (
                block.kind == "def"
                and block.node.type == "function_definition"
                and any(p.name == name for p in self.function_at(block.node).parameters)
            ):
                return True
            block = block.parent
        return False

    # ------------------------------------------------------------ statements

    def block(self, node: tree_sitter.Node | None, depth: int = 0) -> tuple[Statement, ...]:
        """The statements of a block (or a module) node."""
        if node is None or depth > DEPTH_LIMIT:
            return ()
        return tuple(self.statement(child, depth) for child in node.named_children if child.type != "comment")

    def statement(self, node: tree_sitter.Node, depth: int = 0) -> Statement:
        """One statement."""
        kind = _STATEMENT_KINDS.get(node.type, "other")
        made = Statement(kind, node.start_byte, node.end_byte, self.source)
        if kind == "expression":
            inner = node.named_children[0] if node.named_child_count else None
            if inner is not None and inner.type in ("assignment", "augmented_assignment"):
                made.kind = "assign"
                targets = []
                value: tree_sitter.Node | None = inner
                while value is not None and value.type in ("assignment", "augmented_assignment"):
                    left = value.child_by_field_name("left")
                    if left is not None:
                        targets.append(self.expression(left))
                    value = value.child_by_field_name("right")
                made.targets = tuple(targets)
                made.expressions = (self.expression(value),) if value is not None else ()
                made.assignment = next(iter(self.assignments_at(inner)), None)
            else:
                made.expressions = tuple(self.expression(child) for child in node.named_children if child.type != "comment")
            return made
        field = node.child_by_field_name
        if kind in ("return", "assert", "delete", "raise"):
            made.expressions = tuple(self.expression(child) for child in node.named_children if child.type != "comment")
        elif kind == "if":
            condition = field("condition")
            made.expressions = (self.expression(condition),) if condition is not None else ()
            made.body = self.block(field("consequence"), depth + 1)
            made.orelse = self._alternatives(node.children_by_field_name("alternative"), depth)
        elif kind == "for":
            left, right = field("left"), field("right")
            made.targets = (self.expression(left),) if left is not None else ()
            made.expressions = (self.expression(right),) if right is not None else ()
            made.body = self.block(field("body"), depth + 1)
            made.orelse = self._alternatives(node.children_by_field_name("alternative"), depth)
            made.is_async = bool(node.children) and node.children[0].type == "async"
        elif kind == "while":
            condition = field("condition")
            made.expressions = (self.expression(condition),) if condition is not None else ()
            made.body = self.block(field("body"), depth + 1)
            made.orelse = self._alternatives(node.children_by_field_name("alternative"), depth)
        elif kind == "try":
            made.body = self.block(field("body"), depth + 1)
            made.handlers = tuple(
                self.handler_at(c, node) for c in node.named_children if c.type in ("except_clause", "except_group_clause")
            )
            for child in node.named_children:
                if child.type == "else_clause":
                    made.orelse = self.block(child.child_by_field_name("body"), depth + 1)
                elif child.type == "finally_clause":
                    made.finalbody = self.block(next((c for c in child.named_children if c.type == "block"), None), depth + 1)
        elif kind == "with":
            items: list[Expression] = []
            targets = []
            clause = next((c for c in node.named_children if c.type == "with_clause"), None)
            for item in clause.named_children if clause is not None else ():
                value = item.child_by_field_name("value")
                if value is not None and value.type == "as_pattern":
                    alias = value.child_by_field_name("alias")
                    if alias is not None and alias.named_child_count:
                        targets.append(self.expression(alias.named_children[0]))
                    value = value.named_children[0]
                if value is not None:
                    items.append(self.expression(value))
            made.expressions, made.targets = tuple(items), tuple(targets)
            made.body = self.block(field("body"), depth + 1)
            made.is_async = bool(node.children) and node.children[0].type == "async"
        elif kind == "def":
            definition = field("definition") or node
            if definition.type == "class_definition":
                made.kind = "class"
                made.definition = self.class_at(definition)
                made.body = self.block(definition.child_by_field_name("body"), depth + 1)
            else:
                made.definition = self.function_at(definition)
                made.body = self.block(definition.child_by_field_name("body"), depth + 1)
        elif kind == "class":
            made.definition = self.class_at(node)
            made.body = self.block(field("body"), depth + 1)
        elif kind == "match":
            subject = field("subject")
            made.expressions = (self.expression(subject),) if subject is not None else ()
            body = field("body")
            cases = [c for c in body.named_children if c.type == "case_clause"] if body is not None else []
            made.cases = tuple(self.block(c.child_by_field_name("consequence"), depth + 1) for c in cases)
            made.patterns = tuple(self._pattern(c) for c in cases)
        return made

    def _pattern(self, case: tree_sitter.Node) -> Expression | None:
        """The pattern of a `case`, where it has one and no guard."""
        patterns = [child for child in case.named_children if child.type == "case_pattern"]
        guarded = case.child_by_field_name("guard") is not None
        return self.expression(patterns[0]) if len(patterns) == 1 and not guarded else None

    def _alternatives(self, nodes: Sequence[tree_sitter.Node], depth: int) -> tuple[Statement, ...]:
        if not nodes or depth > DEPTH_LIMIT:
            return ()
        first = nodes[0]
        if first.type == "else_clause":
            return self.block(first.child_by_field_name("body"), depth + 1)
        condition = first.child_by_field_name("condition")
        nested = Statement("if", first.start_byte, first.end_byte, self.source)
        nested.expressions = (self.expression(condition),) if condition is not None else ()
        nested.body = self.block(first.child_by_field_name("consequence"), depth + 1)
        nested.orelse = self._alternatives(nodes[1:], depth + 1)
        return (nested,)

    # ------------------------------------------------------------ expressions

    def expression(self, node: tree_sitter.Node, depth: int = 0) -> Expression:
        """One expression."""
        node = unwrapped(node)
        make = _EXPRESSIONS.get(node.type)
        if depth > DEPTH_LIMIT:
            return self._other(node, "deep", ())
        if make is not None:
            return make(self, node, depth + 1)
        kind = _OTHER_KINDS.get(node.type, node.type)
        return self._other(node, kind, tuple(self.expression(child, depth + 1) for child in node.named_children if child.type != "comment"))

    def _other(self, node: tree_sitter.Node, kind: str, items: tuple[Expression, ...]) -> OpaqueExpression:
        made = OpaqueExpression(self.source, self.file, node.start_byte, node.end_byte)
        made.kind, made.items = kind, items
        return made

    def _constant(self, node: tree_sitter.Node, depth: int) -> Expression:
        made = Constant(self.source, self.file, node.start_byte, node.end_byte)
        kind = node.type
        if kind == "true":
            made.value = True
        elif kind == "false":
            made.value = False
        elif kind == "none":
            made.value = None
        elif kind == "ellipsis":
            made.value = ...
        else:
            made.value = _number(self.read(node))
        return made

    def _name(self, node: tree_sitter.Node, depth: int) -> Expression:
        if node.type == "attribute":
            source_text = self.dotted(node)
            if not source_text:
                made = Attribute(self.source, self.file, node.start_byte, node.end_byte)
                value, attribute = node.child_by_field_name("object"), node.child_by_field_name("attribute")
                made.value = self.expression(value, depth) if value is not None else self._other(node, "error", ())
                made.attribute = self.read(attribute) if attribute is not None else ""
                return made
        else:
            source_text = self.read(node)
        name = Name(self.source, self.file, node.start_byte, node.end_byte)
        name.source_text = source_text
        first, _, rest = source_text.partition(".")
        known = self.imports.get(first)
        name.name = source_text if known is None else (f"{known}.{rest}" if rest else known)
        return name

    def _text(self, node: tree_sitter.Node, depth: int) -> Expression:
        strings = [child for child in node.named_children if child.type == "string"] if node.type == "concatenated_string" else [node]
        parts: list[Expression] = []
        texts: list[str | bytes] = []
        for string in strings:
            if any(child.type == "interpolation" for child in string.named_children):
                for child in string.named_children:
                    if child.type == "interpolation":
                        inner = child.child_by_field_name("expression")
                        if inner is not None:
                            parts.append(self.expression(inner, depth))
                    elif child.type == "string_content":
                        parts.append(self._piece(child, string))
            else:
                value = self.string_value(string)
                texts.append(value)
                piece = Constant(self.source, self.file, string.start_byte, string.end_byte)
                piece.value = value
                parts.append(piece)
        if len(texts) == len(strings):
            made = Constant(self.source, self.file, node.start_byte, node.end_byte)
            if all(isinstance(text, bytes) for text in texts):
                made.value = b"".join(text for text in texts if isinstance(text, bytes))
            else:
                made.value = "".join(text if isinstance(text, str) else text.decode("latin-1") for text in texts)
            return made
        template = FString(self.source, self.file, node.start_byte, node.end_byte)
        template.items = tuple(parts)
        return template

    def _piece(self, content: tree_sitter.Node, string: tree_sitter.Node) -> Constant:
        piece = Constant(self.source, self.file, content.start_byte, content.end_byte)
        text = self.read(content).replace("{{", "{").replace("}}", "}")
        if "\\" in text and not _RAW.match(self.data, string.start_byte):
            text = _unescaped(text)
        piece.value = text
        return piece

    def string_value(self, node: tree_sitter.Node) -> str | bytes:
        """The value of a string node without interpolation."""
        raw = self.data[node.start_byte : node.end_byte]
        start = 0
        while start < len(raw) and raw[start] not in _STRING_PREFIX_END:
            start += 1
        prefix = raw[:start].lower()
        quotes = 3 if raw[start : start + 3] in (b'"""', b"'''") else 1
        inner = raw[start + quotes : len(raw) - quotes] if len(raw) >= start + 2 * quotes else raw[start + quotes :]
        if b"\\" in inner and b"r" not in prefix:
            try:
                value = ast.literal_eval(raw.replace(b"f", b"", 1).decode("utf-8") if b"f" in prefix else raw.decode("utf-8"))
                if isinstance(value, (str, bytes)):
                    return encodable(value) if isinstance(value, str) else value
            except (ValueError, SyntaxError, MemoryError, UnicodeDecodeError):
                pass  # an escape newer or older than this interpreter: the raw text is the best there is
        return bytes(inner) if b"b" in prefix else inner.decode("utf-8", "replace")

    def _collection(self, node: tree_sitter.Node, depth: int) -> Expression:
        made = Collection(self.source, self.file, node.start_byte, node.end_byte)
        made.kind = "list" if node.type == "list" else "set" if node.type == "set" else "tuple"
        made.items = tuple(self.expression(child, depth) for child in node.named_children if child.type != "comment")
        return made

    def _dictionary(self, node: tree_sitter.Node, depth: int) -> Expression:
        made = Dictionary(self.source, self.file, node.start_byte, node.end_byte)
        items: list[tuple[Expression | None, Expression]] = []
        for child in node.named_children:
            if child.type == "pair":
                key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
                if key is not None and value is not None:
                    items.append((self.expression(key, depth), self.expression(value, depth)))
            elif child.type == "dictionary_splat" and child.named_child_count:
                items.append((None, self.expression(child.named_children[0], depth)))
        made.items = tuple(items)
        return made

    def _operation(self, node: tree_sitter.Node, depth: int) -> Expression:
        made = Operation(self.source, self.file, node.start_byte, node.end_byte)
        operands = [child for child in node.named_children if child.type != "comment"]
        if node.type == "binary_operator" and len(operands) == 2:
            # a + b + c + ... is a left-leaning chain as deep as it is long: read flat
            flat = [operands[1]]
            left = operands[0]
            operator = node.child_by_field_name("operator")
            made.operator = operator.type if operator is not None else "?"
            while left.type == "binary_operator" and left.named_child_count >= 2:
                inner = left.child_by_field_name("operator")
                if inner is None or inner.type != made.operator or made.operator not in ("+", "|"):
                    break
                pair = [child for child in left.named_children if child.type != "comment"]
                flat.append(pair[-1])
                left = pair[0]
            flat.append(left)
            flat.reverse()
            made.operands = tuple(self.expression(child, depth) for child in flat)
            return made
        words = [child.type for child in node.children if not child.is_named]
        made.operator = " ".join(words) if node.type == "comparison_operator" else (words[0] if words else "?")
        made.operands = tuple(self.expression(child, depth) for child in operands)
        return made

    def _subscript(self, node: tree_sitter.Node, depth: int) -> Expression:
        made = Subscript(self.source, self.file, node.start_byte, node.end_byte)
        value = node.child_by_field_name("value")
        keys = node.children_by_field_name("subscript")
        made.value = self.expression(value, depth) if value is not None else self._other(node, "error", ())
        if len(keys) == 1:
            made.key = self.expression(keys[0], depth)
        else:
            made.key = self._other(node, "keys", tuple(self.expression(key, depth) for key in keys))
        return made

    def _conditional(self, node: tree_sitter.Node, depth: int) -> Expression:
        parts = [child for child in node.named_children if child.type != "comment"]
        if len(parts) != 3:
            return self._other(node, "error", tuple(self.expression(part, depth) for part in parts))
        made = Conditional(self.source, self.file, node.start_byte, node.end_byte)
        made.then, made.test, made.orelse = (self.expression(part, depth) for part in parts)
        return made

    def call_at(self, node: tree_sitter.Node, depth: int = 0) -> PyCall:
        """A call node as a fact."""
        made = PyCall(self.source, self.file, node.start_byte, node.end_byte)
        made.node, made.of = node, self
        name, made.maker = self.name_of_call(node)
        made.name = name
        function = node.child_by_field_name("function")
        if function is not None:
            function = unwrapped(function)
        if function is not None and function.type == "attribute":
            attribute = function.child_by_field_name("attribute")
            made.method = self.read(attribute) if attribute is not None else ""
        else:
            made.method = self.read(function) if function is not None and function.type == "identifier" else name.rsplit(".", 1)[-1]
        return made

    # ------------------------------------------------------------ facts

    def function_at(self, node: tree_sitter.Node) -> PyFunction:
        """A function definition as a fact; its place is the `def` line's start to the body's end."""
        made = PyFunction(self.source, self.file, node.start_byte, node.end_byte)
        made.node, made.of = node, self
        made.name = self._name_of(node)
        made.is_async = bool(node.children) and node.children[0].type == "async"
        return made

    def class_at(self, node: tree_sitter.Node) -> PyClass:
        """A class definition as a fact."""
        made = PyClass(self.source, self.file, node.start_byte, node.end_byte)
        made.node, made.of = node, self
        made.name = self._name_of(node)
        return made

    def handler_at(self, node: tree_sitter.Node, tried: tree_sitter.Node | None = None) -> PyHandler:
        """An except clause as a fact."""
        made = PyHandler(self.source, self.file, node.start_byte, node.end_byte)
        made.node, made.of, made.statement = node, self, tried
        values = node.children_by_field_name("value")
        made.alias = ""
        made.star = any(child.type in ("*", "except*") for child in node.children)
        types: list[str] = []
        for value in values:
            inner = value
            if value.type == "as_pattern":
                alias = value.child_by_field_name("alias")
                made.alias = self.read(alias) if alias is not None else ""
                inner = value.named_children[0]
            inner = unwrapped(inner)
            listed = [c for c in inner.named_children if c.type != "comment"] if inner.type in ("tuple", "list", "set") else [inner]
            types.extend(self._exception_name(one) for one in listed)
        alias = node.child_by_field_name("alias")
        if alias is not None:
            made.alias = self.read(alias)
        made.types = tuple(types)
        return made

    def _exception_name(self, node: tree_sitter.Node) -> str:
        """Built-in exceptions go by their own name; nobody rebinds them, and looking would read the whole file."""
        if node.type == "identifier":
            source_text = self.read(node)
            if source_text in _BUILTIN_EXCEPTIONS:
                return source_text
        return self.qualified(node)[0]

    def assignments_at(self, node: tree_sitter.Node) -> Iterator[PyAssignment]:
        """The assignments that a node of ASSIGNMENTS makes."""
        field = node.child_by_field_name
        kind = node.type
        if kind == "assignment":
            left, right = field("left"), field("right")
            while right is not None and right.type == "assignment":
                right = right.child_by_field_name("right")
            if left is None or right is None:
                return
            annotation = field("type")
            yield from self._bind(
                left, right, "annotated" if annotation is not None else "name", self.read(annotation) if annotation is not None else ""
            )
        elif kind == "augmented_assignment":
            left, right = field("left"), field("right")
            if left is not None and right is not None:
                yield from self._bind(left, right, "augmented", "")
        elif kind in ("default_parameter", "typed_default_parameter"):
            name, value = field("name"), field("value")
            annotation = field("type")
            if name is not None and value is not None:
                yield self._assignment(name, value, "default", self.read(name), self.read(annotation) if annotation is not None else "")
        elif kind == "keyword_argument":
            name, value = field("name"), field("value")
            if name is not None and value is not None:
                yield self._assignment(name, value, "keyword", self.read(name), "")
        elif kind == "pair":
            key, value = field("key"), field("value")
            if key is not None and value is not None:
                if key.type in ("string", "concatenated_string"):
                    constant = self._text(key, 0)
                    text = constant.value if isinstance(constant, Constant) else None
                    if isinstance(text, str):
                        yield self._assignment(key, value, "item", text, "")
                elif key.type in ("identifier", "attribute"):
                    yield self._assignment(key, value, "item", self.read(key), "")
        elif kind == "named_expression":
            name, value = field("name"), field("value")
            if name is not None and value is not None:
                yield self._assignment(name, value, "walrus", self.read(name), "")
        elif kind == "comparison_operator":
            parts = [child for child in node.named_children if child.type != "comment"]
            words = [child.type for child in node.children if not child.is_named]
            if len(parts) == 2 and words in (["=="], ["!="]):
                left, right = parts
                if left.type in ("string", "concatenated_string"):
                    left, right = right, left
                yield from self._bind(left, right, "compare", "")

    def _bind(self, left: tree_sitter.Node, right: tree_sitter.Node, kind: str, annotation: str) -> Iterator[PyAssignment]:
        if left.type in ("pattern_list", "tuple_pattern", "list_pattern", "tuple"):
            targets = left.named_children
            values = right.named_children if right.type in ("expression_list", "tuple", "list") else []
            if len(targets) == len(values):
                for target, value in zip(targets, values, strict=True):
                    yield from self._bind(target, value, "unpacked" if kind != "compare" else kind, annotation)
            else:
                for target in targets:
                    name = self.dotted(target)
                    if name:
                        yield self._assignment(target, right, "unpacked-part", name, annotation)
            return
        if left.type == "subscript":
            keys = left.children_by_field_name("subscript")
            holder = left.child_by_field_name("value")
            if len(keys) == 1 and holder is not None:
                text = self.string_value(keys[0]) if keys[0].type == "string" else self.read(keys[0])
                key = text if isinstance(text, str) else self.read(keys[0])
                yield self._assignment(
                    left, right, kind if kind == "compare" else "subscript", f"{self.read(holder)}[{key}]", annotation, key
                )
            return
        if left.type == "call" and kind == "compare":
            yield self._assignment(left, right, kind, self.read(left), annotation, self._compared(left))
            return
        source_text = self.dotted(left)
        if not source_text:
            return
        if kind in ("name", "annotated"):
            block = self._innermost(left.start_byte)
            while block is not None and block.kind != "def":
                block = block.parent
            if "." in source_text:
                kind = "attribute"
            elif block is not None and block.node.type == "class_definition":
                kind = "field"
        yield self._assignment(left, right, kind, source_text, annotation)

    def _compared(self, call: tree_sitter.Node) -> str:
        """The name in `request.headers.get("X-Token") == "..."`."""
        first = self._first_argument(call)
        if first is not None and first.type == "string":
            value = self.string_value(first)
            return value if isinstance(value, str) else ""
        return self.name_of_call(call)[0].rsplit(".", 1)[-1]

    def _assignment(
        self, left: tree_sitter.Node, right: tree_sitter.Node, kind: str, qualified: str, annotation: str, target: str = ""
    ) -> PyAssignment:
        start, end = min(left.start_byte, right.start_byte), max(left.end_byte, right.end_byte)
        made = PyAssignment(self.source, self.file, start, end)
        made.of, made.right = self, right
        made.kind, made.qualified, made.annotation = kind, qualified, annotation
        made.target = target or qualified.rsplit(".", 1)[-1]
        return made


class PyCall(Call):
    """A call whose parts are read when asked for."""

    __slots__ = ("_arguments", "_keywords", "maker", "node", "of")
    node: tree_sitter.Node
    of: PyModule
    maker: tree_sitter.Node | None
    _arguments: tuple[Expression, ...]
    _keywords: dict[str, Expression]

    def _split(self) -> None:
        arguments: list[Expression] = []
        keywords: dict[str, Expression] = {}
        holder = self.node.child_by_field_name("arguments")
        children = (
            holder.named_children if holder is not None and holder.type == "argument_list" else [holder] if holder is not None else []
        )
        for child in children:
            if child.type == "comment":
                continue
            if child.type == "keyword_argument":
                name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
                if name is not None and value is not None:
                    keywords[self.of.read(name)] = self.of.expression(value)
            elif child.type == "list_splat":
                arguments.append(self.of._other(child, "star", tuple(self.of.expression(c) for c in child.named_children)))
            elif child.type != "dictionary_splat":
                arguments.append(self.of.expression(child))
        partial = self._partial()
        if partial is not None:
            arguments[:0] = partial.arguments[1:]
            keywords = {**partial.keywords, **keywords}
        self._arguments, self._keywords = tuple(arguments), keywords

    def _partial(self) -> PyCall | None:
        """The `functools.partial(...)` this call goes through."""
        if self.maker is None or self.maker.id == self.node.id:
            return None
        function = self.maker.child_by_field_name("function")
        if function is None or self.of.qualified(function)[0] not in _PARTIALS:
            return None
        called = self.node.child_by_field_name("function")
        if called is None or self.of.read(called) == self.of.read(function):
            return None
        return self.of.call_at(self.maker)

    @property
    def function(self) -> Expression:
        callee = self.node.child_by_field_name("function")
        return self.of.expression(callee) if callee is not None else self.of._other(self.node, "error", ())

    @property
    def receiver(self) -> Expression | None:
        callee = self.node.child_by_field_name("function")
        if callee is None or (callee := unwrapped(callee)).type != "attribute":
            return None
        receiver = callee.child_by_field_name("object")
        return self.of.expression(receiver) if receiver is not None else None

    @property
    def arguments(self) -> tuple[Expression, ...]:
        if not hasattr(self, "_arguments"):
            self._split()
        return self._arguments

    @property
    def keywords(self) -> Mapping[str, Expression]:
        if not hasattr(self, "_keywords"):
            self._split()
        return self._keywords

    @property
    def spreads(self) -> tuple[Expression, ...]:
        holder = self.node.child_by_field_name("arguments")
        found = [child for child in holder.named_children if child.type == "dictionary_splat"] if holder is not None else []
        return tuple(self.of.expression(child.named_children[0]) for child in found if child.named_child_count)

    @property
    def stars(self) -> bool:
        holder = self.node.child_by_field_name("arguments")
        return holder is not None and any(child.type in ("list_splat", "dictionary_splat") for child in holder.named_children)

    @property
    def awaited(self) -> bool:
        data = self.of.data
        end = self.start
        while end > 0 and data[end - 1] in b" \t\r\n(\\":
            end -= 1
        return data[end - 5 : end] == b"await" and (end == 5 or not (chr(data[end - 6]).isalnum() or data[end - 6] == 95))

    @property
    def constructor(self) -> Call | None:
        return self.of.call_at(self.maker) if self.maker is not None else None

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


class PyAssignment(Assignment):
    """An assignment whose value is read when asked for."""

    __slots__ = ("of", "right")
    of: PyModule
    right: tree_sitter.Node

    @property
    def value(self) -> Expression:
        return self.of.expression(self.right)

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


_BUILTINS = frozenset(vars(builtins))
_PARTIALS = ("functools.partial", "functools.partialmethod")
_BUILTIN_EXCEPTIONS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)


class PyHandler(Handler):
    """An except clause. Its blocks are read once: several rules judge the same clause."""

    __slots__ = ("_body", "_tried", "node", "of", "statement")
    _body: tuple[Statement, ...]
    _tried: tuple[Statement, ...]
    node: tree_sitter.Node
    of: PyModule
    statement: tree_sitter.Node | None

    def _try(self) -> tree_sitter.Node | None:
        if self.statement is None:
            self.statement = self.node.parent
        return self.statement

    @property
    def body(self) -> tuple[Statement, ...]:
        if not hasattr(self, "_body"):
            self._body = self.of.block(next((child for child in self.node.named_children if child.type == "block"), None))
        return self._body

    @property
    def tried(self) -> tuple[Statement, ...]:
        if not hasattr(self, "_tried"):
            statement = self._try()
            self._tried = self.of.block(statement.child_by_field_name("body")) if statement is not None else ()
        return self._tried

    @property
    def finalbody(self) -> tuple[Statement, ...]:
        statement = self._try()
        for child in statement.named_children if statement is not None else ():
            if child.type == "finally_clause":
                return self.of.block(next((c for c in child.named_children if c.type == "block"), None))
        return ()

    @property
    def function(self) -> Function | None:
        block = self.of._innermost(self.start)
        while block is not None:
            if block.kind == "def" and block.node.type == "function_definition":
                return self.of.function_at(block.node)
            block = block.parent
        return None

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


class _Definition(Fact):
    """What functions and classes share: decorators and a body."""

    __slots__ = ()
    node: tree_sitter.Node
    of: PyModule

    def _decorators(self) -> tuple[Expression, ...]:
        parent = self.node.parent
        if parent is None or parent.type != "decorated_definition":
            return ()
        found = [child for child in parent.named_children if child.type == "decorator" and child.named_child_count]
        return tuple(self.of.expression(child.named_children[0]) for child in found)


class PyFunction(Function):
    """A function definition."""

    __slots__ = ("node", "of")
    node: tree_sitter.Node
    of: PyModule

    @property
    def decorators(self) -> tuple[Expression, ...]:
        return _Definition._decorators(self)  # type: ignore[arg-type]  # shared by two classes with slots

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        holder = self.node.child_by_field_name("parameters")
        found: list[Parameter] = []
        for child in holder.named_children if holder is not None else ():
            name, annotation, default, kind = child, child.child_by_field_name("type"), None, ""
            if child.type in ("default_parameter", "typed_default_parameter"):
                name = child.child_by_field_name("name") or child
                value = child.child_by_field_name("value")
                default = self.of.expression(value) if value is not None else None
            elif child.type == "typed_parameter":
                name = child.named_children[0]
            if name.type in ("list_splat_pattern", "dictionary_splat_pattern"):
                kind = "*" if name.type == "list_splat_pattern" else "**"
                name = name.named_children[0] if name.named_child_count else name
            if name.type == "identifier":
                found.append(Parameter(self.of.read(name), self.of.read(annotation) if annotation is not None else "", default, kind))
        return tuple(found)

    @property
    def returns(self) -> str:
        node = self.node.child_by_field_name("return_type")
        return self.of.read(node) if node is not None else ""

    @property
    def body(self) -> tuple[Statement, ...]:
        return self.of.block(self.node.child_by_field_name("body"))

    @property
    def class_(self) -> Class | None:
        block = self.of._innermost(self.start)
        block = block.parent if block is not None and block.node.id == self.node.id else block
        while block is not None and block.kind != "def":
            block = block.parent
        return self.of.class_at(block.node) if block is not None and block.node.type == "class_definition" else None

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


class PyClass(Class):
    """A class definition."""

    __slots__ = ("node", "of")
    node: tree_sitter.Node
    of: PyModule

    @property
    def bases(self) -> tuple[str, ...]:
        holder = self.node.child_by_field_name("superclasses")
        children = holder.named_children if holder is not None else []
        return tuple(self.of.qualified(child)[0] for child in children if child.type not in ("keyword_argument", "comment"))

    @property
    def keywords(self) -> Mapping[str, Expression]:
        holder = self.node.child_by_field_name("superclasses")
        found: dict[str, Expression] = {}
        for child in holder.named_children if holder is not None else ():
            name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
            if child.type == "keyword_argument" and name is not None and value is not None:
                found[self.of.read(name)] = self.of.expression(value)
        return found

    @property
    def decorators(self) -> tuple[Expression, ...]:
        return _Definition._decorators(self)  # type: ignore[arg-type]  # shared by two classes with slots

    @property
    def body(self) -> tuple[Statement, ...]:
        return self.of.block(self.node.child_by_field_name("body"))

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


_RAW = re.compile(rb"\w?[rR]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _unescaped(text: str) -> str:
    """The literal part of an f-string with its plain escapes read; exotic ones stay as they are written."""
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[0]), text)


ASSIGNING = frozenset(
    (
        "assignment",
        "augmented_assignment",
        "default_parameter",
        "typed_default_parameter",
        "keyword_argument",
        "pair",
        "named_expression",
        "comparison_operator",
    )
)
ASSIGNMENTS = """
(assignment right: (_)) @a (augmented_assignment) @a (default_parameter) @a (typed_default_parameter) @a
(keyword_argument) @a (pair) @a (named_expression) @a (comparison_operator) @a
"""

_BOUND = """
(assignment left: [(identifier) (attribute)] @t right: [(call) (await) (parenthesized_expression) (identifier) (attribute)] @c)
(named_expression name: (identifier) @t value: [(call) (await) (parenthesized_expression)] @c)
(as_pattern . [(call) (await) (parenthesized_expression)] @c alias: (as_pattern_target) @t)
"""

_STATEMENT_KINDS = {
    "expression_statement": "expression",
    "return_statement": "return",
    "raise_statement": "raise",
    "if_statement": "if",
    "for_statement": "for",
    "while_statement": "while",
    "try_statement": "try",
    "with_statement": "with",
    "function_definition": "def",
    "decorated_definition": "def",
    "class_definition": "class",
    "pass_statement": "pass",
    "continue_statement": "continue",
    "break_statement": "break",
    "import_statement": "import",
    "import_from_statement": "import",
    "future_import_statement": "import",
    "assert_statement": "assert",
    "delete_statement": "delete",
    "global_statement": "global",
    "nonlocal_statement": "global",
    "match_statement": "match",
}

_EXPRESSIONS: dict[str, Callable[[PyModule, tree_sitter.Node, int], Expression]] = {
    "string": PyModule._text,
    "concatenated_string": PyModule._text,
    "integer": PyModule._constant,
    "float": PyModule._constant,
    "true": PyModule._constant,
    "false": PyModule._constant,
    "none": PyModule._constant,
    "ellipsis": PyModule._constant,
    "identifier": PyModule._name,
    "attribute": PyModule._name,
    "call": PyModule.call_at,
    "list": PyModule._collection,
    "tuple": PyModule._collection,
    "set": PyModule._collection,
    "expression_list": PyModule._collection,
    "pattern_list": PyModule._collection,
    "tuple_pattern": PyModule._collection,
    "list_pattern": PyModule._collection,
    "dictionary": PyModule._dictionary,
    "binary_operator": PyModule._operation,
    "boolean_operator": PyModule._operation,
    "comparison_operator": PyModule._operation,
    "not_operator": PyModule._operation,
    "unary_operator": PyModule._operation,
    "subscript": PyModule._subscript,
    "conditional_expression": PyModule._conditional,
}

_OTHER_KINDS = {
    "list_splat": "star",
    "dictionary_splat": "double-star",
    "list_comprehension": "comprehension",
    "set_comprehension": "comprehension",
    "dictionary_comprehension": "comprehension",
    "generator_expression": "comprehension",
    "named_expression": "walrus",
}

_ENVIRONMENT_WORDS = ("development", "dev", "local", "localhost", "test", "testing")


def _guards(condition: str, within: bool, after: bool) -> set[str]:
    """What an `if` says about the code under it (within) or in its other branch (after)."""
    found: set[str] = set()
    lowered = condition.lower()
    negated = lowered.startswith(("not ", "!")) or "!=" in lowered or " not in " in lowered or "is false" in lowered
    applies = (within and not negated) or (after and negated)
    if not applies:
        return found
    if "__name__" in lowered and "__main__" in lowered:
        found.add("main")
    if "type_checking" in lowered:
        found.add("type-checking")
    if "debug" in lowered:
        found.add("debug")
    if any(word in lowered for word in ("env", "mode", "stage")):
        quoted = lowered.replace('"', "'").split("'")[1::2]
        words = {word for text in quoted for word in text.replace("-", " ").replace("_", " ").split()}
        tail = lowered.rsplit(".", 1)[-1]
        if words & set(_ENVIRONMENT_WORDS) or tail in (
            "is_dev",
            "is_development",
            "is_local",
            "is_test",
            "is_testing",
            "is_development()",
            "development",
        ):
            found.add("environment")
    if any(
        word in lowered
        for word in ("is_development", "is_local", "is_testing", "in_development", "is_dev", "settings.testing", "under_test")
    ):
        found.add("environment")
    return found


def _number(text: str) -> Any:
    cleaned = text.replace("_", "")
    try:
        return int(cleaned, 0) if len(cleaned) < 400 else None
    except ValueError:
        pass
    try:
        return float(cleaned)
    except ValueError:
        pass
    try:
        return complex(cleaned)
    except ValueError:
        return None
