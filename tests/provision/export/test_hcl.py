"""HCL: the output is formatted like that of `terraform fmt`, and has the right values."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.provision.export.hcl import Block, Encoded, Expression, quote, render
from flask_errwatch.provision.tokens import token
from tests.provision.export.hcl_layout import faults
from tests.provision.export.hcl_reader import literal, read
from tests.provision.export.terraform_program import evaluated, fmt_check, needs_terraform

#: Every character that is special in HCL, in combinations where the rules interact.
TRICKY = [
    *("${x}", "$${x}", "$$${x}", "$$$${x}", "%{ if }", "%%{", "%%%{", "$%{", "${${", "$", "a$"),
    *('a\\"b', "\n", "a\r\n\tb", "\x00\x1f\x7f", "é😀", "\u2028", "\\u0024{x}", "", " ", "$\n{"),
]


def file_of(value: object) -> str:
    """A file with the value as an argument, in a list and in an object."""
    arguments = {"plain": value, "longer_name": [value, value], "object": {"a b": value, "c": 1}}
    return render((Block("resource", ("kind", "name"), arguments),), str)


#: python-hcl2 8.1 reads these as unclosed templates. Terraform does not.
NOT_FOR_HCL2 = {"$%{", "${${"}


@pytest.mark.parametrize("text", TRICKY)
def test_a_text_keeps_its_value(text: str) -> None:
    """Quotes, templates and control characters are escaped and never become code."""
    assert literal(quote(text, str)) == text
    assert faults(file_of(text)) == []
    if text not in NOT_FOR_HCL2:
        arguments = {"plain": text, "longer_name": [text, text], "object": {"a b": text, "c": 1}}
        assert read(file_of(text)).resource("kind.name") == arguments


@given(st.lists(st.sampled_from(["$", "%", "{", "}", '"', "\\", "\n", "u0024", "é", "a"])))
def test_any_combination_of_special_characters_keeps_its_value(parts: list[str]) -> None:
    """A configured text is a literal in the file and never code."""
    assert literal(quote("".join(parts), str)) == "".join(parts)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_character_can_be_written(text: str) -> None:
    """Printable characters are unchanged. Others are escaped, so that a literal is one line."""
    quoted = quote(text, str)
    assert literal(quoted) == text
    assert quoted.isprintable()


@needs_terraform
def test_terraform_itself_reads_the_tricky_texts_the_same(tmp_path: Path) -> None:
    """`terraform console` confirms our reader: it returns every text."""
    joined = ", ".join(quote(text, str) for text in TRICKY)
    answer = evaluated(f'join("|", [for each in [{joined}] : base64encode(each)])', tmp_path)
    parts = base64.b64decode(answer).decode().split("|")
    assert [base64.b64decode(part).decode() for part in parts] == TRICKY


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        (token("region"), "data.region"),
        (f"a-{token('region')}", '"a-${data.region}"'),
        (f"a${token('region')}", '"a\\u0024${data.region}"'),
        (f"{token('region')}{{b}}", '"${data.region}{b}"'),
        (f"%{token('region')}", '"%${data.region}"'),
    ],
)
def test_a_token_becomes_a_reference(text: str, expression: str) -> None:
    """A single token is the bare expression, within a text a template. A `$` before it is kept."""
    assert quote(text, "data.{}".format) == expression


FORMATTED = """\
# Two lines
# of comment.
resource "kind" "name" {
  short       = "x"
  longer_name = 300
  flag        = true
  half        = 0.5
  reference   = var.x
  list        = ["a", 1]
  nothing     = []
  empty       = {}

  lines = join("\\n", [
    "first",
    "second",
  ])

  tags = {
    managed-by = "us"
    "a b"      = "c"
  }

  body = jsonencode({
    widgets = [
      {
        x    = 0
        name = "n"
      },
      {
        x = 1
      },
    ]
  })

  inner {
    a   = 1
    bcd = 2
  }

  other {}
}

data "kind" "name" {}
"""


def test_the_layout_is_that_of_terraform_fmt() -> None:
    """Each kind of value has the right layout. None is omitted."""
    block = Block(
        "resource",
        ("kind", "name"),
        {
            "short": "x",
            "longer_name": 300.0,
            "flag": True,
            "half": 0.5,
            "left_out": None,
            "reference": Expression("var.x"),
            "list": ("a", 1),
            "nothing": [],
            "empty": {},
            "lines": "first\nsecond",
            "tags": {"managed-by": "us", "a b": "c"},
            "body": Encoded({"widgets": [{"x": 0, "name": "n"}, {"x": 1}]}),
        },
        (Block("inner", (), {"a": 1, "bcd": 2}), Block("other")),
        comment="Two lines\nof comment.",
    )
    text = render((block, Block("data", ("kind", "name"))), str)
    assert text == FORMATTED
    assert faults(text) == []


@needs_terraform
def test_terraform_fmt_changes_nothing(tmp_path: Path) -> None:
    """`terraform fmt -check` has no output."""
    assert fmt_check(FORMATTED, tmp_path) == ""


def test_a_type_without_an_equivalent_in_hcl_is_rejected() -> None:
    """A set has no order: passing one is a programming error."""
    with pytest.raises(TypeError, match="HCL has no set"):
        file_of({1, 2})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  short       =", "  short =", "sign is not aligned"),
        ("  longer_name =", "  longer_name  =", "sign is not aligned"),
        ("  tags = {", "  tags        = {", "open bracket"),
        ("    x    = 0", "    x = 0", "sign is not aligned"),
        ("  inner {", "    inner {", "not indented by 2"),
        ("\n}\n\ndata", "\n}\ndata", "no blank line after a block"),
        ("  flag        = true", "  flag        = true ", "spaces at the end"),
        ("  inner {", "\n  inner {", "two blank lines"),
        ("  inner {\n", "  inner {\n\n", "after an opening brace"),
        ("bcd = 2\n", "bcd = 2\n\n", "before a closing brace"),
        ('"name" {}\n', '"name" {}', "one line break"),
        ("  other {}\n", "  other {\n", "left open"),
    ],
)
def test_the_checker_finds_faults(old: str, new: str, expected: str) -> None:
    """The checker of these tests works: it finds each kind of fault."""
    assert old in FORMATTED
    assert any(expected in fault for fault in faults(FORMATTED.replace(old, new, 1)))
