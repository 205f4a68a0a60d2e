"""The encoding of text: UTF-8, or what a byte order mark at its start says."""

import codecs
from collections.abc import Iterable, Iterator

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_MARK = 4


def split_mark(data: bytes) -> tuple[str, bytes]:
    """Return the encoding of `data`, and `data` without its byte order mark."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, data[len(mark) :]
    return "utf-8", data


def decode_text(data: bytes) -> str:
    """Return `data` as text. Raises `UnicodeDecodeError`."""
    encoding, data = split_mark(data)
    return data.decode(encoding)


def to_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks of text as UTF-8 without a byte order mark; UTF-8 itself is not checked.

    Raises `UnicodeDecodeError` for invalid UTF-16 or UTF-32.
    """
    iterator, start = iter(chunks), b""
    for chunk in iterator:
        start += chunk
        if len(start) >= _LONGEST_MARK:
            break
    encoding, start = split_mark(start)
    if encoding == "utf-8":
        yield start
        yield from iterator
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    yield decoder.decode(start).encode()
    for chunk in iterator:
        yield decoder.decode(chunk).encode()
    decoder.decode(b"", final=True)
