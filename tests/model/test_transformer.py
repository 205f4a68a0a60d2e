"""The decoder: what each position sees, and what numbers it is computed in."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.config.model import ModelConfig
from corpus.model.attention import attend
from corpus.model.cache import Cache
from corpus.model.transformer import RMSNorm, Transformer, block_mask, document_mask
from corpus.model.weights import build_model

CONFIG = ModelConfig(
    vocab_size=128, dim=32, num_layers=2, num_heads=4, num_kv_heads=2, context_length=32
)


def _lively(config: ModelConfig) -> Transformer:
    """A model with weights far from their start, so that attention and positions matter to its
    logits."""
    model = build_model(config, seed=1)
    with torch.no_grad():
        for parameter in model.blocks.parameters():
            parameter.mul_(10 if parameter.ndim == 2 else 1)
    return model


MODEL = _lively(CONFIG)
TOKENS = torch.randint(0, 128, (3, 20), generator=torch.Generator().manual_seed(2))


@settings(max_examples=15)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_documents_in_a_row_do_not_see_each_other(lengths: list[int]) -> None:
    documents = torch.cat([torch.full((length,), index) for index, length in enumerate(lengths)])
    tokens = torch.randint(
        0, 128, (2, len(documents)), generator=torch.Generator().manual_seed(len(lengths))
    )
    together = MODEL(tokens, documents=documents.expand(2, -1))
    apart = torch.cat([MODEL(part) for part in tokens.split(lengths, dim=1)], dim=1)
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-5)


def test_rows_may_be_cut_differently() -> None:
    documents = torch.zeros_like(TOKENS)
    documents[1, 7:] = 1
    logits = MODEL(TOKENS, documents=documents)
    torch.testing.assert_close(logits[0], MODEL(TOKENS[:1])[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits[1, 7:], MODEL(TOKENS[1:2, 7:])[0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(logits[1, 7:], MODEL(TOKENS[1:2])[0, 7:], atol=1e-3)


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_sees_the_future(packed: bool) -> None:
    documents = torch.zeros_like(TOKENS) if packed else None
    changed = TOKENS.clone()
    changed[:, 11] = (changed[:, 11] + 1) % 128
    before, after = MODEL(TOKENS, documents=documents), MODEL(changed, documents=documents)
    assert torch.equal(before[:, :11], after[:, :11])
    assert not torch.allclose(before[:, 11:], after[:, 11:])


def test_the_mask_says_what_is_seen() -> None:
    mask = document_mask(torch.tensor([[0, 0, 1]]))
    inf = float("inf")
    assert mask.tolist() == [[[[0.0, -inf, -inf], [0.0, 0.0, -inf], [-inf, -inf, 0.0]]]]


def test_attention_is_the_textbook_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, heads, 5, 8, generator=generator) for heads in (4, 2, 2))
    scores = query @ key.repeat_interleave(2, dim=1).transpose(2, 3) / 8**0.5
    weights = scores.masked_fill(torch.ones(5, 5).triu(1).bool(), float("-inf")).softmax(-1)
    expected = weights @ value.repeat_interleave(2, dim=1)
    torch.testing.assert_close(attend(query, key, value, None), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        attend(query, key, value, document_mask(torch.zeros(2, 5, dtype=torch.long))),
        expected,
        atol=1e-5,
        rtol=1e-5,
    )


def test_only_differences_of_positions_matter() -> None:
    shifted = torch.arange(20)[None].expand(3, -1) + 57
    torch.testing.assert_close(
        MODEL(TOKENS, positions=shifted), MODEL(TOKENS), atol=1e-5, rtol=1e-4
    )
    stretched = 3 * torch.arange(20)[None].expand(3, -1)
    assert not torch.allclose(MODEL(TOKENS, positions=stretched), MODEL(TOKENS), atol=1e-3)


def test_complex_and_real_rotation_give_the_same_model() -> None:
    reference = _lively(dataclasses.replace(CONFIG, rope="complex"))
    torch.testing.assert_close(MODEL(TOKENS), reference(TOKENS), atol=1e-5, rtol=1e-5)


def test_logits_at_chosen_places_are_those_of_all() -> None:
    chosen = torch.tensor([0, 21, 59])
    torch.testing.assert_close(MODEL(TOKENS, select=chosen), MODEL(TOKENS).flatten(0, 1)[chosen])
    torch.testing.assert_close(MODEL.head(MODEL.hidden(TOKENS)), MODEL(TOKENS))


def test_an_untied_head_has_weights_of_its_own() -> None:
    model = _lively(dataclasses.replace(CONFIG, tie_embeddings=False))
    assert {"unembedding.weight"} == model.state_dict().keys() - MODEL.state_dict().keys()
    assert not torch.allclose(model(TOKENS), MODEL(TOKENS), atol=1e-3)


def test_norm_statistics_are_computed_in_fp32() -> None:
    """In bf16 the mean square of values this large would be off by percents, and in fp16
    infinite."""
    x = 300 + torch.arange(64.0).reshape(1, 1, 64)
    norm = RMSNorm(64, 1e-5)
    for dtype, tolerance in ((torch.bfloat16, 0.01), (torch.float16, 0.002)):
        result = norm.to(dtype)(x.to(dtype))
        assert result.dtype == dtype
        torch.testing.assert_close(
            result.float(), x / x.square().mean().sqrt(), atol=tolerance, rtol=0
        )


def test_autocast_keeps_the_residual_stream_in_fp32_and_stays_close() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = MODEL.hidden(TOKENS, documents=torch.zeros_like(TOKENS))
    assert hidden.dtype == torch.float32
    torch.testing.assert_close(hidden, MODEL.hidden(TOKENS), atol=0.1, rtol=0)


def test_a_cache_and_packed_documents_exclude_each_other() -> None:
    cache = Cache(CONFIG, batch=3, capacity=20)
    with pytest.raises(ValueError, match="give cache or documents, not both"):
        MODEL.hidden(TOKENS, documents=torch.zeros_like(TOKENS), cache=cache)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_attention_by_blocks_equals_attention_by_mask() -> None:
    """The kernel itself needs a GPU to learn with; what it computes is the same."""
    tokens = torch.randint(0, 64, (2, 256), generator=torch.Generator().manual_seed(0))
    documents = (torch.arange(256) // 90).expand(2, 256).contiguous()
    with torch.no_grad():
        expected = MODEL.hidden(tokens, documents=documents)
        torch.testing.assert_close(
            MODEL.hidden(tokens, mask=block_mask(documents)), expected, rtol=1e-4, atol=1e-5
        )
