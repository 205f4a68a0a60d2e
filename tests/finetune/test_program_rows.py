"""Rows of whole programs: alike where programs are, and nothing else changes."""

import pytest
import torch

from corpus.config.model import ModelConfig
from corpus.finetune.program_rows import DEVIATION, begin_alike
from corpus.model.weights import build_model
from corpus.program.language import parse

PROGRAMS = [
    parse(text)
    for text in (
        "multiply(n0,n1)|divide(#0,const_100)",
        "multiply(n0,n2)|divide(#0,const_100)",
        "sqrt(n3)|add(#0,n0)|subtract(#1,const_2)",
        "floor(n0)",
    )
]


@pytest.mark.parametrize("tied", [True, False])
def test_programs_that_share_parts_begin_alike(tied: bool) -> None:
    shape = ModelConfig(
        vocab_size=300,
        dim=512,
        num_layers=1,
        num_heads=2,
        num_kv_heads=1,
        context_length=16,
        tie_embeddings=tied,
    )
    plain, model = build_model(shape, seed=1), build_model(shape, seed=1)
    begin_alike(model, [296, 297, 298, 299], PROGRAMS, seed=3)
    tables = ["embedding.weight"] if tied else ["embedding.weight", "unembedding.weight"]
    for name, before in plain.state_dict().items():
        after = model.state_dict()[name]
        if name not in tables:
            assert torch.equal(before, after)
            continue
        assert torch.equal(before[:296], after[:296])
        rows = after[296:300]
        assert rows.square().mean(1).sqrt().tolist() == pytest.approx([DEVIATION] * 4, rel=0.15)
        unit = rows / rows.norm(dim=1, keepdim=True)
        alike = unit @ unit.T
        assert alike[0, 1] > 0.5
        assert float(alike[[0, 0, 1, 1, 2], [2, 3, 2, 3, 3]].abs().max()) < 0.3
    again = build_model(shape, seed=1)
    begin_alike(again, [296, 297, 298, 299], PROGRAMS, seed=3)
    assert torch.equal(again.embedding.weight, model.embedding.weight)


def test_without_whole_programs_nothing_changes() -> None:
    shape = ModelConfig(
        vocab_size=300, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
    )
    model = build_model(shape, seed=1)
    begin_alike(model, [], [], seed=3)
    assert torch.equal(model.embedding.weight, build_model(shape, seed=1).embedding.weight)
