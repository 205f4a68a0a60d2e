"""The validation split: complete, without overlap, large enough, and blind to the order of
documents."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.config.prepare import SMALLEST_PART, VALIDATION_DOCUMENTS, PrepareConfig
from corpus.prepare.document import fingerprint
from corpus.prepare.pool import Piece, Pool, TextSelection
from corpus.prepare.split import first_division, split_off

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


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=80),
    share=st.floats(0.01, 0.5),
)
def test_what_is_held_out_comes_from_many_documents(
    sizes: list[int], share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of one book and of five papers once all of a source's loss was made."""
    documents = [
        f"{number} " + "some words in a line \n" * size for number, size in enumerate(sizes)
    ]
    total = sum(map(len, documents))
    wanted = int(share * total)
    _, held_out, pieces = split(tmp_path_factory.mktemp("pool"), documents, wanted)
    assert sum(map(len, held_out)) >= wanted
    assert len(pieces) >= min(VALIDATION_DOCUMENTS, len(documents), wanted // SMALLEST_PART)
    assert all(piece.num_bytes >= SMALLEST_PART for piece in pieces if piece.start)


def test_thirty_of_a_hundred_books_give_a_part_each(tmp_path: Path) -> None:
    books = [
        "\n\n".join(f"Paragraph {number} of {book}." + " words" * 20 for number in range(200))
        for book in range(100)
    ]
    left, held_out, pieces = split(tmp_path, books, 60_000)
    assert len(held_out) == VALIDATION_DOCUMENTS
    assert len(left) == 100
    assert all(2000 <= piece.num_bytes < 2200 for piece in pieces)


def test_a_few_papers_give_equal_parts_and_short_documents_all_of_theirs(tmp_path: Path) -> None:
    papers = [f"{number}\n" + "words in a line\n" * 1000 for number in range(3)]
    _, held_out, _ = split(tmp_path, [*papers, *(f"note {number}" for number in range(4))], 30_000)
    lengths = sorted(map(len, held_out))
    assert lengths[:4] == [6, 6, 6, 6]
    assert all(abs(length - 9_992) < 40 for length in lengths[4:])


def test_documents_are_not_cut_into_crumbs(tmp_path: Path) -> None:
    documents = [f"{number} " * 150 for number in range(10, 40)]
    _, held_out, _ = split(tmp_path, documents, 100)
    assert held_out[0] in documents


@pytest.mark.parametrize("given", [0, 1, 5, 29, 30, 200])
def test_a_given_split_is_read_in_parts_and_completed_from_training(
    tmp_path: Path, given: int
) -> None:
    """The one book of a validation folder must not be all that is known of books."""
    with Pool(tmp_path / "pool") as pool:
        for part, number in (("train", 50), ("validation", given)):
            texts = pool.texts(part, "s")  # pyright: ignore[reportArgumentType]
            for index in range(number):
                document = f"{part} {index}\n" + "words in a line\n" * 1000
                texts.add(document, fingerprint(document))
        division = first_division(pool, "s", PrepareConfig())
        pieces = [*division.given.pieces, *division.split_off.pieces]
        assert len(division.given.pieces) == min(given, VALIDATION_DOCUMENTS)
        assert len(pieces) == VALIDATION_DOCUMENTS
        assert max(piece.num_bytes for piece in pieces) < 2 * min(
            piece.num_bytes for piece in pieces
        )
        assert sum(piece.num_bytes for piece in pieces) >= 60_000
        assert len(division.train.pieces) == 50


def test_a_small_source_is_not_used_up_to_complete_a_given_split(tmp_path: Path) -> None:
    with Pool(tmp_path / "pool") as pool:
        for part, number in (("train", 100), ("validation", 2)):
            texts = pool.texts(part, "s")  # pyright: ignore[reportArgumentType]
            for index in range(number):
                document = f"{part} {index}\n" + "words in a line\n" * 30
                texts.add(document, fingerprint(document))
        division = first_division(pool, "s", PrepareConfig(validation_tokens=100))
        assert len(division.split_off.pieces) == 4
