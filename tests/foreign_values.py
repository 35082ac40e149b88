"""Values of types that an app might have and that make careless code raise."""

from __future__ import annotations


class Nameless(type):
    """A metaclass that hides the names of its classes."""

    def __getattribute__(cls, name: str) -> object:
        if name == "__name__":
            raise LookupError
        return super().__getattribute__(name)
