"""Text in the encoding that its byte order mark names."""

import codecs

import pytest

from corpus.base.encodings import decode_text, to_utf8

MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_mark_decides_however_the_text_is_cut(encoding: str, size: int) -> None:
    text = "grün\r\n数 😀\n"
    data = MARKS[encoding] + text.encode(encoding)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert b"".join(to_utf8(chunks)).decode() == decode_text(data) == text


def test_without_a_mark_nothing_changes() -> None:
    assert b"".join(to_utf8([b"caf", b"\xe9"])) == b"caf\xe9"
    assert list(b"".join(to_utf8([]))) == []


def test_half_a_character_at_the_end_is_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(to_utf8([codecs.BOM_UTF16_LE + b"a\0b"]))
