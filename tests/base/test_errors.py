"""The exception tree and the hint for a mistyped name."""

from corpus.base import errors


def _drawn_names() -> list[str]:
    lines = (errors.__doc__ or "").splitlines()
    return [line.split()[1] for line in lines if line.startswith(("├──", "└──"))]


def test_the_tree_at_the_top_of_the_file_is_the_tree_in_the_code() -> None:
    defined = [
        cls.__name__
        for cls in errors.CorpusError.__subclasses__()
        if cls.__module__ == errors.__name__
    ]
    assert _drawn_names() == defined


def test_did_you_mean_names_a_close_name_only() -> None:
    assert (
        errors.did_you_mean("learning_rat", ["learning_rate", "warmup"])
        == " Did you mean 'learning_rate'?"
    )
    assert errors.did_you_mean("zzz", ["learning_rate", "warmup"]) == ""
    assert errors.did_you_mean("zzz", []) == ""
