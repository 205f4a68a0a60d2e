"""JSON with integers that Python does not read."""

import json

import pytest

from corpus.base.json_values import parse_json


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
