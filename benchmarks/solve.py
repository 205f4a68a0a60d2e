"""Problems a second, greedy programs of 16 tokens: Corpus's decoder over transformers' `generate` on the same weights; above 1 is good."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from corpus.export.card import Card
from corpus.export.huggingface import export_huggingface
from corpus.model.init import build_model
from corpus.model.weights import TOKENIZER, save_model
from corpus.problems.generated.generator import generate
from corpus.problems.render import prompt_tokens
from corpus.recipes.cpu import cpu
from corpus.solve.decode import greedy
from corpus.text.config import TokenizerConfig
from corpus.text.tokenizer import Tokenizer, train_tokenizer

NUM_PROBLEMS, NEW_TOKENS, REPEATS = 512, 16, 5
BATCHES, THREADS = (32, 128, 512), (1, 2)
"""What each side may choose from: it runs at its own best."""


def main() -> None:
    """Find each side's best batch and thread count, then alternate between them and take medians."""
    problems = generate(NUM_PROBLEMS, seed=0, split="train")
    tokenizer = train_tokenizer((problem.text for problem in problems), TokenizerConfig(vocab_size=1024))
    prompts = [prompt_tokens(problem.text, tokenizer) for problem in problems]
    sides = build(tokenizer, prompts)
    best = {name: min((seconds(run, b, t), b, t) for b in BATCHES for t in THREADS) for name, run in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, run in sides.items():
            times[name].append(seconds(run, *best[name][1:]))
    rates = {name: NUM_PROBLEMS / statistics.median(values) for name, values in times.items()}
    for name, rate in rates.items():
        print(f"{name:<13} {rate:8.0f} problems/s   batch {best[name][1]}, threads {best[name][2]}")
    result = {"name": "solve", "ratio": round(rates["corpus"] / rates["transformers"], 3), "problems": NUM_PROBLEMS}
    for name in sides:
        result |= {f"{name}_per_second": round(rates[name], 1), f"{name}_batch": best[name][1], f"{name}_threads": best[name][2]}
    print(json.dumps({**result, "new_tokens": NEW_TOKENS, "repeats": REPEATS, "torch": torch.__version__}))


def build(tokenizer: Tokenizer, prompts: list[list[int]]) -> dict[str, Callable[[int], None]]:
    """Return both decoders on one set of weights, of the recipe `cpu`'s shape; neither stops before NEW_TOKENS."""
    shape = cpu().model.with_vocabulary(tokenizer.vocab_size)
    model = build_model(shape, seed=0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer.save(folder)
        save_model(folder / "w.safetensors", model, {TOKENIZER: tokenizer.digest})
        export_huggingface(folder / "w.safetensors", shape, folder, folder / "exported", Card(title="", training="", scores={}))
        peer = LlamaForCausalLM.from_pretrained(folder / "exported").eval()

    def ours(batch: int) -> None:
        greedy(model, prompts, max_new_tokens=NEW_TOKENS, stop_id=-1, batch_size=batch)

    def theirs(batch: int) -> None:
        by_length = sorted(prompts, key=len)  # the peer too is spared needless padding
        for first in range(0, len(prompts), batch):
            part = by_length[first : first + batch]
            longest = max(map(len, part))
            ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in part])
            mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in part])
            peer.generate(
                ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0
            )

    return {"corpus": ours, "transformers": theirs}


def seconds(run: Callable[[int], None], batch: int, threads: int) -> float:
    """Return the wall-clock seconds of one pass over all problems."""
    torch.set_num_threads(threads)
    start = time.perf_counter()
    with torch.inference_mode():
        run(batch)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
