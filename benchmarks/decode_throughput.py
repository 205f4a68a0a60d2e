"""Problems a second, programs of a trained model: Corpus's decoder over transformers' `generate` on
the exported weights; above 1 is good.

Both write as many programs of each problem until each ends: one by taking the likeliest token each
time (the outputs are compared), and several by sampling. Corpus also under its grammar, which
`generate` does not have. Each side is timed at the number of rows and threads that suit it best.

    python ./src/main.py && python benchmarks/decode_throughput.py [--run RUN]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from corpus.config.runtime import RuntimeConfig
from corpus.export.card import Card
from corpus.export.huggingface import export_huggingface
from corpus.problems.render import prompt_tokens
from corpus.run.begin import load_config
from corpus.run.folder import RunFolder
from corpus.run.problems import evaluation_sets
from corpus.run.weights import load_weights
from corpus.runtime.runtime import resolve
from corpus.solve.decode import Decoder
from corpus.solve.grammar import Scope
from corpus.text.tokenizer import EOS

ROWS, THREADS, NEW_TOKENS = (64, 256, 1024), (1, 2), 100
TRIAL = 128
"""Problems that rows and threads are chosen on."""

Side = Callable[[Sequence[int], int], list[list[int]]]
"""Decodes the problems of these places with so many rows at a time."""


def main() -> None:
    """Find each side's best rows and threads, time both in turns, print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, default=Path("runs/starter"), help="a finished run")
    parser.add_argument("--problems", type=int, default=256)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    results, found = {}, {}
    sides, count = build(options.run, options.problems, options.samples)
    places, trial = range(count), range(min(TRIAL, count))
    for kind in ("greedy", "sample"):
        now = {name: side for (which, name), side in sides.items() if which == kind}
        best = {
            name: min((seconds(side, trial, rows, t)[0], rows, t) for rows in ROWS for t in THREADS)
            for name, side in now.items()
        }
        times: dict[str, list[float]] = {name: [] for name in now}
        for _ in range(options.rounds):
            for name, side in now.items():
                spent, found[kind, name] = seconds(side, places, *best[name][1:])
                times[name].append(spent)
        rates = {name: count / statistics.median(values) for name, values in times.items()}
        for name, rate in rates.items():
            each = f"{rate:8.1f} problems/s ({count / max(times[name]):.1f} to {count / min(times[name]):.1f})"
            print(
                f"{kind:7s} {name:20s} {each}  {rate / rates['transformers']:6.2f} x  {best[name][1]} rows, {best[name][2]} threads"
            )
            results[f"{kind}, {name}"] = {
                "per_second": round(rate, 1),
                "rows": best[name][1],
                "threads": best[name][2],
            }
        results[f"{kind}, ratio"] = {
            name: round(rate / rates["transformers"], 2) for name, rate in rates.items()
        }
    same = [
        ours == theirs
        for ours, theirs in zip(found["greedy", "corpus"], found["greedy", "transformers"])
    ]
    print(f"greedy programs that are the same token for token: {sum(same)} of {len(same)}")
    ratio = results["sample, ratio"]["corpus"]
    print(
        json.dumps(
            {
                "name": "decode_throughput",
                "ratio": ratio,
                "samples": options.samples,
                "same": sum(same),
                **results,
            }
        )
    )


def build(run: Path, count: int, samples: int) -> tuple[dict[tuple[str, str], Side], int]:
    """Return every way of decoding, on one set of weights and problems, and how many problems there
    are."""
    folder = RunFolder(run)
    config, runtime = load_config(folder), resolve(RuntimeConfig(device="cpu", precision="fp32"))
    model, tokenizer = load_weights(folder, runtime)
    sets = evaluation_sets(folder).values()
    asked = [problem for problems in sets for problem in problems][:count]
    prompts = [prompt_tokens(problem, tokenizer) for problem in asked]
    scopes = [Scope.of(problem) for problem in asked]
    stop = tokenizer.token_id(EOS)
    with tempfile.TemporaryDirectory() as name:
        shape = config.model.with_vocabulary(tokenizer.vocab_size)
        export_huggingface(
            folder.final_weights,
            shape,
            folder.weights,
            Path(name) / "exported",
            Card(title="", training="", scores={}),
        )
        peer = LlamaForCausalLM.from_pretrained(Path(name) / "exported").eval()

    def ours(kind: str, *, grammar: bool) -> Side:
        def decode(places: Sequence[int], rows: int) -> list[list[int]]:
            decoder = Decoder(model=model, stop_id=stop, max_new_tokens=NEW_TOKENS, batch_size=rows)
            chosen = [prompts[place] for place in places]
            own = [scopes[place] for place in places] if grammar else None
            if kind == "greedy":
                return [list(each.tokens) for each in decoder.greedy(chosen, scopes=own)]
            return [
                list(each.tokens)
                for row in decoder.sample(chosen, samples, seed=0, scopes=own)
                for each in row
            ]

        return decode

    def theirs(kind: str) -> Side:
        copies = samples if kind == "sample" else 1

        def decode(places: Sequence[int], rows: int) -> list[list[int]]:
            found: dict[int, list[int]] = {}
            by_length = sorted(
                places, key=lambda place: len(prompts[place])
            )  # the peer too is spared needless padding
            size = max(1, rows // copies)
            for first in range(0, len(by_length), size):
                part = by_length[first : first + size]
                longest = max(len(prompts[place]) for place in part)
                ids = torch.tensor(
                    [[0] * (longest - len(prompts[place])) + prompts[place] for place in part]
                )
                mask = torch.tensor(
                    [
                        [0] * (longest - len(prompts[place])) + [1] * len(prompts[place])
                        for place in part
                    ]
                )
                how = (
                    {"do_sample": True, "top_k": 0, "num_return_sequences": copies}
                    if kind == "sample"
                    else {"do_sample": False}
                )
                made = peer.generate(  # pyright: ignore[reportAttributeAccessIssue]
                    ids,
                    attention_mask=mask,
                    max_new_tokens=NEW_TOKENS,
                    pad_token_id=stop,
                    eos_token_id=stop,
                    **how,
                )
                for place, row in zip(part, made[::copies, longest:].tolist()):
                    found[place] = row[: row.index(stop)] if stop in row else row
            return [found[place] for place in places]

        return decode

    sides = {
        **{(kind, "corpus"): ours(kind, grammar=False) for kind in ("greedy", "sample")},
        **{(kind, "corpus, grammar"): ours(kind, grammar=True) for kind in ("greedy", "sample")},
        **{(kind, "transformers"): theirs(kind) for kind in ("greedy", "sample")},
    }
    return sides, len(prompts)


def seconds(
    side: Side, places: Sequence[int], rows: int, threads: int
) -> tuple[float, list[list[int]]]:
    """Return the wall-clock seconds of one pass, and what came out."""
    torch.set_num_threads(threads)
    start = time.perf_counter()
    with torch.inference_mode():
        found = side(places, rows)
    return time.perf_counter() - start, found


if __name__ == "__main__":
    main()
