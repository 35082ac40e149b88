"""Patterns that CloudWatch would reject: the error's position, and what to write instead."""

from __future__ import annotations

import json

import pytest

from flask_errwatch.errors import ErrWatchError
from flask_errwatch.patterns import PatternSyntaxError, Regex, check_group, field, parse


def test_an_error_shows_the_pattern_a_caret_and_a_remedy() -> None:
    """The message is the pattern, a caret under the mistake, and what to write."""
    with pytest.raises(PatternSyntaxError) as caught:
        parse("{ $.status == 404 }")
    assert str(caught.value) == (
        "{ $.status == 404 }\n            ^\nWrite a single '=' for equality."
    )
    assert caught.value.source == "{ $.status == 404 }"
    assert isinstance(caught.value, ErrWatchError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("pattern", "position", "words"),
    [
        # terms
        ("ERROR *", 6, "double quotes"),
        ("a/b", 1, "double quotes"),
        ("--a", 1, "double quotes"),
        ('""', 0, "between the quotes"),
        ('"ERROR', 0, "Close the quoted text"),
        ('"ends in a backslash\\"', 0, "Close the quoted text"),
        ('"A"B', 3, "double quotes"),
        ('A"B"', 1, "blank before the quote"),
        ("ERROR -", 7, "after the operator"),
        ("ERROR %B%", 6, "double quotes"),
        ("?%B%", 1, "double quotes"),
        # patterns that are a regular expression
        ("%", 0, "second '%'"),
        ("%abc", 0, "second '%'"),
        ("%%", 1, "between the percent signs"),
        ("%A% %B%", 4, "join two with '|'"),
        # JSON
        ("{", 1, "selector"),
        ("{ }", 2, "selector"),
        ("{ $.a", 5, "comparison"),
        ("{ $.a = 1", 9, "close with '}'"),
        ("{ $.a = 1 } x", 12, "after '}'"),
        ("{ $.a = 1 && }", 13, "selector"),
        ("{ $.a = }", 8, "Write a number, a word"),
        ("{ $.a = null }", 8, "IS NULL"),
        ("{ $.a = Null }", 8, "IS NULL"),
        ("{ $.a = 'x' }", 8, "double quotes"),
        ("{ $.a = a:b }", 9, "close with '}'"),
        ("{ $.a = 1 & $.b = 2 }", 10, "'&&'"),
        ("{ $.a = 1 | $.b = 2 }", 10, "'||'"),
        ("{ $.a = 1 and $.b = 2 }", 10, "'&&'"),
        ("{ !($.a = 1) }", 2, "negation with"),
        ("{ ($.a = 1 }", 11, "')'"),
        ("{ $.a > 4* }", 8, "bare number"),
        ('{ $.a >= "1" }', 9, "bare number"),
        ("{ $.a < %1% }", 8, "bare number"),
        ("{ $.a = 1e2147483648 }", 8, "32 bits"),
        ("{ $.a = 1e-2147483649 }", 8, "32 bits"),
        ("{ $.a = 0.1e-2147483647 }", 8, "32 bits"),
        ("{ $.a = 1e999999999999999 }", 8, "32 bits"),
        ("{ $.a EXISTS }", 6, "NOT EXISTS"),
        ("{ $.a IS NOT NULL }", 9, "IS NULL"),
        ("{ $.a NOT NULL }", 10, "NOT EXISTS"),
        ("{ $.a = %x }", 8, "second '%'"),
        ("{ $.a = %[z-a]% }", 10, "lower to a higher"),
        ("{ $ = 1 }", 3, "property"),
        ("{ $[0] = 1 }", 3, "property"),
        ("{ $['a'] = 1 }", 3, "property"),
        ("{ $..a = 1 }", 4, "letters, digits"),
        ('{ $.["a"] = 1 }', 4, "letters, digits"),
        ("{ $.['a = 1 }", 6, "Close the key"),
        ("{ $.a[-1] = 1 }", 5, "index"),
        ("{ $.a[0:2] = 1 }", 5, "index"),
        ("{ $.a[] = 1 }", 5, "index"),
        ("{ $.a[*].* = 1 }", 2, "one wildcard"),
        ("{ $.a[*]=1 || $.b.*=1 || $.c[*]=1 || $.d[*]=1 }", 37, "3 wildcard"),
        ("{ $.a=%a% && $.b=%b% && $.c=%c% }", 28, "2 regular expressions"),
        ("{" + "(" * 51 + "$.a=1" + ")" * 51 + "}", 51, "50 parentheses"),
        # space-delimited
        ("[a, b", 5, "close with ']'"),
        ("[a b]", 3, "close with ']'"),
        ("[a] b", 4, "after ']'"),
        ("[a, a]", 4, "only once"),
        ("[..., a, ...]", 9, "only once"),
        ("[a == 1]", 4, "single '='"),
        ("[a = ]", 5, "Write a number, a word"),
        ("[a=1 || b=2]", 8, "Test only a"),
        ("[2xx]", 1, "not beginning with a digit"),
        ("[$a]", 1, "field name"),
        ("[a > ERROR]", 5, "bare number"),
        ("[a=%a%, b=%b%, c=%c%]", 17, "2 regular expressions"),
    ],
)
def test_an_invalid_pattern_is_rejected_at_its_mistake(
    pattern: str, position: int, words: str
) -> None:
    """The error has the position of the mistake and states what to write."""
    with pytest.raises(PatternSyntaxError) as caught:
        parse(pattern)
    assert (caught.value.source, caught.value.position) == (pattern, position)
    assert words in caught.value.remedy


