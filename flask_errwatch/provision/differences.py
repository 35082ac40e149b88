"""What differs between two resources: fields, leaves of JSON documents, and tags. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import zip_longest

from flask_errwatch._parsers import parse_json
from flask_errwatch.provision.change import TAGS, Difference
from flask_errwatch.provision.resources import Pairs, Resource

#: Fields that hold a JSON document, compared leaf by leaf.
_DOCUMENTS = {"body", "definition", "document", "permissions", "statement", "trust"}


def field_differences(desired: Resource, existing: Resource) -> Iterator[Difference]:
    """Yields the fields in which two resources differ, and of a JSON document its leaves."""
    for field in fields(desired):
        old, new = getattr(existing, field.name), getattr(desired, field.name)
        if not field.compare or old == new:
            continue
        if field.name in _DOCUMENTS:
            yield from _leaves(field.name, _parsed(old), _parsed(new))
        else:
            yield Difference(field=field.name, old=old, new=new)


def _parsed(text: str) -> object:
    """Returns the document, or the string itself if it is not JSON."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def _leaves(path: str, old: object, new: object) -> Iterator[Difference]:
    """Yields the leaves in which two JSON documents differ, by path."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _leaves(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for number, (left, right) in enumerate(zip_longest(old, new)):
            yield from _leaves(f"{path}[{number}]", left, right)
    elif old != new:
        yield Difference(field=path, old=old, new=new)


def tag_differences(desired: Resource, tags: Pairs) -> Iterator[Difference]:
    """Yields the declared tags that a resource lacks. Tags of others do not differ.

    Args:
        desired: The resource with its declared tags, if its kind has tags.
        tags: Those of the existing one.
    """
    existing = dict(tags)
    for key, value in getattr(desired, "tags", ()):
        if existing.get(key) != value:
            yield Difference(field=f"{TAGS}{key}", old=existing.get(key), new=value)
