"""JSON with integers that Python does not read, and what a file of ours never has."""

import json

import pytest

from corpus.base.json_values import MAX_DEPTH, parse_json, parse_own


def test_an_integer_of_many_digits_is_its_digits() -> None:
    digits = "9" * 5000
    text = f'{{"id": {digits}, "minus": -{digits}, "n": 7, "x": 1.5}}'
    expected = {"id": digits, "minus": f"-{digits}", "n": 7, "x": 1.5}
    assert parse_json(text) == parse_json(text.encode()) == expected


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(json.JSONDecodeError):
        parse_json('{"a": ')
    with pytest.raises(UnicodeDecodeError):
        parse_json(b'"\xe9"')


def test_a_file_of_ours_has_bounds() -> None:
    inside: list[object] = [1.5]
    for _ in range(MAX_DEPTH - 2):
        inside = [{"a": inside}] if len(inside) == 2 else [inside]
    assert parse_own(json.dumps({"a": inside, "n": 2**64 - 1, "x": float("inf")}))["a"] == inside
    for text, complaint in (
        ("1" * 5000, "an integer of 5000 digits"),
        (f'{{"a": -{10**400}}}', "an integer of 402 digits"),
        ("[" * 900 + "]" * 900, "nested more than 40 deep"),
        ("[" * 200_000, "nested more than 40 deep"),
        ('{"a": ', "Expecting value"),
    ):
        with pytest.raises(ValueError, match=complaint):
            parse_own(text)
