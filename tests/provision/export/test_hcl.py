"""HCL: what is written is laid out as `terraform fmt` leaves it, and read back the same."""

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

#: Every character that HCL has a rule for, where the rules get into each other's way.
TRICKY = [
    *("${x}", "$${x}", "$$${x}", "$$$${x}", "%{ if }", "%%{", "%%%{", "$%{", "${${", "$", "a$"),
    *('a\\"b', "\n", "a\r\n\tb", "\x00\x1f\x7f", "é😀", "\u2028", "\\u0024{x}", "", " ", "$\n{"),
]


def file_of(value: object) -> str:
    """A file with the value in three places: an argument, a list and a key's value."""
    arguments = {"plain": value, "longer_name": [value, value], "object": {"a b": value, "c": 1}}
    return render((Block("resource", ("kind", "name"), arguments),), str)


#: python-hcl2 8.1 reads these as templates that are left open; terraform does not.
NOT_FOR_HCL2 = {"$%{", "${${"}


@pytest.mark.parametrize("text", TRICKY)
def test_a_text_is_read_back_as_it_was(text: str) -> None:
    """Quotes, templates, control characters: nothing is lost, and nothing becomes code."""
    assert literal(quote(text, str)) == text
    assert faults(file_of(text)) == []
    if text not in NOT_FOR_HCL2:
        said = read(file_of(text)).resource("kind.name")
        assert said == {"plain": text, "longer_name": [text, text], "object": {"a b": text, "c": 1}}


@given(st.lists(st.sampled_from(["$", "%", "{", "}", '"', "\\", "\n", "u0024", "é", "a"])))
def test_any_text_is_read_back_as_it_was(parts: list[str]) -> None:
    """Whatever a person configures stands in the file and does nothing else."""
    assert literal(quote("".join(parts), str)) == "".join(parts)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_character_can_be_written(text: str) -> None:
    """Printable ones as they are, the others as escapes, so that a line stays a line."""
    written = quote(text, str)
    assert literal(written) == text
    assert written.isprintable()


@needs_terraform
def test_terraform_itself_reads_the_tricky_texts_the_same(tmp_path: Path) -> None:
    """The judge of our reader: `terraform console` gives every text back."""
    joined = ", ".join(quote(text, str) for text in TRICKY)
    answer = evaluated(f'join("|", [for each in [{joined}] : base64encode(each)])', tmp_path)
    parts = base64.b64decode(answer).decode().split("|")
    assert [base64.b64decode(part).decode() for part in parts] == TRICKY


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (token("region"), "data.region"),
        (f"a-{token('region')}", '"a-${data.region}"'),
        (f"a${token('region')}", '"a\\u0024${data.region}"'),
        (f"{token('region')}{{b}}", '"${data.region}{b}"'),
        (f"%{token('region')}", '"%${data.region}"'),
    ],
)
def test_a_token_becomes_a_reference(text: str, written: str) -> None:
    """Alone it is the bare expression, in a text a template; a `$` before it stays a `$`."""
    assert quote(text, "data.{}".format) == written


WRITTEN = """\
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


def test_the_layout_is_that_of_the_formatter() -> None:
    """Each kind of value in its place; None is left out."""
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
    assert text == WRITTEN
    assert faults(text) == []


@needs_terraform
def test_the_formatter_leaves_it_alone(tmp_path: Path) -> None:
    """`terraform fmt -check` finds nothing to change."""
    assert fmt_check(WRITTEN, tmp_path) == ""


def test_a_value_that_hcl_has_not_is_refused() -> None:
    """A set has no order; it is a mistake of ours."""
    with pytest.raises(TypeError, match="HCL has no set"):
        file_of({1, 2})


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("  short       =", "  short =", "under its neighbours'"),
        ("  longer_name =", "  longer_name  =", "under its neighbours'"),
        ("  tags = {", "  tags        = {", "open bracket"),
        ("    x    = 0", "    x = 0", "under its neighbours'"),
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
def test_the_checker_finds_faults(old: str, new: str, found: str) -> None:
    """The checker of these tests is no rubber stamp: each kind of fault is told."""
    assert old in WRITTEN
    assert any(found in fault for fault in faults(WRITTEN.replace(old, new, 1)))