@pytest.mark.parametrize(
    ("expression", "position", "words"),
    [
        ("", 0, "Write an expression"),
        ("a!", 1, r"\x21"),
        ("(ab)+", 0, "no groups"),
        (r"\(", 1, "no groups"),
        ("日", 0, "ASCII only"),
        (r"\p", 0, r"\d \D"),
        (r"\b", 0, r"\d \D"),
        ("a\\", 1, r"\d \D"),
        (r"\x4", 0, "two hexadecimal"),
        (r"\xzz", 0, "two hexadecimal"),
        ("*a", 0, "before '*'"),
        ("a|+", 2, "before '+'"),
        ("a++", 2, "one quantifier"),
        ("a+?*", 3, "one quantifier"),
        ("a{2}{3}", 4, "one quantifier"),
        ("a{", 1, "{m,n}"),
        ("a{,}", 1, "{m,n}"),
        ("a{x}", 1, "{m,n}"),
        ("a{3,2}", 1, "{2,3}"),
        ("a{1001}", 1, "1,000 times"),
        ("a{99999999999}", 1, "1,000 times"),
        ("a{1000}" * 11, 70, "10,000"),
        ("[a", 0, "Close the class"),
        ("[]", 0, "Close the class"),
        ("[^]", 0, "Close the class"),
        ("[z-a]", 1, "lower to a higher"),
        (r"[a-\d]", 1, "lower to a higher"),
        ("[[:alpha:]]", 1, "[: :]"),
    ],
)
def test_an_invalid_regular_expression_is_rejected_at_its_mistake(
    expression: str, position: int, words: str
) -> None:
    """The error has the position of the mistake and states what to write."""
    with pytest.raises(PatternSyntaxError) as caught:
        Regex(expression)
    assert (caught.value.source, caught.value.position) == (expression, position)
    assert words in caught.value.remedy


def test_a_pattern_has_at_most_1024_characters() -> None:
    """The 1,025th character is the mistake, in patterns that are parsed and in those built."""
    assert parse("a" * 1024).matches("a" * 1024)
    with pytest.raises(PatternSyntaxError, match="Shorten") as caught:
        parse("a" * 1025)
    assert caught.value.position == 1024
    with pytest.raises(PatternSyntaxError, match="Shorten"):
        _ = field("$.a") == "a" * 1024


def test_built_patterns_keep_the_quotas() -> None:
    """Patterns that are joined are checked like patterns that are parsed."""
    pattern = field("$.a[*]") == Regex("a")
    with pytest.raises(PatternSyntaxError, match="2 regular expressions"):
        _ = pattern & pattern & pattern
    with pytest.raises(PatternSyntaxError, match="bare number"):
        _ = field("$.a") > "x"  # type: ignore[operator]  # what a caller without types may write


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_only_finite_numbers_are_compared(value: float) -> None:
    """A number that the language cannot spell is rejected, not written as a word."""
    with pytest.raises(PatternSyntaxError, match="finite"):
        _ = field("$.a") == value


def test_constants_have_methods() -> None:
    """True, False and None are not literals of the language."""
    with pytest.raises(TypeError, match="is_true"):
        _ = field("$.a") == True  # noqa: E712 - the mistake itself
    with pytest.raises(TypeError, match="is_null"):
        _ = field("$.a") == None  # noqa: E711 - the mistake itself


@pytest.mark.parametrize("selector", ["event", "$", "$.a b", "$.a[*][*]", ""])
def test_a_field_is_a_selector(selector: str) -> None:
    """An invalid selector is rejected at once."""
    with pytest.raises(PatternSyntaxError):
        field(selector)


def test_a_log_group_has_five_filters_with_a_regular_expression() -> None:
    """Each pattern with a regular expression counts once. The sixth is rejected and named."""
    with_regex = ["%a%", "{ $.a = 1 && $.b = %b% }", "[a = %a% || a = %b%, b]", "%b%", "%c%"]
    without = ["a", "", "{ $.a IS NULL }", '{ $.a = "%a%" }', "[]", "[..., a, b = 1]"]
    check_group(map(parse, with_regex + without))
    with pytest.raises(PatternSyntaxError, match="at most 5 filters") as caught:
        check_group(map(parse, [*with_regex, *without, "%sixth%"]))
    assert caught.value.source == "%sixth%"


@pytest.mark.parametrize("word", ["हिन्दी", "ไทยที่", "cafe\u0301"])
def test_a_letter_may_carry_marks(word: str) -> None:
    """Words with combining marks need no quotes, nor do words with decomposed accents."""
    assert parse(f"a {word}").matches(f"{word} a")
    assert not parse(f"a {word}").matches(f"{word[:-1]} a")
    assert parse(f"{{ $.{word} = {word} }}").matches(json.dumps({word: word}))
    assert (field(f"$.{word}") == word).matches(json.dumps({word: word}))


@pytest.mark.parametrize("text", ["\u0301a", "1\u0301", "_\u0301"])
def test_a_mark_without_a_letter_is_rejected(text: str) -> None:
    """A combining mark belongs to the letter before it."""
    with pytest.raises(PatternSyntaxError):
        parse(text)


@pytest.mark.parametrize("text", [None, 5, b"x"])
def test_a_pattern_is_a_string(text: object) -> None:
    """Any other type raises a TypeError that says what to write."""
    with pytest.raises(TypeError, match=r"Write the pattern as a str, .* not as (None|5|b'x')"):
        parse(text)  # type: ignore[arg-type]  # wrong on purpose


def test_a_number_that_is_too_long_is_rejected() -> None:
    """It raises a PatternSyntaxError, although str() raises a ValueError for such an integer."""
    for number in (10**5000, -(10**5000)):
        with pytest.raises(PatternSyntaxError, match="1,024"):
            assert field("$.a") == number
    assert str(field("$.a") == 10**30) == "{ $.a = 1" + "0" * 30 + " }"
