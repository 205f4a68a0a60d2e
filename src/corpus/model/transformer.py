"""The decoder, top to bottom: RMSNorm, grouped-query attention, SwiGLU, a block, the whole.

Dims of the shapes below:
    batch   sequences
    seq     positions of a sequence in this call (queries)
    slots   positions that can be attended to (keys and values): seq, or with a cache all so far
    dim     width of the residual stream
    heads   query heads; kv: key/value heads, each serving heads / kv query heads
    head    features of one head; half: head / 2
    vocab   rows of the embedding

The architecture is Llama's, weight for weight. References: Touvron et al. 2023, arXiv:2302.13971;
grouped queries: Ainslie et al. 2023, arXiv:2305.13245; RMSNorm: Zhang and Sennrich 2019,
arXiv:1910.07467; SwiGLU: Shazeer 2020, arXiv:2002.05202.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

from corpus.config.model import ModelConfig
from corpus.model import rope
from corpus.model.attention import Mask, attend
from corpus.model.cache import Branches, Cache
from corpus.model.low_precision import product_dtype

Rotation = tuple[Tensor, ...]
"""What rotates queries and keys: (turns,) in complex arithmetic, (cosine, sine) in real; each
[batch or 1, seq, half]."""


class RMSNorm(nn.Module):
    """Divides by the root of the mean square, then scales; statistics are in fp32."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Float[Tensor, "batch seq dim"]) -> Float[Tensor, "batch seq dim"]:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return normed.to(x.dtype) * self.weight


