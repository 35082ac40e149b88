"""What patterns match, beyond the recorded cases: the documented rules and their edge cases."""

from __future__ import annotations

import pytest

from flask_errwatch.patterns import PatternSyntaxError, Regex, field, parse


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("", ["", "x"], []),
        (" \t\n", ["", "x"], []),
        ("a.b_1", ["xa.b_1x"], ["aXb_1"]),
        ("naïve 日本", ["日本 naïve"], ["naive 日本"]),
        ("a\tb", ["b a"], ["a"]),
        ("a-b", ["a"], ["a b", "c"]),
        ('a-"b c"', ["a b"], ["a b c"]),
        ("- a", ["b"], ["a"]),
        ("?a ?b", ["a", "b"], ["c", ""]),
        ("?a -b", ["c"], ["a b"]),
        (r'"say \"hi\""', ['say "hi"'], ["say hi"]),
        (r'"C:\\tmp\d"', [r"C:\tmp\d"], [r"C:\\tmp\d"]),
        ('"%d% [x] {y}"', ["%d% [x] {y}"], ["d"]),
        ("  ERROR  ", ["ERROR"], ["error"]),
        (' "two\twords" ', ["two\twords"], ["two words"]),
    ],
)
def test_terms(pattern: str, matching: list[str], others: list[str]) -> None:
    """Terms are substrings, quotes keep every character, optional terms count only alone."""
    _assert_matches(pattern, matching, others)


