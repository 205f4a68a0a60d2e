"""The validation split: complete, without overlap, large enough, and blind to the order of
documents."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from corpus.prepare.document import fingerprint
from corpus.prepare.pool import Piece, Pool, TextSelection
from corpus.prepare.split import LARGEST_SHARE, split_off

TEXTS = st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=30)


def split(
    folder: Path, documents: list[str], num_bytes: int
) -> tuple[list[str], list[str], list[Piece]]:
    with Pool(folder / "pool") as pool:
        texts = pool.texts("train", "s")
        for document in documents:
            texts.add(document, fingerprint(document))
        left, held_out = split_off(texts, num_bytes)
        left_texts, held_out_texts = (
            [TextSelection(texts, pieces).text(piece) for piece in pieces]
            for pieces in (left, held_out)
        )
        return left_texts, held_out_texts, held_out


@given(documents=TEXTS, num_bytes=st.integers(1, 400))
def test_nothing_is_lost_or_doubled_and_enough_is_held_out(
    documents: list[str], num_bytes: int, tmp_path: Path
) -> None:
    left, held_out, _ = split(tmp_path, documents, num_bytes)
    total = sum(len(document.encode()) for document in documents)
    assert sum(len(text.encode()) for text in (*left, *held_out)) == total
    assert sum(len(text.encode()) for text in held_out) >= min(num_bytes, total)
    whole = {text for text in held_out if text in documents}
    assert not whole & set(left)


def test_the_choice_depends_on_the_text_alone(tmp_path: Path) -> None:
    documents = [f"document number {number} " * 20 for number in range(50)]
    first = split(tmp_path, documents, 2000)
    second = split(tmp_path, documents[::-1], 2000)
    assert set(first[1]) == set(second[1])
    assert len(first[1]) >= 2
    more = split(tmp_path, [*documents, "another one " * 20], 2000)
    assert len(set(first[1]) & set(more[1])) >= len(first[1]) - 1


def test_a_book_alone_gives_its_last_paragraphs(tmp_path: Path) -> None:
    book = "\n\n".join(f"Paragraph {number}. " + "words and words " * 10 for number in range(100))
    left, held_out, pieces = split(tmp_path, [book], 1000)
    assert left[0] + held_out[0] == book
    assert held_out[0].startswith("Paragraph")
    assert 1000 <= pieces[0].num_bytes < 1300


def test_what_equals_a_cut_document_but_for_white_space_is_held_out_whole(tmp_path: Path) -> None:
    """The place of the cut is one of the bytes of the first, and may lie inside a character of the
    second."""
    book = "\n".join("é" * 50 + f" {number}" for number in range(40))
    left, held_out, pieces = split(tmp_path, [book, " " + book.replace("\n", "\r\n"), book], 300)
    assert len(left) in (1, 2)
    assert sum(map(len, (*left, *held_out))) == 3 * len(book) + 1 + book.count("\n")
    assert len({piece.start for piece in pieces if piece.start}) <= 1


def test_whole_documents_are_preferred_within_a_fifth(tmp_path: Path) -> None:
    documents = [f"{number} " * 500 for number in range(10, 40)]
    left, held_out, _ = split(tmp_path, documents, 100)
    assert len(held_out) == 1
    assert held_out[0] in documents
    assert len(held_out[0]) < LARGEST_SHARE * sum(map(len, documents))
    assert len(left) == len(documents) - 1
