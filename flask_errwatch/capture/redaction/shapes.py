"""Secrets that are recognised by their own shape, wherever they are, and where it is published.

No library is used: the scanners (detect-secrets, gitleaks) are programs for source code, with
entropy rules that would mask ids, and they are too slow for a request.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Shape(NamedTuple):
    """One kind of secret.

    Attributes:
        name: What it is.
        prefixes: Patterns of how it begins, in lower case and of a fixed width: where it is looked
            for. Each begins with a plain character. Those that end with `_`, `-` or `.` are looked
            for by that, because letters are more frequent.
        pattern: A pattern of all of it. Without its end it still matches: the text may be cut.
        source: Where its form is published, or seen.
    """

    name: str
    prefixes: tuple[str, ...]
    pattern: str
    source: str


_T = r"[A-Za-z0-9_\-]"
#: Follows a prefix that is a word too: words, as in the name of a class, are not secret.
_NO_WORDS: Final = rf"(?=[a-z_\-]{{0,40}}+[A-Z0-9])(?={_T}{{0,40}}?[A-Za-z0-9]{{12}})"
SHAPES: Final = (
    Shape(
        "JSON Web Token",
        ("eyj",),
        rf"eyJ{_T}{{8,}}+(?:\.{_T}*+)+|eyJ{_T}{{40,}}+(?![=+/])",
        "https://www.rfc-editor.org/rfc/rfc7519",
    ),
    Shape(
        "signed value of itsdangerous, session of Flask",
        (r"\.[\w\-]{6}\.[\w\-]{27}",),
        rf"\.{_T}{{6}}\.{_T}{{27,}}+",
        "https://itsdangerous.palletsprojects.com/en/stable/url_safe/",
    ),
    Shape(
        "GitHub",
        ("gh[oprsu]_", "github_"),
        r"(?:gh[oprsu]|github_pat)_[A-Za-z0-9_]{16,}+",
        "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github",
    ),
    Shape(
        "GitLab",
        (
            *("gl[fr]t-", "gldt-", "glpat-", "glptt-", "glcbt-", "glimt-", "gloas-", "glsoat-"),
            *("glagent-", "glffct-", "glrtr-", "gr1348941"),
        ),
        rf"(?:gl[a-z]{{2,5}}-|GR1348941){_T}{{16,}}+",
        "https://docs.gitlab.com/security/tokens/#token-prefixes",
    ),
    Shape(
        "Slack",
        ("xox[a-z]-", r"xox[a-z]\.", "xapp-", "xwfp-"),
        rf"(?:xox[a-z](?:\.xox[a-z])?|xapp|xwfp)-{_T}{{10,}}+",
        "https://docs.slack.dev/authentication/tokens",
    ),
    Shape(
        "Stripe",
        ("sk_", "rk_", "whsec_"),
        r"(?:[sr]k_(?:org_)?(?:live|test)|whsec)_[A-Za-z0-9+/=]{10,}+",
        "https://docs.stripe.com/keys",
    ),
    Shape(
        "AWS access key",
        ("akia", "asia", "abia", "acca"),
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}+",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
    ),
    Shape(
        "Amazon Bedrock",
        ("absk",),
        r"ABSK[A-Za-z0-9+/=]{30,}+",
        "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html",
    ),
    Shape(
        "Google API key",
        ("aiza",),
        rf"AIza{_T}{{30,}}+",
        "https://cloud.google.com/docs/authentication/api-keys",
    ),
    Shape(
        "Google OAuth",
        (r"ya29\.", "gocspx-", "1//0"),
        rf"(?:ya29\.|GOCSPX-|1//0){_T}{{20,}}+[.\w\-]*+",
        "https://developers.google.com/identity/protocols/oauth2",
    ),
    Shape(
        "npm",
        ("npm_",),
        r"npm_[A-Za-z0-9]{30,}+",
        "https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/",
    ),
    Shape("PyPI", ("pypi-",), rf"pypi-{_NO_WORDS}{_T}{{30,}}+", "https://pypi.org/help/#apitoken"),
    Shape(
        "RubyGems",
        ("rubygems_",),
        r"rubygems_[a-f0-9]{32,}+",
        "https://guides.rubygems.org/api-key-scopes/",
    ),
    Shape(
        "Docker",
        ("dckr_",),
        rf"dckr_(?:pat|oat)_{_T}{{16,}}+",
        "https://docs.docker.com/security/access-tokens/",
    ),
    Shape(
        "OpenAI, Anthropic and others",
        ("sk-",),
        rf"sk-{_NO_WORDS}{_T}{{20,}}+",
        "https://platform.openai.com/docs/api-reference/authentication",
    ),
    Shape(
        "Hugging Face",
        ("hf_",),
        r"hf_[A-Za-z0-9]{20,}+",
        "https://huggingface.co/docs/hub/security-tokens",
    ),
    Shape(
        "SendGrid",
        (r"sg\.",),
        rf"SG\.{_T}{{16,}}+(?:\.{_T}*+)?",
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
    ),
    Shape(
        "Twilio",
        ("sk[0-9a-f]{32}", "ac[0-9a-f]{32}:"),
        r"SK[0-9a-f]{32}|AC[0-9a-f]{32}:[0-9a-f]{32}",
        "https://www.twilio.com/docs/iam/api-keys",
    ),
    Shape(
        "Mailgun",
        ("key-[0-9a-f]{32}", r"-[0-9a-f]{8}-(?<=[0-9a-f]{32}-[0-9a-f]{8}-)[0-9a-f]{8}"),
        r"key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}",
        "https://documentation.mailgun.com/docs/mailgun/user-manual/api-key-mgmt/",
    ),
    Shape(
        "Mailchimp",
        ("-us[0-9](?<=[0-9a-f]{32}-us[0-9])",),
        r"[0-9a-f]{32}-us\d{1,2}",
        "https://mailchimp.com/developer/marketing/guides/quick-start/",
    ),
    Shape(
        "Heroku",
        ("hrku-",),
        rf"HRKU-{_T}{{30,}}+",
        "https://devcenter.heroku.com/articles/heroku-cli-commands#heroku-authorizations",
    ),
    Shape(
        "secret of an app of Microsoft Entra",
        (r"\~(?<=[0-9]q\~)[\w~.\-]{31}",),
        r"[A-Za-z0-9]{0,40}\dQ~[\w~.\-]{31,}+",
        "https://learn.microsoft.com/en-us/purview/sit-defn-azure-ad-client-secret",
    ),
    Shape(
        "Azure DevOps, Azure AI",
        ("azdo[a-z0-9]{4}(?<=[a-z0-9]{84})", "jqqj99[a-z0-9]{26}(?<=[a-z0-9]{84})"),
        r"[A-Za-z0-9]{52}(?:[A-Za-z0-9]{24}AZDO[A-Za-z0-9]{4}|JQQJ99[A-Za-z0-9]{26})",
        "https://learn.microsoft.com/en-us/purview/sit-defn-azure-devops-personal-access-token",
    ),
    Shape(
        "ticket of CAS",
        ("st-[0-9]{1,9}-[a-z0-9]{8}", "tgt-[0-9]{1,9}-[a-z0-9]{8}", "pgt-[0-9]{1,9}-[a-z0-9]{8}"),
        rf"(?:ST|PT|TGT|PGT)-\d{{1,9}}-{_T}{{16,}}+[.\w]*+",
        "https://apereo.github.io/cas/7.0.x/protocol/CAS-Protocol-Specification.html",
    ),
    Shape(
        "DigitalOcean",
        ("do[opr]_",),
        r"do[opr]_v1_[a-f0-9]{32,}+",
        "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
    ),
    Shape(
        "Shopify",
        ("shpat_", "shpca_", "shppa_", "shpss_"),
        r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}+",
        "https://shopify.dev/docs/apps/build/authentication-authorization",
    ),
    Shape(
        "Square",
        ("sq0atp-", "sq0csp-", "sq0idp-", "eaaa"),
        rf"sq0(?:atp|csp|idp)-{_T}{{16,}}+|EAAA{_T}{{50,}}+",
        "https://developer.squareup.com/docs/build-basics/access-tokens",
    ),
    Shape(
        "Facebook",
        ("eaac",),
        r"EAAC[A-Za-z0-9]{20,}+",
        "https://developers.facebook.com/docs/facebook-login/guides/access-tokens",
    ),
    Shape(
        "HashiCorp Vault",
        (r"hv[sbr]\.",),
        rf"hv[sbr]\.{_T}{{20,}}+",
        "https://developer.hashicorp.com/vault/docs/concepts/tokens",
    ),
    Shape(
        "Databricks",
        ("dapi[0-9a-f]{16}",),
        r"dapi[0-9a-f]{32}(?:-\d)?",
        "https://docs.databricks.com/aws/en/dev-tools/auth/pat",
    ),
    Shape(
        "Grafana",
        ("glsa_", "glc_"),
        r"gl(?:sa|c)_[A-Za-z0-9_+/=]{24,}+",
        "https://grafana.com/docs/grafana/latest/administration/service-accounts/",
    ),
    Shape(
        "Sentry",
        ("sntry[su]_",),
        r"sntry[su]_[A-Za-z0-9_+/=\-]{24,}+",
        "https://docs.sentry.io/account/auth-tokens/",
    ),
    Shape(
        "New Relic",
        ("nrak-", "nral-", "nrii-"),
        rf"NR(?:AK|AL|II)-{_T}{{20,}}+",
        "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/",
    ),
    Shape(
        "Linear",
        ("lin_",),
        r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}+",
        "https://linear.app/developers/graphql",
    ),
    Shape(
        "Atlassian",
        ("atatt3", "atbb", "atctt3"),
        rf"AT(?:ATT3|CTT3|BB){_T}{{20,}}+[=\w]*+",
        "https://support.atlassian.com/bitbucket-cloud/docs/api-tokens/",
    ),
    Shape(
        "Figma, Postman, Notion",
        ("figd_", "pmak-", "ntn_", "secret_"),
        rf"(?:figd_|PMAK-|ntn_|secret_){_NO_WORDS}{_T}{{24,}}+",
        "https://learning.postman.com/docs/developer/postman-api/authentication/",
    ),
    Shape(
        "Doppler",
        (r"dp\.[a-z]",),
        rf"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{{1,40}}\.)?{_NO_WORDS}{_T}{{30,}}+",
        "https://docs.doppler.com/reference/auth-token-formats",
    ),
    Shape(
        "PlanetScale",
        ("pscale_",),
        rf"pscale_(?:tkn|pw|oauth)_{_T}{{20,}}+[.\w=]*+",
        "https://planetscale.com/docs/concepts/service-tokens",
    ),
    Shape(
        "Fly.io",
        ("fm[12]_", "fm1[ar]_"),
        r"fm[12][ar]?_[A-Za-z0-9+/=_\-]{30,}+",
        "https://fly.io/docs/security/tokens/",
    ),
    Shape(
        "Telegram bot",
        (":aa",),
        rf":AA{_T}{{30,}}+",
        "https://core.telegram.org/bots/api#authorizing-your-bot",
    ),
    Shape("age", ("age-",), r"AGE-SECRET-KEY-1[0-9A-Z]{20,}+", "https://age-encryption.org/v1"),
    Shape(
        "hash of a password",
        (r"\$(?:2[abxy]|[156]|argon2[a-z]{1,2}|scrypt|y)\$", "pbkdf2[:_]", "scrypt:[0-9]"),
        r"(?:\$[a-z0-9]{1,8}\$|pbkdf2[:_][\w:]{3,40}\$|scrypt:[\d:]{3,40}\$)[^\s\"'<>]{8,}+",
        "https://passlib.readthedocs.io/en/stable/modular_crypt_format.html",
    ),
    Shape(
        "webhook of Slack",
        (r"hooks\.",),
        r"hooks\.slack\.com/[a-z]+/[A-Za-z0-9/_\-]{8,}+",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    ),
    Shape(
        "webhook of Discord",
        (r"discord\.", r"discordapp\."),
        rf"discord(?:app)?\.com/api/webhooks/\d+/{_T}{{20,}}+",
        "https://discord.com/developers/docs/resources/webhook",
    ),
)
#: The secret of an AWS access key, near one.
NEAR_AWS_KEY: Final = r"(?<![A-Za-z0-9/+=])(?![0-9a-f]{40})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
#: How a private key begins and ends: PEM (RFC 7468), SSH2 (RFC 4716) and PuTTY.
PRIVATE_KEY: Final = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|---- BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY ----|Private-Lines: ?\d"
)
END_OF_PRIVATE_KEY: Final = r"-----END[^\r\n\\-]*-----|---- END[^\r\n\\-]*----|Private-MAC: ?\w*"
#: How card numbers begin, with their lengths (ISO/IEC 7812, the issuers' published ranges): Visa,
#: Mastercard, American Express, Discover, RuPay, JCB, Diners Club, UnionPay, Maestro, Mir, Verve,
#: Uzcard, Troy, Humo, NAPAS.
CARD: Final = (
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}"
    r"|6(?:0\d\d|5\d\d|3[7-9]\d|4[4-9]\d)\d{12}|508\d{13}|8[12]\d{14}"
    r"|35\d{14}|3(?:0[0-5]|[689]\d)\d{11}|62\d{14,17}"
    r"|(?:50(?:18|19|20|38)|5893|6304|6759|676[1-3])\d{8,15}|220[0-5]\d{12,15}"
    r"|506[01]\d{12,15}|(?:8600|9792|9860)\d{12}|9704\d{12,15}"
)
#: What may be between the digits of a card number, and what one is made of: marks, spaces and
#: dashes (Unicode), also percent-encoded. Without a space of its own, because of `re.VERBOSE`.
_BETWEEN: Final = r"\x20\-._/+\xa0\u2007\u2009\u202f\u2010-\u2015\u2212"
BETWEEN: Final = rf"(?:[{_BETWEEN}]{{1,2}}+|%20)?+"
CARD_CHARACTER: Final = rf"[{_BETWEEN}%0-9]"