@pytest.mark.parametrize(
    ("expression", "matching", "others"),
    [
        ("abc", ["xabcx"], ["ab", "acb", ""]),
        ("a|b", ["a", "b"], ["c"]),
        ("a|", ["", "x"], []),
        ("^a|b$", ["ax", "xb"], ["xa", "bx"]),
        ("^$", [""], ["a", "\n"]),
        ("$", ["", "a"], []),
        ("a$", ["ba"], ["ab", "a\n"]),
        ("^a$", ["a"], ["b\na\nb"]),
        ("a^b", [], ["ab", "a\nb"]),
        ("a$b", [], ["ab"]),
        ("x*^a", ["a"], ["xa"]),
        ("a$x*", ["ba"], ["ax"]),
        ("^*a", ["ba"], ["b"]),
        ("a*", [""], []),
        ("^a*b?c+$", ["c", "aabcc", "bc"], ["ab", "bbc", ""]),
        ("^a{2}$", ["aa"], ["a", "aaa"]),
        ("^a{2,}$", ["aa", "aaaaa"], ["a"]),
        ("^a{,2}$", ["", "a", "aa"], ["aaa"]),
        ("^a{0}b$", ["b"], ["ab"]),
        ("^a{1,3}?b$", ["ab", "aaab"], ["b", "aaaab"]),
        ("^a??b$", ["b", "ab"], ["aab"]),
        ("^.$", ["x", "é", "日", "\udc80", "\r"], ["", "\n", "ab"]),
        (r"^\d\D\s\S\w\W$", ["1a x_!", "1é\vx_é"], ["aa x_!", "1a xé!"]),
        (r"\x28\x7C", ["(|"], ["("]),
        (r"^\xe9$", ["é"], ["e"]),
        (r"\.\-\ \$\^\\\]", [r".- $^\]"], [r"x- $^\]"]),
        ("[a-cx]", ["b", "x"], ["d", "-"]),
        ("^[^a-c]$", ["d", "日", "\n"], ["a", "c"]),
        ("^[]a]$", ["]", "a"], ["b"]),
        ("^[^]a]$", ["b"], ["]", "a"]),
        ("^[a-]$", ["a", "-"], ["b"]),
        ("^[-a]$", ["a", "-"], ["b"]),
        (r"^[\d\-x\x2a]$", ["7", "-", "x", "*"], ["y", "\\"]),
        ("^[[]$", ["["], ["]"]),
        ("a]b}", ["a]b}"], ["ab"]),
        ("[0-9]{3}-[0-9]{4}", ["555-1234"], ["55-1234"]),
        ("shutting down", ["now shutting down"], ["shuttingdown"]),
    ],
)
def test_regular_expressions(expression: str, matching: list[str], others: list[str]) -> None:
    """They are searched, anchored only by `^` and `$`, and match characters, not bytes."""
    regex = Regex(expression)
    assert [text for text in matching if not regex.search(text)] == []
    assert [text for text in others if regex.search(text)] == []
    _assert_matches(f" %{expression}% ", matching, others)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("{$.a=1}", [' {"a":1}\n', '\t{"a": 1.0}'], ['x{"a":1}', '{"a":1},', '"{}"', "", "1"]),
        ("{ $.a = 0.1 }", ['{"a":0.1}', '{"a":0.10}', '{"a":1e-1}'], ['{"a":0.11}']),
        ("{ $.a = 0.10 }", ['{"a":0.1}', '{"a":"0.10"}'], ['{"a":"0.1"}']),
        ("{ $.a = .5 }", ['{"a":0.5}', '{"a":".5"}'], ['{"a":"0.5"}']),
        ("{ $.a = 0 }", ['{"a":-0}', '{"a":0.0}'], ['{"a":false}', '{"a":""}']),
        (
            "{ $.a = 18446744073709551617 }",
            ['{"a":18446744073709551617}'],
            ['{"a":18446744073709551616}', '{"a":18446744073709551617.0}'],
        ),
        ("{ $.a < -9223372036854775809 }", ['{"a":-9223372036854775810}'], ['{"a":-1}']),
        ("{ $.a > 1e300 }", ['{"a":1e301}'], ['{"a":1e300}', '{"a":1e999}']),
        ("{ $.a != 1 }", ['{"a":2}', '{"a":"2"}'], ['{"a":1e999}', '{"a":true}', "{}"]),
        ("{ $.a != x }", ['{"a":1e999}', '{"a":1}'], ['{"a":"x"}', '{"a":null}']),
        ("{ $.a = Infinity }", ['{"a":1e309}', '{"a":"Infinity"}'], ['{"a":Infinity}']),
        ('{ $.a = "-Infinity" }', ['{"a":-1e309}'], ['{"a":NaN}']),
        ('{ $.a = "1000.0" }', ['{"a":1e3}', '{"a":1000.0}'], ['{"a":1000}']),
        ('{ $.a = "1.0E7" }', ['{"a":1e7}', '{"a":10000000.0}'], ['{"a":10000000}']),
        ('{ $.a = "-1.25E-4" }', ['{"a":-0.000125}'], ['{"a":0.000125}']),
        ('{ $.a = "0.0" }', ['{"a":0.0}', '{"a":1e-999}'], ['{"a":0}']),
        ('{ $.a = "1.8446744073709552E19" }', ['{"a":1.8446744073709552e19}'], []),
        ("{ $.a = 184467440737095516* }", ['{"a":18446744073709551617}'], ['{"a":1844}']),
        ("{ $.a = 9* }", ['{"a":9007199254740993}', '{"a":"9x"}'], ['{"a":19}']),
        ("{ $.a = 4*4 }", ['{"a":404}', '{"a":44}'], ['{"a":4}', '{"a":45}']),
        ('{ $.a = "a*b*c" }', ['{"a":"abc"}', '{"a":"a-b-b-c"}'], ['{"a":"acb"}', '{"a":"ac"}']),
        ('{ $.a = "aa*aa" }', ['{"a":"aaaa"}'], ['{"a":"aaa"}']),
        ("{ $.a = us-east-1 }", ['{"a":"us-east-1"}'], ['{"a":"us"}']),
        ("{ $.a = 1.2.3.4 }", ['{"a":"1.2.3.4"}'], ['{"a":"1.2.3"}']),
        ("{ $.a != * }", [], ['{"a":1}', '{"a":""}', '{"a":null}', "{}"]),
        ('{ $.a = "" }', ['{"a":""}'], ['{"a":" "}', '{"a":null}', '{"a":0}']),
        (r'{ $.a = "say \"}\"" }', ['{"a":"say \\"}\\""}'], ['{"a":"say"}']),
        ('{ $.a = "é\\u" }', ['{"a":"\\u00e9\\\\u"}'], []),
        ("{ $.a = %^4..$% }", ['{"a":404}', '{"a":"4xx"}'], ['{"a":4040}', '{"a":[404]}']),
        ("{ $.a != %^4% }", ['{"a":500}', '{"a":""}'], ['{"a":404}', '{"a":null}', "{}"]),
        ('{ $.a = "*\\ud83d*" }', [], ['{"a":"\\ud83d"}']),
        ("{ $.a = *x* && $.b = * }", ['{"a":"\\ud800x","b":1}'], ['{"a":"x"}']),
        ("{ $.a is Null }", ['{"a":null}', '{"a":[1,null]}'], ['{"a":[[null]]}', "{}"]),
        ("{ $.a IS true }", ['{"a":true}'], ['{"a":[true]}', '{"a":1}', '{"a":"true"}']),
        ("{ $.a = TRUE }", ['{"a":"TRUE"}'], ['{"a":true}', '{"a":"true"}']),
        ("{ $.a[*] IS FALSE }", ['{"a":[1,false]}'], ['{"a":[0]}', '{"a":false}']),
        ("{ $.a not exists }", ["{}", '{"b":1}'], ['{"a":null}', "[]", "x"]),
        ("{ $.a[1] NOT EXISTS }", ['{"a":[1]}', '{"a":{"1":1}}'], ['{"a":[1,null]}']),
        ("{ $.a[*].b NOT EXISTS }", ['{"a":[]}', "{}", '{"a":[{}]}'], ['{"a":[{},{"b":1}]}']),
        ("{ $.*.a != 1 }", ["{}", '{"b":{"a":2}}'], ['{"b":{"a":1}}', "[]"]),
        ("{ $.a[*] > 1 }", ['{"a":[0,2]}', '{"a":{"x":2}}'], ['{"a":["2"]}', '{"a":2}']),
        ("{ $.a.*.b = 1 }", ['{"a":[{"b":1}]}', '{"a":{"x":{"b":1}}}'], ['{"a":{"b":1}}']),
        ("{ $.['a b'].['c.d'] = 1 }", ['{"a b":{"c.d":1}}'], ['{"a b":{"c":{"d":1}}}']),
        ("{ $.['*'] = 1 }", ['{"*":1}'], ['{"a":1}']),
        ("{ $.['it's'] = 1 }", ['{"it\'s":1}'], []),
        ("{ $.['']=1 }", ['{"":1}'], ["{}"]),
        ("{ $.日-本_1 = 1 }", ['{"日-本_1":1}'], []),
        ("{ $.a.0 = 1 }", ['{"a":{"0":1}}'], ['{"a":[1]}']),
        ("{ $.a[007] = 1 }", ['{"a":[0,0,0,0,0,0,0,1]}'], ['{"a":[1]}']),
        (
            "{ $.a=1||$.b=1&&$.c=1 }",
            ['{"a":1}', '{"b":1,"c":1}', '{"a":1,"b":1}'],
            ['{"b":1}', '{"c":1}'],
        ),
        ("{(($.a=1)||($.b=1))&&(($.c=1))}", ['{"a":1,"c":1}'], ['{"a":1}', '{"c":1}']),
        ("{" + "(" * 50 + "$.a=1" + ")" * 50 + "}", ['{"a":1}'], ["{}"]),
        ("{\n\t$.a = 1\n&&\n$.b = 2\n}\n", ['{"a":1,"b":2}'], ['{"a":1}']),
    ],
)
def test_json_patterns(pattern: str, matching: list[str], others: list[str]) -> None:
    """Numbers are exact, doubles are spelled as in Java, selectors follow paths and wildcards."""
    _assert_matches(pattern, matching, others)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("[]", ["", "a b"], []),
        ("[...]", ["", "a b"], []),
        ("[a]", ["x", "x y", " x"], ["", "  "]),
        ("[a, ..., b]", ["x y", "x 1 2 y"], ["x"]),
        ("[a = 404]", ["404", "404.0", "0404", "+404", "4.04e2"], ["404 x", "x", "404x"]),
        ('[a = "404"]', ["404"], ["404.0"]),
        ("[a != 404]", ["x", "405", "404 x"], ["404", "404.0"]),
        ("[a >= 400 && a < 500, ...]", ["404 x", "499.9"], ["500", "abc", "4_0_4", "inf"]),
        ("[a = 1e2]", ["100"], ["1e2147483648", "1e99999999999999999999"]),
        ("[..., a = 4*, b]", ["x 404 1", "404 1"], ["404", "1 404"]),
        ('[a = "x y*", b]', ['"x yz" 1', "[x y] 1"], ["x y 1"]),
        ("[a = *, b = *]", ['"" 1', "[] 1"], ["x"]),
        ("[a = %^/x%, ...]", ["/x/y"], ["a/x"]),
        ("[a != %^/x%, ...]", ["a/x"], ["/x/y"]),
        ("[(a = 1 || a = 2) && a != 2]", ["1"], ["2", "3"]),
        ("[a = -, b]", ["- x"], ["x -"]),
        ("[ user_1 = null , ]", ["null x"], ["null", "x null"]),
    ],
)
def test_space_delimited_patterns(pattern: str, matching: list[str], others: list[str]) -> None:
    """Fields are tokens, the last contains the rest, and a condition tests one field."""
    _assert_matches(pattern, matching, others)


