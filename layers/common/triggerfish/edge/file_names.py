"""The name of an uploaded file, in the three ways in which clients send one that is not ASCII."""

import re
from email.errors import HeaderParseError
from email.header import decode_header
from urllib.parse import unquote_to_bytes

# RFC 7578 rules this form of RFC 5987 out, and .NET sends it all the same.
_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*\"?([\w-]+)'[\w-]*'([^;\"\s]*)", re.IGNORECASE)
_CHARSETS = ("us-ascii", "utf-8", "iso-8859-1", "windows-1252")
_ENCODED = re.compile(r"(=\?[\w-]+\?[bq]\?[^?\s]*\?=\s*)+", re.IGNORECASE)


def file_name(disposition: bytes, plain: bytes) -> str:
    """Of `filename*` (RFC 5987), of a `filename` in RFC 2047's words, or of one in UTF-8.

    Raises ValueError for a name that cannot be read, or is in a charset that is not known here.
    """
    if extended := _EXTENDED.search(disposition):
        return _decoded(unquote_to_bytes(extended[2]), extended[1].decode("ascii"))
    name = plain.decode()
    if not _ENCODED.fullmatch(name):
        return name
    try:
        pieces = decode_header(name)
    except HeaderParseError as error:
        raise ValueError("is not encoded as RFC 2047 has it") from error
    return "".join(
        piece if isinstance(piece, str) else _decoded(piece, charset or "us-ascii")
        for piece, charset in pieces
    )


def _decoded(name: bytes, charset: str) -> str:
    if charset.lower() not in _CHARSETS:
        raise ValueError(f"is in the charset {charset}")
    return name.decode(charset)
