"""What tests of training share."""

from collections.abc import Iterator

import pytest
import torch
from support.sessions import CONFIG

from corpus.model.transformer import Transformer
from corpus.model.weights import build_model


@pytest.fixture
def own_threads() -> Iterator[None]:
    """A session sets PyTorch's thread count; the other tests want theirs back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model() -> Transformer:
    return build_model(CONFIG, seed=1)