@pytest.mark.parametrize(
    ("pattern", "line", "fields"),
    [
        ("[]", "", {}),
        ("[...]", 'a "b', {"$1": "a", "$2": '"b'}),
        ("[..., b]", "1 2 3", {"$1": "1", "$2": "2", "$b": "3"}),
        ("[a, ...]", "1 [2 3] 4", {"$a": "1", "$2": "2 3", "$3": "4"}),
        ("[a, ..., ,c]", "1 2 3 4", {"$a": "1", "$2": "2", "$3": "3", "$c": "4"}),
        ("[a]", '  "x y" z ', {"$a": '"x y" z '}),
        ("[a]", '  "x y" ', {"$a": "x y"}),
        ("[]", '"a"b c"d e"[f g]h', {"$1": "a", "$2": "b", "$3": 'c"d', "$4": 'e"[f', "$5": "g]h"}),
        ("[]", '[a "b] "c]"', {"$1": 'a "b', "$2": "c]"}),
        ("[]", "a\u00a0b\x0bc", {"$1": "a\u00a0b", "$2": "c"}),
        ("ERROR", "ERROR", {}),
        ("%E%", "ERROR", {}),
        ("{ $.a = 1 }", '{"a":1}', {}),
    ],
)
def test_extracted_values(pattern: str, line: str, fields: dict[str, str]) -> None:
    """Fields are extracted by name, or by number from 1. Other patterns extract nothing."""
    assert parse(pattern).extract(line) == fields


