"""Names of files and methods: what no Flask app serves, and what every client requests.

Source: the classification that was measured on 38 real access logs. It was not compared with
published rule sets.
"""

from __future__ import annotations

from typing import Final

_FOREIGN: Final = """
php php3 php4 php5 php7 php8 phtml phps asp aspx ashx asmx axd jsp jspx jsf do action cgi pl cfm
cfc jhtml shtml nsf dll exe woa mwsl esp sh bat jar war ini conf cnf cfg env htaccess htpasswd pem
key ppk rdp
"""
_DUMPS: Final = """
sql sqlite sqlite3 db mdb bak bkp backup old orig save swp swo tmp dump log zip tar gz tgz rar 7z
bz2 xz
"""
_SECRETS: Final = """
app application db database mail email smtp aws s3 ftp sftp server web site env prod production
dev local default parameters setting settings configuration config secret secrets credential
credentials key keys token tokens docker-compose compose serverless swagger openapi package
composer appsettings firebase serviceaccount service-account gcp id_rsa id_dsa wp-config phpinfo
info test user users
"""
_ASSETS: Final = """
robots.txt ads.txt app-ads.txt sellers.json humans.txt security.txt browserconfig.xml
manifest.json site.webmanifest manifest.webmanifest crossdomain.xml clientaccesspolicy.xml
service-worker.js serviceworker.js sw.js atom.xml rss.xml feed opensearch.xml labels.rdf wpad.dat
apple-app-site-association llms.txt llms-full.txt bingsiteauth.xml
"""

#: Extensions of technologies that are not Flask's, anywhere in a path.
FOREIGN: Final = frozenset(_FOREIGN.split())
#: Extensions of dumps, backups and archives, at the end of a path.
DUMPS: Final = frozenset(_DUMPS.split())
#: With which word the name of a file with secrets begins, and its extensions.
SECRETS: Final = frozenset(_SECRETS.split())
SECRET_EXTENSIONS: Final = frozenset(
    ("json", "yaml", "yml", "xml", "toml", "properties", "js", "py", "rb", "txt", "htm", "html")
)
#: Words with which ordinary scripts and pages begin too, and the extensions of these.
ORDINARY: Final = frozenset(
    ("app", "application", "site", "web", "default", "test", "user", "users")
)
PAGES: Final = frozenset(("js", "htm", "html"))

#: Paths at the root that clients request without a link to them.
ASSETS: Final = frozenset(f"/{name}" for name in _ASSETS.split())
#: How others of them begin, and how these end.
ASSET_BEGINNINGS: Final = (
    *("/favicon", "/apple-touch-icon", "/mstile", "/sitemap", "/.well-known/"),
)
ASSET_ENDINGS: Final = (".ico", ".png", ".svg", ".xml", ".xml.gz")

#: Methods that an app answers.
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"))
