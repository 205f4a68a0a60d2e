"""Check the subjects of new commits: imperative, capitalised, short, without a final period.

`python scripts/check_commits.py` looks at the commits after `BASE`. It needs the history: in an
exported tree or a shallow clone it says so and passes.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASE = "a53f81c"
"""The last commit before this rule."""

MAX_LENGTH = 72

_VERBS = (
    "add allow build change check clean correct create delete describe drop explain extend fix "
    "handle improve introduce keep make measure merge move name prevent prune raise refactor "
    "refuse remove rename replace report require return rewrite show simplify skip split stop "
    "test turn update use write"
)
_NO_VERBS = "a an the this that these it we i no not what how why docs"
"""First words that are never an imperative."""


def _forms(verb: str) -> set[str]:
    """Return the third person, past and -ing forms of a verb, regular ones and doubled ends."""
    stem = verb.removesuffix("e")
    forms = {f"{verb}s", f"{verb}es", f"{stem}ed", f"{stem}ing"}
    if re.fullmatch(r".*[^aeiou][aeiou][^aeiouwxy]", verb):
        forms |= {f"{verb}{verb[-1]}ed", f"{verb}{verb[-1]}ing"}
    if verb.endswith("y"):
        forms |= {f"{verb[:-1]}ies", f"{verb[:-1]}ied"}
    return forms


_WRONG_FORMS = {form: verb for verb in _VERBS.split() for form in _forms(verb)} | {
    "built": "build",
    "kept": "keep",
    "made": "make",
    "rewrote": "rewrite",
    "wrote": "write",
}


def problems(subject: str) -> list[str]:
    """Return what is wrong with a commit subject, one phrase each."""
    found = []
    if len(subject) > MAX_LENGTH:
        found.append(f"{len(subject)} characters, over {MAX_LENGTH}")
    if subject.endswith("."):
        found.append("ends with a period")
    if not subject[:1].isupper():
        found.append("does not begin with a capital letter")
    first = subject.split(maxsplit=1)[0] if subject.strip() else ""
    word = first.rstrip(":,").lower()
    if word in _WRONG_FORMS:
        found.append(f"begins with {first}; the imperative is {_WRONG_FORMS[word].capitalize()}")
    elif word in _NO_VERBS.split() or first.endswith(":"):
        found.append(f"begins with {first}, which is not a verb")
    return found


def _git(root: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where it fails or is not installed."""
    try:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return result.stdout if result.returncode == 0 else None


def subjects(root: Path, base: str) -> list[tuple[str, str]] | str:
    """Return hash and subject of the commits after `base`, merges left out; or why it cannot."""
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top.strip()).resolve() != root.resolve():
        return "there is no git history here"
    if _git(root, "merge-base", "--is-ancestor", base, "HEAD") is None:
        return f"the history does not reach back to {base} (a shallow clone?)"
    log = _git(root, "log", "--no-merges", "--format=%h %s", f"{base}..HEAD") or ""
    return [(line[: line.index(" ")], line[line.index(" ") + 1 :]) for line in log.splitlines()]


def main(root: Path = ROOT, base: str = BASE) -> int:
    """Print what is wrong; return the exit status."""
    found = subjects(root, base)
    if isinstance(found, str):
        print(f"commit subjects are not checked: {found}")
        return 0
    wrong = [(commit, subject, problems(subject)) for commit, subject in found]
    for commit, subject, reasons in wrong:
        for reason in reasons:
            print(f"{commit} {subject!r}: {reason}", file=sys.stderr)
    if any(reasons for _, _, reasons in wrong):
        print(
            f"expected an imperative sentence of at most {MAX_LENGTH} characters, such as "
            "'Refuse an empty folder by name'; git commit --amend mends the newest one",
            file=sys.stderr,
        )
        return 1
    print(f"{len(found)} commit subjects checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
