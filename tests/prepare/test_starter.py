"""The starter harvest: six sources from an installation, the same every time, nothing imported,
missing parts said."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from corpus.base.errors import DataError
from corpus.prepare.digests import digest_of
from corpus.prepare.sources import installation, starter
from corpus.prepare.sources.installation import comments, docstrings
from corpus.prepare.sources.starter import STANDS_FOR, Starter

MODULE = '''"""What the module is about, told at some length so that it is worth keeping: it is long enough for that."""

raise SystemExit("this module was run")

# A long comment that explains why the code below is written as it is, in plain words,
# and goes on for several lines so that it reads like something that a person wrote,
# which is what stands for the open web in the harvest of an installation without network,
# and it ends here after a fourth line that is as long as all of the other ones before it.


class Thing:
    """A class with a docstring that is long enough to be an article about what the thing is and does."""

    def solve(self, x, y):
        """Return the root of a function, and say so in a docstring that is long enough to be harvested.

        >>> Thing().solve(1, 2)
        3
        """

    def norm(self, x):
        r"""Return the norm, which is defined as :math:`\\sqrt{x^2}` in every textbook there is about it.

        .. math:: |x| = \\sqrt{x^2}
        """

    def plain(self, x):
        """Return something without formulas or examples, described in enough words to be a part of a book."""
'''


def without_formulas(source: str) -> str:
    return source.replace(":math:", "math").replace(".. math::", "").replace("sqrt", "root")


@pytest.fixture
def small_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "package"
    (package / "tests").mkdir(parents=True)
    for number in range(16):
        module = MODULE.replace("Thing", f"Thing{number}")
        (package / f"module{number}.py").write_text(
            module if number % 4 == 0 else without_formulas(module)
        )
    (package / "broken.py").write_text("def broken(:\n" * 40)
    (package / "latin.py").write_bytes(b"# caf\xe9\n" * 60)
    (package / "tests" / "test_it.py").write_text(MODULE)
    (tmp_path / "package-1.0.dist-info").mkdir()
    (tmp_path / "package-1.0.dist-info" / "METADATA").write_text(
        "Name: package\n\n" + "A description of the package. " * 20
    )
    (tmp_path / "corpus_lm-0.1.dist-info").mkdir()
    (tmp_path / "corpus_lm-0.1.dist-info" / "METADATA").write_text(
        "Name: corpus-lm\n\n" + "Our own description. " * 20
    )
    monkeypatch.setattr(starter, "library_roots", lambda: [tmp_path])
    return tmp_path


def harvest(most_bytes: int) -> tuple[list[tuple[str, str]], list[str]]:
    found = Starter(most_bytes)
    return [
        (document.source, document.text)
        for document in found.documents("train", lambda amount: None)
    ], found.notes()


def test_each_source_gets_what_stands_for_it(small_installation: Path) -> None:
    documents, _ = harvest(100_000)
    by_source = {
        source: "\n".join(text for of, text in documents if of == source) for source in STANDS_FOR
    }
    assert "raise SystemExit" in by_source["github"]
    assert "What the module is about" in by_source["wikipedia"]
    assert "A class with a docstring" in by_source["wikipedia"]
    assert r"\sqrt{x^2}" in by_source["arxiv"]
    assert "described in enough words to be a part of a book" in by_source["book"]
    assert "A description of the package" in by_source["c4"]
    everything = "".join(by_source.values())
    assert "Our own description" not in everything
    assert "café" not in everything
    assert not any(name.startswith("package.module") for name in sys.modules)


def test_a_file_gives_its_source_or_its_docstrings_never_both(small_installation: Path) -> None:
    documents, _ = harvest(100_000)
    named = {
        number: {
            source
            for source, text in documents
            if f"Thing{number}:" in text or f"Thing{number}\n" in text
        }
        for number in range(16)
    }
    assert all(sources in ({"github"}, {"wikipedia"}) for sources in named.values())
    assert {"github"} in named.values()
    assert {"wikipedia"} in named.values()


def test_the_harvest_is_the_same_every_time_and_capped(small_installation: Path) -> None:
    assert harvest(2000) == harvest(2000)
    longest = max(len(text) for _, text in harvest(100_000)[0])
    sizes = Counter[str]()
    for source, text in harvest(2000)[0]:
        sizes[source] += len(text)
    assert max(sizes.values()) <= 2000 + longest


def test_links_to_nowhere_are_passed_over(small_installation: Path) -> None:
    before = harvest(10**6)
    for name in ("gone.py", "gone.md"):
        (small_installation / name).symlink_to(small_installation / "nowhere")
    assert harvest(10**6) == before


def test_missing_parts_are_said(small_installation: Path) -> None:
    assert harvest(10_000)[1] == [
        "this installation has no language reference (pydoc_data): wikipedia has docstrings only"
    ]
    (small_installation / "pydoc_data").mkdir()
    (small_installation / "pydoc_data" / "topics.py").write_text(
        'topics = {"assert": "The assert statement is a way to insert assertions."}'
    )
    documents, notes = harvest(10_000)
    assert (
        "wikipedia",
        "assert\n\nThe assert statement is a way to insert assertions.",
    ) in documents
    assert notes == []


def test_an_installation_without_source_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "library_roots", lambda: [tmp_path])
    with pytest.raises(DataError, match=r"no library source.*Give a folder of text"):
        Starter(1000).describe()


def test_a_new_package_changes_the_mark(small_installation: Path) -> None:
    before = Starter(1000).inputs(digest_of)
    assert Starter(1000).inputs(digest_of) == before
    (small_installation / "another.py").write_text(MODULE)
    assert Starter(1000).inputs(digest_of) != before


def test_docstrings_and_comments_are_cleaned() -> None:
    found = docstrings(MODULE, "package.module")
    assert [(each.kind, each.name) for each in found][:3] == [
        ("module", "package.module"),
        ("class", "package.module.Thing"),
        ("function", "package.module.Thing.solve(x, y)"),
    ]
    assert found[2].text.endswith(">>> Thing().solve(1, 2)\n3")
    added = docstrings(
        'add_docstr(f, """\nFirst line, which is long.\n\n    Indented.\n'
        + "More words. " * 30
        + '""")',
        "m",
    )
    assert added[0].text.startswith("First line, which is long.\n\n    Indented.")
    assert [comment.split()[0] for comment in comments(MODULE)] == ["A"]
    assert docstrings("def broken(:", "m") == []


def test_this_installation_fills_every_source() -> None:
    found = Starter(30_000)
    documents = list(found.documents("train", lambda amount: None))
    assert {document.source for document in documents} == set(STANDS_FOR)
    assert not any(str(installation._OWN_FOLDER) in document.text for document in documents)
    assert len(found.describe()) == len(STANDS_FOR) + 1