def test_a_line_that_does_not_match_extracts_nothing() -> None:
    """None means no match, an empty dict means that nothing is extracted."""
    for pattern in ("ERROR", "%E%", "{ $.a = 1 }", "[a = 1, b]"):
        assert parse(pattern).extract("x") is None


@pytest.mark.parametrize(
    ("pattern", "line", "selector", "published"),
    [
        ("{ $.a = * }", '{"a":1,"b":{"c":[2.5]}}', "$.b.c[0]", 2.5),
        ("{ $.a = * }", '{"a":"11.5"}', "$.a", 11.5),
        ("{ $.a = * }", '{"a":"x"}', "$.a", None),
        ("{ $.a = * }", '{"a":1e999}', "$.a", None),
        ("{ $.a = * }", '{"a":"1e999"}', "$.a", None),
        ("{ $.a = * }", '{"a":36893488147419103232}', "$.a", 36893488147419103232.0),
        ("{ $.a = * }", '{"a":1,"b":true,"c":null}', "$.b", None),
        ("{ $.a = * }", '{"a":1,"b":true,"c":null}', "$.c", None),
        ("{ $.a = * }", '{"a":1}', "$.missing", None),
        ("{ $.a = 2 }", '{"a":1}', "$.a", None),
        ("{ $.a = 2 }", "no JSON", "$.a", None),
        ("{ $.a = 1 }", '{"a":1}', "7", 7.0),
        ("{ $.a = 2 }", '{"a":1}', "7", None),
        ("[a, b]", "x 12", "$b", 12.0),
        ("[a, ]", "x 1e3", "$2", 1000.0),
        ("[a, b]", "x 12 ms", "$b", None),
        ("[a, b]", "x 12", "$missing", None),
        ("[a, b]", "x", "$b", None),
        ("ERROR", "ERROR", "1", 1.0),
        ("ERROR", "ERROR", "1e999", None),
        ("ERROR", "ERROR 5", "$.a", None),
    ],
)
def test_published_values(pattern: str, line: str, selector: str, published: float | None) -> None:
    """A metric value is a finite number or a string that spells one, in a line that matches."""
    assert parse(pattern).value(line, selector) == published


