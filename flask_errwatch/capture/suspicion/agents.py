"""Kinds of user agents: what sends a request, by its own account.

Source: for scanners and libraries, the classification that was measured on 38 real access logs, and
names of programs that are known beside it; for crawlers, names that are generally known, of which
those in four of the logs were seen. None was compared with its vendor's page.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

#: Characters of a user agent that are read.
LENGTH: Final = 512
#: User agents whose kind is kept: an app sees the same ones again.
_KEPT: Final = 512

#: Programs that look for weaknesses, and surveys of the whole internet.
SCANNERS: Final = (
    *("nikto", "sqlmap", "nuclei", "wpscan", "dirbuster", "gobuster", "ffuf", "fuzz faster"),
    *("feroxbuster", "wfuzz", "hydra", "nmap", "zgrab", "masscan", "acunetix", "netsparker"),
    *("w3af", "arachni", "dirsearch", "l9explore", "l9tcpid", "leakix", "zmeu", "morfeus"),
    *("jorgee", "expanse", "censys", "genomecrawl", "scanner", "whatvpn", "what-vpn", "odin;"),
    *("internet-measurement", "internetmeasur", "modat", "shodan", "visionheight", "palo alto"),
    *("paloalto", "cypex", "netsystemsresearch", "bbot", "pentest", "muieblackcat", "whatweb"),
    *("openvas", "qualys", "nessus", "detectify", "assetnote", "onlyscans", "burp", "commix"),
    *("havij", "jaeles", "httpx -", "xfa1", "fuzz", "tenable", "rapid7", "projectdiscovery"),
)

#: Crawlers that declare themselves: search, previews of links, archives, models, monitors.
CRAWLERS: Final = (
    *("googlebot", "googleother", "google-inspectiontool", "google-read-aloud", "google-safety"),
    *("google-site-verification", "googleimageproxy", "storebot-google", "adsbot", "feedfetcher"),
    *("mediapartners-google", "apis-google", "bingbot", "bingpreview", "msnbot", "adidxbot"),
    *("slurp", "duckduckbot", "duckassist", "baiduspider", "yandexbot", "yandex.com/bots"),
    *("sogou", "seznambot", "petalbot", "qwantify"),
    *("applebot", "exabot", "mojeekbot", "yeti/", "coccocbot", "360spider"),
    *("bytespider", "gptbot", "chatgpt-user", "oai-searchbot", "claudebot", "claude-", "ccbot"),
    *("perplexity", "amazonbot", "meta-externalagent", "facebookexternalhit", "facebot"),
    *("cohere-", "diffbot", "twitterbot", "linkedinbot", "slackbot", "slack-img", "discordbot"),
    *("telegrambot", "whatsapp", "pinterestbot", "redditbot", "skypeuripreview", "embedly"),
    *("ahrefsbot", "ahrefssite", "semrush", "mj12bot", "dotbot", "rogerbot", "blexbot"),
    *("dataforseo", "serpstat", "barkrowler", "screaming frog", "siteaudit", "awariobot"),
    *("archive.org_bot", "ia_archiver", "heritrix", "turnitin", "trendiction", "neevabot"),
    *("uptimerobot", "pingdom", "statuscake", "site24x7", "betteruptime", "newrelicpinger"),
    *("elb-healthchecker", "kube-probe", "amazon-route53-health", "googlehc", "cloudflare-"),
    *("w3c_validator", "feedly", "feedburner", "bloglovin", "inoreader", "crawler4j"),
)

#: HTTP libraries and command lines that call themselves a browser first, or are called so.
LIBRARIES: Final = (
    *("python", "curl", "wget", "go-http", "libwww", "okhttp", "axios", "aiohttp", "httpx"),
    *("http-client", "httpclient", "asynchttp", "headless", "phantomjs", "scrapy", "selenium"),
    *("playwright", "puppeteer"),
)

#: How the user agent of a browser begins.
_BROWSERS: Final = ("mozilla/", "opera/", "user-agent: mozilla/")
#: What a program that crawls calls itself, if it also gives an address where it is explained.
_CRAWLS: Final = ("bot", "crawl", "spider")


@lru_cache(maxsize=_KEPT)
def agent_kind(agent: str, expected: tuple[str, ...] = ()) -> str:
    """The kind of a user agent: one of the values of the field `agent`.

    A program that names neither itself nor a browser is a library: no browser does without
    `Mozilla/`. An unknown crawler is one that gives the address of its explanation.

    Args:
        agent: The user agent, of at most `LENGTH` characters.
        expected: Parts of the user agents of the site's own monitors, in lower case.

    Example:
        >>> agent_kind("curl/8.5.0"), agent_kind("-"), agent_kind("Mozilla/5.0 zgrab/0.x")
        ('library', 'empty', 'scanner')
        >>> agent_kind("curl/8.5.0 (probe of shop)", ("probe of shop",))
        'crawler'
    """
    text = agent.strip().lower()
    if text in {"", "-"}:
        return "empty"
    if _has_any(text, expected):
        return "crawler"
    if _has_any(text, SCANNERS):
        return "scanner"
    if _has_any(text, CRAWLERS):
        return "crawler"
    if ("http" in text or "@" in text) and _has_any(text, _CRAWLS):
        return "crawler"
    is_browser = text.startswith(_BROWSERS) and not _has_any(text, LIBRARIES)
    return "browser" if is_browser else "library"


def _has_any(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)
