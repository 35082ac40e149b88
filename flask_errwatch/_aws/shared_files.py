"""What the configuration and credentials files of AWS decide, read without boto3.

Its import takes too long for a process that only writes a line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import blake2s
from typing import NamedTuple

from flask_errwatch._aws.environment import profile_variable

#: The variable and the default of each file, in the order in which a later one overrides an earlier
#: one (AWS SDKs and Tools Reference Guide, Location of the shared config and credentials files).
_FILES = (
    ("AWS_CONFIG_FILE", "~/.aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
)
#: The settings of a profile that decide to which place and account calls go (the same guide,
#: Settings reference). What is renewed, such as tokens and their expiry, is not among them.
_PLACE = ("region", "endpoint_url", "services", "ignore_configured_endpoint_urls")
_ROLE = ("role_arn", "sso_account_id", "sso_session", "login_session")
_SOURCE = (*_ROLE, "credential_process")
_VARIABLES = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ROLE_ARN")


class Configured(NamedTuple):
    """What is configured for boto3 beside the place, in its environment and its files.

    Attributes:
        access_key: The access key that signs calls. None if it is that of a role.
        digest: Equal for two processes that are configured alike, whatever their access keys are.
    """

    access_key: str | None
    digest: str


def configured(environ: Mapping[str, str]) -> Configured:
    """What the environment and the files of AWS configure now.

    Args:
        environ: The environment, which also names the files.

    Example:
        >>> files = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
        >>> configured({**files, "AWS_ACCESS_KEY_ID": "testing"}).access_key
        'testing'
        >>> one = configured({**files, "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/shop"})
        >>> one.access_key, one.digest == configured(files).digest
        (None, False)
    """
    settings = _settings(environ)
    access_key = environ.get("AWS_ACCESS_KEY_ID") or None
    # A role goes before the keys of a file, and those of the environment before all (botocore,
    # create_credential_resolver).
    if not (access_key or environ.get("AWS_ROLE_ARN") or any(map(settings.get, _ROLE))):
        access_key = settings.get("aws_access_key_id") or None
    deciding = [f"{name}={environ.get(name, '')}" for name in _VARIABLES]
    deciding += [f"{name}={settings.get(name, '')}" for name in (*_PLACE, *_SOURCE, _SERVICES)]
    deciding.append("key" if access_key else "role")
    text = "\0".join(deciding).encode("utf-8", "backslashreplace")
    return Configured(access_key, blake2s(text, digest_size=6).hexdigest())


#: Under this name are the settings of the section that `services` names.
_SERVICES = "[services]"


def _settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of the profile, and those of its services. Empty without files."""
    variable = profile_variable(environ)
    profile = "default" if variable is None else variable.value
    sections: dict[str, dict[str, str]] = {}
    for name, default in _FILES:
        for section, settings in _sections(environ.get(name) or default).items():
            words = section.replace('"', " ").replace("'", " ").split(maxsplit=1)
            # In the credentials file a profile's section has only its name.
            found = " ".join(words[1:] if words[:1] == ["profile"] and words[1:] else words)
            sections.setdefault(found.strip(), {}).update(settings)
    settings = sections.get(profile, {})
    services = sections.get(f"services {settings.get('services', '')}", {})
    return {**settings, _SERVICES: repr(sorted(services.items()))}


def _sections(path: str) -> dict[str, dict[str, str]]:
    try:
        with open(os.path.expandvars(os.path.expanduser(path)), encoding="utf-8") as file:  # noqa: PTH111, PTH123 - as botocore
            text = file.read()
    except (OSError, UnicodeDecodeError):  # without one, or boto3 reports it
        return {}
    if not text:
        return {}
    import configparser

    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read_string(text)
    except configparser.Error:  # boto3 reports it
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}
