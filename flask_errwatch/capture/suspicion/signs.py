"""Signs of an injection, each by a character or text that it needs.

Source: the classification that was measured on 38 real access logs, widened by the differences on
four of them, and narrowed where it also matched what people write: since an injection counts on the
app's own routes too, a sign has the context that only an attempt has. They were not compared with
published rule sets.

All are searched in lower case. A regex repeats at most a fixed number of characters, and what it
repeats excludes what follows, so the effort grows with the length of the text.
"""

from __future__ import annotations

from typing import Final

#: Leaving a folder. One alone may be a broken link.
TRAVERSAL: Final = r"(?<!\.)\.\.[/\\;]|[/\\]\.\.(?:[/\\;]|$)|\.{4}[/\\]{2}|\.\.\./\./"
#: Overlong forms of ASCII that hide a separator, a dot or a quote. They are never valid UTF-8;
#: between other bytes they may be text in an older encoding.
OVERLONG: Final = (
    r"(?<![\x80-\xff])(?:\xc0[\x80\x8a\x8d\xa2\xa7\xae\xaf\xbc\xbe]|\xc1\x9c|\xe0\x80[\x80-\xbf])++"
    r"(?![\x80-\xff])"
)

#: Comments of SQL in place of blanks. The text in `/*!50000 … */` is executed.
COMMENT: Final = r"/\*[^*!]{0,64}+\*/|/\*!\d{0,6}|\*/"

#: Files that a path has only in order to leave the folder that is served.
FILES: Final = (
    *("etc/passwd", "etc/shadow", "proc/self/", "/win.ini", "/boot.ini", "/cmd.exe", "/bin/sh"),
    "/bin/bash",
)
_ADDRESSES: Final = (
    *("php://", "expect://", "phar://", "gopher://", "dict://", "zip://", "data://text"),
    *("file:///etc", "file:///proc"),
)
_TEMPORARY: Final = (" /tmp/", ";/tmp/", "|/tmp/", ">/tmp/")
#: What a question may name in other words (`q=edit+/etc/hosts`), but no parameter is.
_WHOLE: Final = ("=/etc/hosts", "=/etc/hostname")
_WORDS: Final = {
    "/": (*FILES, *_WHOLE),
    "://": _ADDRESSES,
    "tmp/": _TEMPORARY,
    "_": (
        *("base64_decode", "allow_url_include", "auto_prepend_file", "call_user_func"),
        *(
            "rest_route=/",
            "xdebug_session_start",
            "information_schema",
            "xp_cmdshell",
            "dbms_pipe",
            "pg_sleep",
        ),
        *("__proto__", "__class__", "__globals__", "__import__", "child_process"),
    ),
    ".": (
        *("169.254.169.254", "metadata.google.internal", ".burpcollaborator.", ".interact.sh"),
        *(".oast.", ".oastify.", ".bxss.", ".fromcharcode", "\\win.ini", "\\boot.ini", ":win.ini"),
    ),
    ":": ("data:text/html",),
    "\\": (r"think\app", r"think\view", r"think\request", r"\invokefunction", r"\x00", r"\cmd.exe"),
    "\0": ("\0",),
    "@": ("@@version", "@@global", "@@datadir", "@@hostname", "/@@"),
}