class Attention(nn.Module):
    """Causal attention with grouped queries and rotary positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        head_dim = config.resolved_head_dim
        self.num_heads, self.num_kv_heads = config.num_heads, config.num_kv_heads
        self.head_dim = head_dim
        self.query = nn.Linear(config.dim, config.num_heads * head_dim, bias=False)
        self.key = nn.Linear(config.dim, config.num_kv_heads * head_dim, bias=False)
        self.value = nn.Linear(config.dim, config.num_kv_heads * head_dim, bias=False)
        self.output = nn.Linear(config.num_heads * head_dim, config.dim, bias=False)

    def forward(
        self,
        x: Float[Tensor, "batch seq dim"],
        rotation: Rotation,
        mask: Mask | None,
        cache: Cache | Branches | None,
        layer: int,
    ) -> Float[Tensor, "batch seq dim"]:
        """Attend to earlier positions; without a mask all of them are visible."""
        query = _rotate(self._split(self.query(x), self.num_heads), rotation)
        key = _rotate(self._split(self.key(x), self.num_kv_heads), rotation)
        value = self._split(self.value(x), self.num_kv_heads)
        mixed = (
            attend(query, key, value, mask)
            if cache is None
            else cache.attend(layer, query, key, value)
        )
        return self.output(mixed.transpose(1, 2).flatten(2))

    def _split(
        self, x: Float[Tensor, "batch seq features"], num_heads: int
    ) -> Float[Tensor, "batch heads seq head"]:
        return x.unflatten(-1, (num_heads, self.head_dim)).transpose(1, 2)


class FeedForward(nn.Module):
    """SwiGLU: a gated layer, down(silu(gate(x)) · up(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate = nn.Linear(config.dim, config.resolved_ffn_dim, bias=False)
        self.up = nn.Linear(config.dim, config.resolved_ffn_dim, bias=False)
        self.down = nn.Linear(config.resolved_ffn_dim, config.dim, bias=False)

    def forward(self, x: Float[Tensor, "batch seq dim"]) -> Float[Tensor, "batch seq dim"]:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """Attention, then feed-forward, each added to the residual stream that it reads normed."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.dim, config.norm_eps)
        self.attention = Attention(config)
        self.feed_forward_norm = RMSNorm(config.dim, config.norm_eps)
        self.feed_forward = FeedForward(config)

    def forward(
        self,
        x: Float[Tensor, "batch seq dim"],
        rotation: Rotation,
        mask: Mask | None,
        cache: Cache | Branches | None,
        layer: int,
    ) -> Float[Tensor, "batch seq dim"]:
        x = x + self.attention(self.attention_norm(x), rotation, mask, cache, layer)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Transformer(nn.Module):
    """The language model. Its weights are drawn or read in `weights.py`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        # Not `nn.Embedding(...)`: drawing its weights on the meta device imports torch's compiler.
        self.embedding = nn.Embedding.from_pretrained(
            torch.empty(config.num_embeddings, config.dim), freeze=False
        )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = RMSNorm(config.dim, config.norm_eps)
        self.unembedding = (
            None
            if config.tie_embeddings
            else nn.Linear(config.dim, config.num_embeddings, bias=False)
        )

    def forward(
        self,
        tokens: Int[Tensor, "batch seq"],
        *,
        positions: Int[Tensor, "batch seq"] | None = None,
        documents: Int[Tensor, "batch seq"] | None = None,
        cache: Cache | Branches | None = None,
        select: Int[Tensor, " chosen"] | None = None,
    ) -> Float[Tensor, "batch seq vocab"] | Float[Tensor, "chosen vocab"]:
        """Return logits for the token after each position.

        Args:
            tokens: token ids.
            positions: position of each token in its sequence; None counts from 0. Only differences
                matter to the result.
            documents: number of the document each token belongs to; tokens see earlier tokens of
                their own document only. None means one document per sequence.
            cache: keys and values of earlier calls; this call's are added at `positions`. Not
                together with `documents`.
            select: indices into the flattened [batch · seq]; logits are computed there alone.
        """
        hidden = self.hidden(tokens, positions=positions, documents=documents, cache=cache)
        return self.head(hidden if select is None else hidden.flatten(0, 1)[select])

    def hidden(
        self,
        tokens: Int[Tensor, "batch seq"],
        *,
        positions: Int[Tensor, "batch seq"] | None = None,
        documents: Int[Tensor, "batch seq"] | None = None,
        cache: Cache | Branches | None = None,
        rotation: Rotation | None = None,
        mask: Mask | None = None,
    ) -> Float[Tensor, "batch seq dim"]:
        """Return the hidden states after the last norm: what `head` reads.

        Arguments as in `forward`. A compiled call is given `rotation` (of the positions) and `mask`
        (`document_mask` or `block_mask` of the documents, in their place): a compiler would compute
        both again in every layer.
        """
        if cache is not None and documents is not None:
            raise ValueError(
                "a cache holds one document per sequence: give cache or documents, not both"
            )
        if positions is None:
            positions = torch.arange(tokens.shape[1], device=tokens.device)[None]
        rotation = self.rotation(positions) if rotation is None else rotation
        if cache is not None:
            cache.begin(positions.expand(tokens.shape))
        elif documents is not None:
            mask = document_mask(documents)
        x = self.embedding(tokens)
        mask = mask.to(product_dtype(x)) if isinstance(mask, Tensor) else mask
        for layer, block in enumerate(self.blocks):
            x = block(x, rotation, mask, cache, layer)
        return self.norm(x)

    def head(self, hidden: Float[Tensor, "*places dim"]) -> Float[Tensor, "*places vocab"]:
        """Return the logits of hidden states; columns past `config.vocab_size` are no tokens."""
        return F.linear(hidden, self.head_weight)

    @property
    def head_weight(self) -> Float[Tensor, "vocab dim"]:
        """The matrix that turns hidden states into logits."""
        return self.embedding.weight if self.unembedding is None else self.unembedding.weight

    def rotation(self, positions: Int[Tensor, "#batch seq"]) -> Rotation:
        """Return what rotates queries and keys at these positions, the same in every layer."""
        theta = rope.angles(positions, rope.frequencies(self.config, positions.device))
        magnitude = rope.magnitude(self.config)
        if self.config.rope == "complex":
            return (rope.turns(theta, magnitude),)
        cosine, sine = theta.cos(), theta.sin()
        return (cosine, sine) if magnitude == 1.0 else (cosine * magnitude, sine * magnitude)


def document_mask(documents: Int[Tensor, "batch seq"]) -> Float[Tensor, "batch 1 seq seq"]:
    """Return what is added to the scores: 0 in a position's own document up to it, else -inf."""
    seq = documents.shape[1]
    causal = torch.ones(seq, seq, dtype=torch.bool, device=documents.device).tril()
    return additive((documents[:, :, None] == documents[:, None, :]) & causal)


def block_mask(documents: Int[Tensor, "batch seq"], *, compiled: bool = False) -> BlockMask:
    """Return the same as `document_mask` in blocks; a block that is hidden whole is not computed.

    For a compiler on a GPU: elsewhere there is no such kernel with a backward pass.
    Reference: Dong et al. 2024, arXiv:2412.05496.
    """
    batch, seq = documents.shape
    return create_block_mask(
        lambda row, head, query, key: (
            (query >= key) & (documents[row, query] == documents[row, key])
        ),
        *(batch, None, seq, seq),
        device=str(documents.device),
        _compile=compiled,
    )


def additive(visible: Bool[Tensor, "batch seq slots"]) -> Float[Tensor, "batch 1 seq slots"]:
    """Turn a boolean mask into one that is added to the scores, once for all layers and heads."""
    mask = torch.zeros(visible.shape, device=visible.device)
    return mask.masked_fill_(~visible, float("-inf"))[:, None]


def _rotate(
    x: Float[Tensor, "batch heads seq head"], rotation: Rotation
) -> Float[Tensor, "batch heads seq head"]:
    rotate = rope.rotate_complex if len(rotation) == 1 else rope.rotate_real
    return rotate(x, *rotation)
