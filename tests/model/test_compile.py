"""The compiled model equals the eager one, in one graph.

In a process of its own: shapes are checked in this one, and the checks cannot be compiled. The code
generator (inductor) takes seconds for each kernel, so it is asked for one forward pass; that
backward passes, autocast and int8 fit into one graph is shown by the backend that captures graphs
and then runs them as they are (aot_eager).
"""

import subprocess
import sys

CODE = """
import torch
from corpus.config.model import ModelConfig
from corpus.model.weights import build_model
from corpus.model.low_precision import compute_in
from corpus.train.step import CompiledBackbone, eager_backbone

torch.set_num_threads(1)
config = ModelConfig(vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=8)
tokens = torch.arange(16).reshape(2, 8)
documents = (tokens % 8 > 4).long()


def check(model, backend, *, backward, autocast, tolerance):
    compiled = torch.compile(model.hidden, fullgraph=True, dynamic=False, backend=backend)
    results = []
    for run in (model.hidden, compiled):
        model.zero_grad()
        with torch.set_grad_enabled(backward), torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            hidden = run(tokens, documents=documents)
        if backward:
            hidden.square().mean().backward()
        results.append([hidden.detach()] + [p.grad for p in model.blocks.parameters() if backward])
    for eager, fused in zip(*results):
        torch.testing.assert_close(fused / eager.abs().max(), eager / eager.abs().max(), atol=tolerance, rtol=0)


wide = ModelConfig(vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=128)
model, tokens, documents = build_model(wide, seed=0), torch.arange(256).reshape(2, 128) % 64, (torch.arange(256).reshape(2, 128) // 50)
eager = eager_backbone(model)(tokens, documents)
torch.testing.assert_close(CompiledBackbone(model)(tokens, documents), eager)  # attention in blocks
tokens = torch.arange(16).reshape(2, 8)
documents = (tokens % 8 > 4).long()
check(build_model(config, seed=0), "inductor", backward=False, autocast=False, tolerance=1e-5)
check(build_model(config, seed=0), "aot_eager", backward=True, autocast=True, tolerance=0.05)
check(compute_in(build_model(config, seed=0), "int8"), "aot_eager", backward=True, autocast=False, tolerance=0.05)
"""


def test_compiled_equals_eager() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