#: What is selected in SQL, and not in a sentence.
_SELECTED: Final = r"(?:[^a-z\s]|null\b|[a-z_.]{1,64}[(,])"
#: Phrases of SQL and of shells: they need only words and blanks.
PHRASES: Final = "|".join(
    (
        rf"union\s{{1,8}}(?:(?:all|distinct)\s{{1,8}}select\b|select\s{{1,8}}{_SELECTED})",
        r"union\s{1,8}select\s{1,8}[a-z_.]{1,64}\s{1,8}from\b",
        rf"select\s{{1,8}}{_SELECTED}[^&]{{0,64}}?\sfrom\s",
        r"waitfor\s{1,8}delay\b|into\s{1,4}(?:out|dump)file\s",
        r"order\s{1,4}by\s{1,4}\d{1,4}\s{0,4}--",
        r"\d\s{1,4}(?:or|and)\s{1,4}\(?\d{1,8}\s{0,4}[=*<>]{1,2}\s{0,4}['\"(\d]",
        r"(?:wget|curl)\s{1,4}(?:-\S{1,8}\s{1,4}){0,3}(?:https?://|ftp://|\$|\d{1,3}\.\d)",
        r"powershell(?:\.exe)?\s{1,4}-|[;&|]\s{0,4}(?:chmod|rm)\s|cd\s{1,4}/tmp",
    )
)
#: A quote that ends a text of the app's own, since none began in the value: SQL goes on behind.
_BROKEN_OUT: Final = (
    (
        r"[=&?/][^'\"=&?/]{0,128}+['\"]{1,2}\){0,3}[\s+]{0,8}(?:"
        r"(?:x?or|and)\b\s{0,8}(?:['\"][^&\s]|[^&=<>'\"]{0,64}+[=<>])|\|\|\s{0,8}['\"(a-z]"
        r"|--(?:[\s&-]|$)|#(?:&|$)|(?:order|group)\s{1,8}by\s|union\s|having\s{1,8}\d"
        r"|;\s{0,8}(?:select|insert|update|delete|drop|exec|declare|waitfor|shutdown|print|--)|(?:x?or|and)\(\w)"
    ),
)
#: Shells are called where a value begins, behind a number, with a file, or by their names.
_SHELL: Final = (
    r"[={]\s{0,4}[;|&`]{1,2}\s{0,4}(?:id|ls|cat|pwd|dir|ping|sleep|nc|sh)(?:[\s;|&`)]|$)(?!=)",
    r"\d\s{0,4}[;|]{1,2}\s{0,4}(?:id|ls|cat|pwd|dir)(?:[;|&]|$)",
    r"[;|`]\s{0,4}(?:whoami|uname|ifconfig|ipconfig|nslookup)\b|;\s{0,4}declare\s{1,4}@|\|\s{0,4}base64\s",
    r"[;|`]\s{0,4}(?:ls|cat|ping|sleep|nc|sh|bash|wget|curl)\s{1,4}(?:[-/.~$\d]|https?:)",
)
_REGEXES: Final = {
    " ": (PHRASES,),
    "'": _BROKEN_OUT,
    # An object of PHP, as it is stored.
    '"': (*_BROKEN_OUT, r"\bo:\d{1,3}:\""),
    "on": (r"[\s'\"/]on(?:error|load|click|focus|mouseover|toggle)\s{0,4}=\s{0,4}[a-z'\"]",),
    "(": (
        r"\(\s{0,8}select(?:\s{0,8}\(|\s{1,8}(?:[^a-z\s]|[a-z_.]{1,64}(?:\(|\s{1,8}from\s)))",
        r"(?:sleep|benchmark|extractvalue|updatexml|load_file|md5)\s{0,4}\(\s{0,4}['\"\d-]",
        r"select\s{1,8}(?:sleep|user|version|database)\s{0,4}\(",
        r"concat\s{0,4}\(\s{0,4}(?:0x|cha?r\(|['\"])|(?:sysdate|phpinfo|version)\(\)|passthru\(",
        r"\bcha?r\(\d{1,4}(?:,|\)\s{0,4}(?:[|,&.+]|cha?r\())",
        r"(?:alert|confirm|prompt)(?:\.call|\.apply)?\s{0,4}\(\s{0,4}(?:['\"`\d/]|document|location|window|xss|,)|javascript:set(?:interval|timeout)\(",
        r"(?:eval|assert|system|exec)\s{0,4}\(\s{0,4}(?:['\"$\\]|base64|cha?r\(|phpinfo)",
    ),
    "<": (
        r"<\s{0,4}/?(?:script|iframe)\b|<\?(?!xml)|<!entity|<!--\s{0,4}#",
        r"<(?:img|svg|body|object|embed|input|video|math|details)[\s/][^>=]{1,64}+=",
    ),
    "{": (
        # Names alone, as in `{{ url }}` and `${a:b}`, are those of a page's broken template.
        r"[$%#]\{[^{}(*$]{0,32}+[(*$]",
        r"\$\{(?:jndi|lower|upper|env|sys|java|ctx|main|script|dns|url|base64)\\?:|\$\{:",
        r"\{\{\s{0,4}(?:['\"]{2}|['\"]?\d{1,8}['\"]?\s{0,4}[*+-]|self\b|lipsum|cycler|joiner)",
        r"\{\{\s{0,4}(?:config\b|request[.|\[]|constructor|\[\])|\{\{[^{}_]{0,32}+__",
    ),
    ":": (r"=\s{0,4}javascript:(?!\s{0,4}(?:void|history|return|[;&#/]|$))",),
    # The address of a user in front of an interface of Exchange.
    "@": (r"@[\w.-]{1,64}+/(?:powershell|mapi|owa|ews|ecp|autodiscover|rpc)\b",),
    ";": _SHELL,
    "|": _SHELL,
    "`": (*_SHELL, r"(?:alert|confirm|prompt)`"),
    "$": (r"\$\((?:id|ls|cat|curl|wget|sleep|whoami|uname|nslookup|ping)[\s$);|&]|\$\(\(|\$ifs",),
    #: A header, behind a line break.
    "\n": (r"\n\s{0,4}(?:set-cookie|location|content-|x-|bcc|refresh|remote-|http/)",),
}

#: What a text must have, with the texts and the regex that are searched then.
SIGNS: Final = tuple(
    (needed, _WORDS.get(needed, ()), "|".join(_REGEXES.get(needed, ())))
    for needed in dict.fromkeys([*_WORDS, *_REGEXES])
)
