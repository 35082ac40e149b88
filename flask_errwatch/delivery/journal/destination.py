"""Where the lines of a journal go: noted with them, so that they are never delivered elsewhere.

The folder's name contains what is *configured*. A note in each lock file contains what is *known*
once a process calls AWS: the log group, the region or endpoint, and whose account it is.
"""

from __future__ import annotations

import binascii
import os
import re
from base64 import b32decode
from hashlib import blake2s
from typing import NamedTuple

import orjson

from flask_errwatch._aws import configured
from flask_errwatch.config import Config

_NOTE = "destination"
#: Access keys of AWS (IAM User Guide, IAM identifiers): a prefix of 4, and 16 digits of base 32.
_AWS_KEY = re.compile(r"A[A-Z0-9]{3}([A-Z2-7]{16})")
#: The bits of those 80 that are the same for every key of an account.
_ACCOUNT_BITS, _AFTER_ACCOUNT = 0x7FFF_FFFF_FF80, 7


class Destination(NamedTuple):
    """What is known of the place that lines are for. None is not known.

    Attributes:
        group: The log group.
        place: The region, or the URL of an endpoint that is not one of AWS.
        account: The account, as AWS names it.
        key: Whose access key signs the calls: see `key_owner`.
        configuration: A digest of what the files of AWS configure: see `_aws.configured`.
    """

    group: str
    place: str | None = None
    account: str | None = None
    key: str | None = None
    configuration: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything shows the account."""
        return bool(self.account or self.key)

    def was_configured_otherwise(self, digest: str | None) -> bool:
        """Whether it is of a process that called nothing, with another configuration than this one.

        Args:
            digest: The digest of this process's configuration.
        """
        return self.place is None and self.configuration != digest

    def is_same(self, noted: Destination) -> bool | None:
        """Whether lines with that note are for this destination. None if that is not known.

        Accounts are equal if AWS names them so, if the access keys are of one account, or if the
        process had no credentials, or those of the same configured role. They differ only if AWS
        named both: an account's keys of different ages may differ.

        Example:
            >>> here = Destination("shop", "eu-central-1", account="111122223333")
            >>> here.is_same(Destination("shop", "eu-central-1", account="111122223333"))
            True
            >>> here.is_same(Destination("shop", "http://localhost:4566"))
            False
            >>> here.is_same(Destination("shop", key="key-1f2e3d4c5b6a"))
        """
        if noted.group != self.group:
            return False
        if None not in {noted.place, self.place} and noted.place != self.place:
            return False
        if ({noted.account, noted.key} & {self.account, self.key}) - {None}:
            return True
        if noted.place and not noted.is_known:
            return True  # it looked for credentials and found none: any may come later
        if not noted.is_known and not noted.was_configured_otherwise(self.configuration):
            return True  # the credentials of the same role
        return False if noted.account and self.account else None

    def as_note(self) -> bytes:
        """The note, one line of a lock file. Empty if nothing is known."""
        known = {name: value for name, value in self._asdict().items() if value is not None}
        return orjson.dumps({_NOTE: known}) + b"\n" if len(known) > 1 else b""


def read_note(content: bytes) -> Destination | None:
    """The last note in the content of a lock file, or None.

    Example:
        >>> read_note(b'{"destination":{"group":"shop","place":"eu-central-1"}}')
        Destination(group='shop', place='eu-central-1', account=None, key=None, configuration=None)
        >>> read_note(b'{"state":"running","at":1,"host":"web-1"}')
    """
    for text in reversed(content.splitlines()):
        try:
            return Destination(**orjson.loads(text)[_NOTE])
        except (ValueError, KeyError, TypeError):  # a mark, or torn on a full disk
            continue
    return None


def key_owner(access_key: str) -> str:
    """What shows that two access keys are of one account, without asking AWS.

    The first digits of an access key of AWS are those of its account's number. AWS does not
    document this (Tal Be'ery, "A short note on AWS KEY ID"), so it is used in one direction only:
    equal digits mean one account, and different ones mean nothing. Of any other key, such as that
    of an emulator, it is a digest of the key.

    Example:
        >>> key_owner("ASIAQNZGKIQY56JQ7WML") == key_owner("AKIAQNZGKIQY7AAAAAAA")
        True
        >>> key_owner("testing")
        'key-07e86ce08a7a'
    """
    match = _AWS_KEY.fullmatch(access_key)
    if match is None:
        digest = blake2s(access_key.encode("utf-8", "backslashreplace"), digest_size=6)
        return f"key-{digest.hexdigest()}"
    try:
        bits = int.from_bytes(b32decode(match[1])[:6], "big")
    except binascii.Error:
        return f"key-{access_key}"
    return f"{(bits & _ACCOUNT_BITS) >> _AFTER_ACCOUNT:012d}"


def configured_destination(config: Config) -> Destination:
    """What the environment and the files of AWS show a new process, before it calls AWS."""
    access_key, digest = configured(os.environ)
    key = None if access_key is None else key_owner(access_key)
    return Destination(config.log_group, key=key, configuration=digest)
