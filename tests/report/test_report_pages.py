"""The two pages: complete, the same content, self-contained, and safe whatever the run holds."""

import html.parser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.base.errors import ArtifactError
from corpus.base.files import write_json
from corpus.report.charts import Chart
from corpus.report.formats import sparkline
from corpus.report.read import load_run
from corpus.report.render import clean, code_span
from corpus.report.report import make_view, report

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
VOID = {"meta", "br", "img", "link", "input"}


class Tree(html.parser.HTMLParser):
    """Reads a page as a browser does: elements, attributes and text; fails where tags do not
    nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def pages(run: Path) -> tuple[str, str]:
    report(run)
    return (run / "report.html").read_text(encoding="utf-8"), (run / "report.md").read_text(
        encoding="utf-8"
    )


def test_a_finished_run_is_told_in_full(finished_run: Path) -> None:
    html_page, markdown = pages(finished_run)
    text = " ".join(Tree(html_page).text)
    for words in (
        "Problems: scores beside baselines", "Held-out text by source", "Training curves", "token mix over time",
        "Problems step by step", "Time and tokens by stage", "Data", "Events", "Settings", "Environment", "How to repeat it",
        "787K", "45m 00s", "45m 06s", "48m 41s", "33.0–47.0", "nearest neighbour", "gold programs (ceiling)", "stackexchange",
        "going on from step 290", "torch", "2.11.0", "corpus run cpu --data 'my data' --budget 45m --out runs/first", "19,591",
            "held-out tokens", "2,000,015", "Better than guessing, behind the nearest neighbour", "6 text sources", "9.6M tokens",
    ):  # fmt: skip
        assert words in text, words
        assert words in markdown.replace("\\", ""), words
    assert html_page.count("<svg viewBox=") == len(charts_of(finished_run)) == 9


def test_the_first_screen_needs_no_opening(finished_run: Path) -> None:
    html_page, _ = pages(finished_run)
    first = html_page.split('<details class="section">')[0]
    shown = " ".join(
        Tree(re.sub(r"</main>.*", "", first, flags=re.S) + "</main></body></html>").text
    )
    for words in (
        "Better than guessing, behind the nearest neighbour",
        "33.0–47.0",
        "nearest neighbour",
        "majority",
        "gold programs (ceiling)",
        "Loss over the training clock",
        "787K parameters",
        "9.6M tokens",
        "45m 06s of training",
        "budget 45m 00s",
        "c4, wikipedia, github",
    ):
        assert words in shown, words


def test_the_page_needs_nothing_else(finished_run: Path) -> None:
    html_page, _ = pages(finished_run)
    tree = Tree(html_page)
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(tree.tags)
    assert not {
        name
        for name, _ in tree.attributes
        if name.startswith("on") or name in ("src", "action", "xlink:href")
    }
    assert not [value for name, value in tree.attributes if name == "href"]
    policies = [
        value for name, value in tree.attributes if name == "content" and value and "src" in value
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "url(" not in html_page
    assert "@import" not in html_page
    plain = html_page.replace("http-equiv", "").replace(SVG_NAMESPACE, "")
    assert "http" not in plain


def test_both_pages_hold_the_same_content(finished_run: Path) -> None:
    html_page, markdown = pages(finished_run)
    plain = " ".join(re.sub(r"[\\*`]", "", markdown).split())
    drawings = re.compile(r"<style>.*?</style>|<svg .*?</svg>", re.DOTALL)
    body = Tree(drawings.sub("", html_page))
    for words in body.text:
        text = re.sub(r"[*`]", "", " ".join(words.split()))
        assert text in plain or text == "Numbers", text
    for word in re.findall(r"[a-z]{3,}", plain.lower()):
        assert word in html_page.lower(), word


def charts_of(run: Path) -> list[Chart]:
    view = make_view(load_run(run))
    alone = [view["loss_chart"], view["learning_rate"], view["mixture"]]
    return [
        each for each in (*alone, *view["curves"]["pretrain"], *view["curves"]["finetune"]) if each
    ]


def test_three_solved_and_three_failed_stand_on_the_page(finished_run: Path) -> None:
    for page in pages(finished_run):
        assert (page.count("✓ solved"), page.count("✗ failed")) == (3, 3)


def test_hostile_content_stays_text(finished_run: Path, hostile_run: Path) -> None:
    html_page, markdown = pages(hostile_run)
    tree = Tree(html_page)
    assert not {"script", "img"} & set(tree.tags)
    assert not [name for name, _ in tree.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in " ".join(tree.text)
    assert "\x00" not in html_page + markdown
    assert "\u202e" not in html_page + markdown
    outside = re.sub(
        r"(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)", "", markdown
    )  # a code span or block shows its content as it is
    assert not re.search(r"(?<!\\)<(script|img)", outside)
    assert not re.search(r"(?<!\\)\]\(", outside)


def test_tables_keep_their_columns_whatever_stands_in_them(hostile_run: Path) -> None:
    _, markdown = pages(hostile_run)
    width = 0
    for line in re.sub(r"(?m)^(`{3,})[\s\S]*?^\1$", "", markdown).split("\n"):
        columns = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not width or not columns or columns == width, line
        width = columns


@pytest.mark.parametrize(
    "gone", ["scores.json", "manifest.json", "metrics.jsonl", "outcomes", "prepared", "weights"]
)
def test_a_part_that_is_not_there_leaves_the_rest(finished_run: Path, gone: str) -> None:
    path = finished_run / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    html_page, markdown = pages(finished_run)
    Tree(html_page)
    assert "How to repeat it" in markdown


def test_a_run_that_has_only_begun(bare_run: Path) -> None:
    html_page, markdown = pages(bare_run)
    text = " ".join(Tree(html_page).text)
    for words in (
        "No training metrics yet",
        "not scored yet",
        "Not scored yet",
        "No problem set has been scored so far",
        "no weights so far",
    ):
        assert words in text
        assert words in markdown


def test_a_run_only_pre_trained(finished_run: Path) -> None:
    path = finished_run / "metrics.jsonl"
    kept = [
        line for line in path.read_text().splitlines() if json.loads(line)["phase"] == "pretrain"
    ]
    path.write_text("\n".join(kept) + "\n")
    (finished_run / "scores.json").unlink()
    shutil.rmtree(finished_run / "outcomes")
    html_page, _ = pages(finished_run)
    text = " ".join(Tree(html_page).text)
    assert "Fine-tuning has written no metrics so far" in text
    assert "Pre-training: held-out loss by source" in text
    assert "Fine-tuning: training loss" not in text


def test_held_out_text_has_its_interval_and_its_documents(finished_run: Path) -> None:
    _, markdown = pages(finished_run)
    first, second = (f"| {name} | " for name in ("c4", "wikipedia"))
    assert f"{first}4.500 | 4.250–4.750 |" in markdown
    assert f"{second}4.620 | 4.370–4.870 |" in markdown
    assert "over documents, and of this one model" in markdown


def test_numbers_that_are_missing_or_not_finite_become_dashes(finished_run: Path) -> None:
    scores = json.loads((finished_run / "scores.json").read_text())
    scores["problems"]["mathqa"] |= {
        "accuracy_unseen": None,
        "num_unseen": 0,
        "baseline_nearest_unseen": None,
        "ceiling_gold": float("nan"),
    }
    scores["text"]["c4"] |= {"unigram_loss": None, "loss_interval": None}
    write_json(finished_run / "scores.json", scores)
    path = finished_run / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[4]["loss"] = lines[5]["learning_rate"] = None
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    html_page, markdown = pages(finished_run)
    assert "nan" not in html_page
    assert "template seen" in markdown
    assert "template not seen (" not in markdown, "a group without a problem is left out"
    assert "gold programs (ceiling)" not in markdown, "a score without a value is left out"
    assert re.search(r"\| c4 \|[^\n]* – \|", markdown)


def test_a_damaged_run_keeps_the_old_report(finished_run: Path) -> None:
    before = pages(finished_run)
    (finished_run / "scores.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"scores\.json is damaged"):
        report(finished_run)
    assert (
        (finished_run / "report.html").read_text(),
        (finished_run / "report.md").read_text(),
    ) == before
    assert not list(finished_run.glob(".*tmp"))


def test_the_same_run_gives_the_same_pages_and_can_be_moved(finished_run: Path) -> None:
    before = pages(finished_run)
    moved = finished_run.rename(finished_run.parent / "elsewhere")
    after = pages(moved)
    assert [page.replace("elsewhere", "first") for page in after] == list(before)


def test_sparklines_and_code_spans() -> None:
    assert sparkline([0, 1, 2, 7]) == "▁▂▃█"
    assert len(sparkline(list(range(1000)))) <= 24
    assert sparkline([3, 3]) == "▁▁"
    assert code_span("a ` b `` c") == "```a ` b `` c```"
    assert code_span("`x`") == "`` `x` ``"
    assert clean("# 1|2\n<b>") == r"\# 1\|2 \<b\>"
    assert clean("http://a.b www.c.d a@b") == r"http\://a.b www\.c.d a@b", (
        "no address becomes a link"
    )


def test_every_problem_set_stands_on_the_first_screen(finished_run: Path) -> None:
    scores = json.loads((finished_run / "scores.json").read_text())
    scores["problems"]["svamp"] = scores["problems"]["mathqa"] | {"accuracy_interval": [0.8, 0.9]}
    write_json(finished_run / "scores.json", scores)
    html_page, markdown = pages(finished_run)
    first = html_page.split('<details class="section">')[0]
    for page in (first, markdown.split("\n## ")[0]):
        assert "On svamp the model is better than majority" in page
        assert "svamp, 200 problems: right (95 % interval)" in page
        assert "80.0–90.0" in page


def test_the_report_needs_no_torch() -> None:
    code = "import sys; import corpus.report.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_chart_library_waits_for_a_chart() -> None:
    code = "import sys; import corpus.report.report; sys.exit('vl_convert' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_accuracy_by_length_and_operations_stands_on_both_pages(finished_run: Path) -> None:
    page, text = pages(finished_run)
    shown = " ".join(Tree(page).text)
    for title in (
        "words: 1–20",
        "words: 71 and more",
        "operations: 6–7",
        "operations: none",
        "similarity in %: 100",
        "longer than the trained context",
    ):
        assert title in shown
        assert f"| {title} |" in text
    assert "| words: 71 and more | 80 | 12.5 % (6.2–87.5) | 65.5 % (50.0–75.0) |" in text
    scores = json.loads((finished_run / "scores.json").read_text())
    for field in ("by_words", "by_operations", "by_similarity", "beyond_context"):
        del scores["problems"]["mathqa"][field]
    write_json(finished_run / "scores.json", scores)
    assert "mathqa by length, operations and similarity" not in pages(finished_run)[1], (
        "scores of an earlier version still make a page"
    )
