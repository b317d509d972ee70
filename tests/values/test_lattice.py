"""What values are joined to, and whether they are true."""

from __future__ import annotations

import pytest

from prodlint.facts import File, Source
from prodlint.python.tree import PyModule
from prodlint.values.expressions import evaluator
from prodlint.values.lattice import MOST_SHAPES, Client, Known, Setting, Unknown, Value, join, mapped, truth


def value_of(text: str, before: str = "") -> Value:
    module = PyModule(Source(f"{before}\nsink({text})\n".encode()), File("service/app.py", "python"))
    (call,) = (call for call in module.calls() if call.name == "sink")
    return evaluator(module).of(call.argument(0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", True),
        ("0", False),
        ("''", False),
        ("[1]", True),
        ("[]", False),
        ("[*rest]", None),
        ("[1, *rest]", True),
        ("{'a': 1}", True),
        ("{}", False),
        ("{**rest}", None),
        ("{'a': 1, **rest}", True),
        ("os.environ['DEBUG']", None),
        ("1 if x else 2", True),
        ("1 if x else 0", None),
    ],
)
def test_truth(text: str, expected: bool | None) -> None:
    assert truth(value_of(text, "import os\nfrom shop import rest, x")) is expected


def test_of_many_shapes_what_tells_most_is_kept() -> None:
    arms = "".join(f"elif n == {number}:\n    v = {number}\n" for number in range(MOST_SHAPES + 3))
    before = f"import os\nfrom flask import request\nif n < 0:\n    v = -1\n{arms}elif n == 98:\n    v = os.environ['LIMIT']\nelse:\n    v = request.args['v']\n"
    shapes = value_of("v", before).shapes
    assert len(shapes) == MOST_SHAPES + 1 and isinstance(shapes[-1], Unknown)
    assert [type(shape) for shape in shapes[:3]] == [Client, Setting, Known]


def test_the_same_shape_on_two_paths_is_one() -> None:
    one = value_of("os.environ['LIMIT']", "import os")
    assert join(one, one, Value()) == one
    assert join() == Value()


def test_constants_are_changed_within_settings_too() -> None:
    changed = mapped(value_of("int(os.environ.get('N', '3'))", "import os"), lambda known: Value((Known(known.value + 1, known.at),)))
    assert changed is not None
    (setting,) = changed.shapes
    assert isinstance(setting, Setting) and [known.value for known in setting.default.shapes if isinstance(known, Known)] == [4]
    assert mapped(value_of("thing()", "from shop import thing"), lambda known: Value((known,))) is None
