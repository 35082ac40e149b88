"""Strategies that several targets share: bytes that are made of pieces which mean something."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

#: What has a meaning somewhere: line ends, quotes, escapes, hidden characters, half of a character.
_COMMON = (
    *(b"\n", b"\r\n", b"\0", b"\t", b" ", b'"', b"'", b"\\", b"%", b"%00", b"%0a", b"\x1b[2J"),
    *(b"\x7f", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\xff", b"\xc3"),
    *(b"\xed\xa0\x80", b"\xf0\x9f\x92\xa9", b"\xd8\x9c", b"{", b"}", b"[", b"]", b"=", b":", b","),
)


def pieces(own: Sequence[bytes] = (), most: int = 10) -> st.SearchStrategy[bytes]:
    """Bytes made of own pieces, of pieces with a meaning, and of any others.

    Args:
        own: Pieces that mean something to the target.
        most: Pieces of one input.
    """
    piece = st.one_of(st.sampled_from((*own, *_COMMON)), st.binary(max_size=8))
    if own:
        piece = st.one_of(st.sampled_from(own), piece)
    return st.lists(piece, max_size=most).map(b"".join)


def texts(own: Sequence[str] = (), most: int = 10) -> st.SearchStrategy[str]:
    """Texts made of the same pieces, and of any characters, lone surrogates too."""
    decoded = [piece.decode("utf-8", "surrogateescape") for piece in _COMMON]
    piece = st.one_of(
        st.sampled_from((*own, *decoded)),
        st.text(st.characters(exclude_categories=()), max_size=6),
    )
    if own:
        piece = st.one_of(st.sampled_from(own), piece)
    return st.lists(piece, max_size=most).map("".join)


def latin(own: Sequence[bytes] = (), most: int = 10) -> st.SearchStrategy[str]:
    """Bytes as WSGI passes them: a text in latin-1 (PEP 3333)."""
    return pieces(own, most).map(lambda value: value.decode("latin-1"))