@pytest.mark.parametrize("selector", ["$.a[*]", "$a", "$.", "a", ""])
def test_a_metric_value_has_one_selector(selector: str) -> None:
    """A wildcard and an invalid selector are rejected."""
    with pytest.raises(PatternSyntaxError):
        parse("{ $.a = 1 }").value('{"a":1}', selector)


def test_json_that_is_nested_too_deeply_does_not_match() -> None:
    """It does not exhaust the stack in either decoder."""
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    assert not parse("{ $.b NOT EXISTS }").matches(deep)
    assert parse("{ $.b NOT EXISTS }").matches('{"a":' * 1000 + "1" + "}" * 1000)


def test_builders_write_the_json_form() -> None:
    """Each builder produces a text that parses, with parentheses only where they matter."""
    either = (field("$.a") == 1) | (field("$.b[*].c") != 'say "x"')
    assert str(either) == '{ $.a = 1 || $.b[*].c != "say \\"x\\"" }'
    assert str(either & (field("$.['x.y']") >= 2.5)) == (
        '{ ($.a = 1 || $.b[*].c != "say \\"x\\"") && $.[\'x.y\'] >= 2.5 }'
    )
    bounds = (field("$.n") < 1) | (field("$.n") <= 2) | (field("$.n") > 3)
    assert str(bounds) == "{ $.n < 1 || $.n <= 2 || $.n > 3 }"
    unary = field("$.a").is_null() & field("$.b").is_true() & field("$.c").is_false()
    assert str(unary) == "{ $.a IS NULL && $.b IS TRUE && $.c IS FALSE }"
    assert str(field("$.*").not_exists()) == "{ $.* NOT EXISTS }"
    assert str(field("$.*.a").is_scalar()) == '{ $.*.a = "*" }'
    assert str(field("$.a") == Regex("^4")) == "{ $.a = %^4% }"


def test_patterns_are_values() -> None:
    """They compare and hash by their conditions, not by their spelling."""
    assert parse("{$.a=b&&($.c=1&&$.['d']=2)}") == parse('{ $.a = "b" && $.c = 1 && $.d = 2 }')
    assert parse("{ $.a.* = 1 }") == parse("{ $.a[*] = 1 }")
    assert parse("{ $.a = 1 }") != parse('{ $.a = "1" }')
    assert parse("{ $.a = 1 }") != parse("{ $.a = 1.0 }")
    assert parse("[a=1,b]") == parse("[ a = 1 , b ]") != parse("[a=1,c]")
    assert parse('"a" b') == parse("a  b") != parse("b a")
    assert parse("%a%") == parse(" %a% ") != parse("a")
    assert len({parse("{$.a=1}"), parse("{ $.a = 1 }"), field("$.a") == 1}) == 1
    assert (field("$.a") == 1) == parse("{ $.a = 1 }")


def _assert_matches(pattern: str, matching: list[str], others: list[str]) -> None:
    parsed = parse(pattern)
    assert [line for line in matching if not parsed.matches(line)] == []
    assert [line for line in others if parsed.matches(line)] == []


@pytest.mark.parametrize(
    ("pattern", "line", "is_match"),
    [
        (r'{ $.a = "x\"y" }', r'{"a": "x\"y"}', True),
        (r'{ $.a = "C:\dir" }', r'{"a": "C:\\dir"}', True),
        (r'{ $.a = "C:\\dir" }', r'{"a": "C:\\dir"}', True),
        ('[a = "x y"]', "  x y", True),
        ("{ $.a[*].b NOT EXISTS }", '{"a": [{"b": 1}, {}]}', False),
        ("{ $.a[*].b NOT EXISTS }", '{"a": [{}]}', True),
        ("%a|%", "z", True),
        ("%^.$%", "\r", True),
        ("%^.$%", "\v", True),
        ("%^.$%", "\u2028", True),
        ("%^.$%", "\n", False),
        (r"%^\s$%", "\v", True),
        (r"%^\s$%", "\r", True),
        (r"%^\s$%", "\u2028", False),
    ],
)
def test_our_choices_where_aws_is_undocumented(pattern: str, line: str, *, is_match: bool) -> None:
    """They are those that `docs/patterns.md` lists."""
    assert parse(pattern).matches(line) is is_match
