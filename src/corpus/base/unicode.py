"""Text with half a surrogate pair, which JSON can hold and UTF-8 cannot."""

from typing import Any


def whole_text(text: str) -> str:
    """Return `text` with U+FFFD for each half of a surrogate pair, as decoders do."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def whole_texts(value: Any) -> Any:
    """Apply `whole_text` to every string in a JSON value."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [whole_texts(each) for each in value]
    if isinstance(value, dict):
        return {whole_texts(name): whole_texts(each) for name, each in value.items()}
    return value
