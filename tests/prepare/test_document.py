"""Documents: their fingerprints, and which of them are empty."""

import hashlib

import pytest

from corpus.prepare import document
from corpus.prepare.document import Document, fingerprint


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_fingerprint_does_not_depend_on_the_pieces(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(document, "PIECE", piece)
    text = "  ΟΔΟΣ\u2028Odos \ud83d\tΣ\n\nİstanbul   " + "long" * 9 + " \x1c end. "
    folded = " ".join(text.lower().split()).encode("utf-8", "surrogatepass")
    expected = hashlib.blake2b(folded, digest_size=8).digest()
    assert fingerprint(text) == int.from_bytes(expected, "big")
    assert fingerprint("") == fingerprint(" \n") != fingerprint("a")


@pytest.mark.parametrize(
    ("text", "is_empty"),
    [
        ("", True),
        (" \n\t ", True),
        ("\0\0", True),
        (" \0\n\0" * 2000, True),
        ("\u00a0\u3000", True),
        ("\0a", False),
        (" " * 3000 + "a", False),
        ("\0" * 3000 + "a", False),
    ],
)
def test_white_space_and_nul_characters_are_no_text(text: str, is_empty: bool) -> None:
    assert Document("notes", text).is_empty is is_empty
