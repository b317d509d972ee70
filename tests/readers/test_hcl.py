"""HCL: blocks, attributes and expressions as a tree, with places; hostile input stays cheap."""

from __future__ import annotations

from typing import Any

import pytest

from prodlint.facts import Comment, Document, File, Node, Setting, Source
from prodlint.readers import configuration, documents
from tests.limits import cpu_limit

TEXT = """# the orders
variable "db_password" {
  type    = string
  default = "keep" // no
}
resource "aws_instance" "web" {
  count = 2
  tags  = { Name = "x-${var.env}", "k" : true }
  setting { name = "a" }
  setting { name = "b" }
  ids   = ["one", local.two,
    "three"]
  policy = jsonencode({
    Version = "2012"
  })
  user_data = <<-EOT
    export A=1
  EOT
  size = var.big ? "l" : "s"
}
resource "aws_instance" "api" { count = 1 }
"""


def root(text: str) -> Node:
    facts = documents.read(Source(text.encode()), File("main.tf", "hcl"), frozenset({Document}))
    (found,) = [fact for fact in facts if isinstance(fact, Document)]
    assert found.kind == "terraform"
    return found.root


def plain(node: Node) -> Any:
    if node.kind == "mapping":
        return {key: plain(child) for key, child in node.members.items()}
    return [plain(child) for child in node.items] if node.kind == "sequence" else node.tag or node.value


def test_blocks_and_attributes() -> None:
    assert plain(root(TEXT)) == {
        "variable": {"db_password": {"type": "!expression", "default": "keep"}},
        "resource": {
            "aws_instance": {
                "web": {
                    "count": 2,
                    "tags": {"Name": "x-${var.env}", "k": True},
                    "setting": {"name": "a"},
                    "setting#2": {"name": "b"},
                    "ids": ["one", "!expression", "three"],
                    "policy": {"Version": "2012"},
                    "user_data": "    export A=1\n",
                    "size": "!expression",
                },
                "api": {"count": 1},
            }
        },
    }


def test_places_are_those_of_the_text_without_quotes() -> None:
    node = root(TEXT).get("variable", "db_password", "default")
    assert node is not None
    assert TEXT.encode()[node.start : node.end] == b"keep"
    assert TEXT.encode()[node.key_start : node.key_end] == b"default"
    assert node.path == "variable.db_password.default"


def test_comments() -> None:
    facts = documents.read(Source(TEXT.encode()), File("main.tf", "hcl"), frozenset({Comment}))
    assert [fact.value for fact in facts if isinstance(fact, Comment)] == ["the orders", "no"]


def test_environments_are_settings() -> None:
    text = (
        'resource "aws_lambda_function" "f" {\n  environment {\n    variables = {\n      DEBUG = "true"\n      X = var.x\n    }\n  }\n}\n'
    )
    facts = configuration.read(Source(text.encode()), File("main.tf", "hcl"), frozenset({Setting}))
    found = [(fact.name, fact.value) for fact in facts if isinstance(fact, Setting)]
    assert ("DEBUG", "true") in found


@pytest.mark.parametrize(
    "text",
    ["{" * 50_000, "a = [" * 20_000, '"${' * 20_000, "<<EOT\n" * 2000, "x " * 50_000, 'a "b" {\n' * 2000, 'a {\n b = "c"\n}\n' * 5000],
)
def test_hostile_input_stays_cheap(text: str) -> None:
    with cpu_limit(40):
        list(documents.read(Source(text.encode()), File("main.tf", "hcl"), frozenset({Document, Comment})))


def test_what_does_not_fit_is_passed_over() -> None:
    assert plain(root('a = "x"\n)) = \nb = "y"\n'))["b"] == "y"
