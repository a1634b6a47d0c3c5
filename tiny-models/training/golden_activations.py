"""Writes `../golden/NAME-a8.safetensors`: quantised specks with activations in FP8, with transformers.

    python golden_activations.py ../quantised/glm-fp8-block-32 ../quantised/v4-release ...

As golden_quantised.py, transformers computes in float32 over dequantised weights. Here every product with a
quantised matrix has its input rounded first, as DeepSeek's kernels do, in numpy and in plain words:

    amax = max(1e-4, largest |x| of a block of a row); s = amax / 448, or the power of two above; y = E4M3(x / s) · s

Rounding is not continuous. Two programs whose float32 sums differ in the last bits can round the same number to
two neighbours. So the ids are chosen such that no large |x| / s is near the middle of two E4M3 values; small ones
may be, since their steps are small beside the largest of their block.

Tensors (T tokens, V vocabulary): ids [T] I64; logits [T, V]; mtp.logits [T-1, V]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

import codes as c
import golden
import golden_v4
from dequantise import SCALES, block_size, dequantised
from golden_quantised import GOLDEN, twin
from mtp import Mtp
from mtp_v4 import MtpV4

TOKENS = 10
LARGE, MARGIN = 4.0, 4e-5  # of |x| / s, whose largest is 448
SEEDS = range(2000, 2600)


class Rounding:
    """Rounds the inputs of products, by the memory of their matrix."""

    def __init__(self) -> None:
        self.rules: dict[int, tuple[int, bool]] = {}  # address of a matrix -> block, powers of two
        self.used: set[int] = set()
        self.nearest = np.inf  # of large values to the middle of two codes
        self.linear = torch.nn.functional.linear

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        rule = self.rules.get(weight.data_ptr())
        if rule and weight.dim() == 2:
            self.used.add(weight.data_ptr())
            x = torch.from_numpy(self.rounded(x.numpy(), *rule))
        return self.linear(x, weight, bias)

    def rounded(self, x: np.ndarray, block: int, power: bool) -> np.ndarray:
        y = np.empty_like(x)
        for at in range(0, x.shape[-1], block):
            part = x[..., at : at + block]
            amax = np.maximum(np.float32(1e-4), np.abs(part).max(axis=-1, keepdims=True))
            scale = amax / np.float32(448)
            if power:
                fraction, exponent = np.frexp(scale)  # scale = fraction · 2^exponent, 0.5 <= fraction < 1
                scale = np.ldexp(np.float32(1), exponent - (fraction == 0.5))
            values = part / scale
            self.look(np.abs(values))
            coded = c.encode(np.clip(values, -448, 448).astype(np.float64), c.E4M3)
            y[..., at : at + block] = c.decode(coded, c.E4M3).astype(np.float32) * scale
        return y

    def look(self, values: np.ndarray) -> None:
        middles = (c.E4M3[1:] + c.E4M3[:-1]) / 2
        large = values[values >= LARGE].astype(np.float64)
        if large.size:
            above = np.minimum(np.searchsorted(middles, large), len(middles) - 1)
            distance = np.minimum(np.abs(middles[above] - large), np.abs(middles[above - 1] - large))
            self.nearest = min(self.nearest, distance.min())


def rule_of(tensors: dict[str, c.Stored], base: str, block: tuple[int, int] | None, ue8m0: bool) -> tuple[int, bool]:
    """Columns that share a scale, and whether scales are powers of two."""
    dtype = tensors.get(base + ".weight", tensors.get(base + ".weight_packed"))[0]
    scale = next(tensors[f"{base}.{name}"] for name in SCALES if f"{base}.{name}" in tensors)
    power = ue8m0 or scale[0] in ("F8_E8M0", "U8")
    if dtype in ("U8", "I8"):
        return 128, power
    if scale[1].size == 1 or block is None:
        return 10**9, power
    return (32 if scale[0] == "U8" else block[1]), power


def rules(directory: Path, tensors: dict[str, c.Stored], weights: dict[str, np.ndarray]) -> dict[bytes, tuple[int, bool]]:
    """By the weights themselves: transformers renames and stacks them."""
    config = json.loads((directory / "config.json").read_text()).get("quantization_config", {})
    block, ue8m0 = block_size(directory), config.get("scale_fmt") == "ue8m0"
    found = {}
    for name, a in weights.items():
        base = name.removesuffix(".weight")
        if any(f"{base}.{scale}" in tensors for scale in SCALES) and not base.endswith(".wo_a"):
            found[a.astype("<f4").tobytes()] = rule_of(tensors, base, block, ue8m0)
    return found


def bind(rounding: Rounding, module: torch.nn.Module, known: dict[bytes, tuple[int, bool]]) -> None:
    """Finds the matrices of a module, also experts in a stack and gate and up in one."""
    for value in module.parameters():
        stack = value.detach()
        for matrix in [stack] if stack.dim() == 2 else list(stack) if stack.dim() == 3 else []:
            half = matrix[: matrix.shape[0] // 2].numpy()
            rule = known.get(matrix.numpy().tobytes()) or known.get(half.tobytes())
            if rule:
                rounding.rules[matrix.data_ptr()] = rule


def write(directory: Path) -> None:
    tensors = c.read_checkpoint(directory)
    weights = dequantised(tensors, block_size(directory))
    v4 = json.loads((directory / "config.json").read_text())["model_type"] == "deepseek_v4"
    with tempfile.TemporaryDirectory() as folder:
        path = twin(directory, weights, Path(folder))
        model = (golden_v4 if v4 else golden).load(path)
        mtp = None
        if model.config.num_nextn_predict_layers:
            mtp = (MtpV4 if v4 else Mtp)(path, model)
    known = rules(directory, tensors, weights)
    for seed in SEEDS:
        ids = torch.randint(0, model.config.vocab_size, (TOKENS,), generator=torch.Generator().manual_seed(seed))
        rounding = Rounding()
        for module in (model, mtp) if mtp else (model,):
            bind(rounding, module, known)
        torch.nn.functional.linear = rounding
        try:
            numbers = run(model, mtp, ids, v4)
        finally:
            torch.nn.functional.linear = rounding.linear
        if rounding.nearest >= MARGIN:
            break
    else:
        raise AssertionError("no ids without near ties")
    plain = run(model, mtp, ids, v4)
    moved = (plain["logits"] - numbers["logits"]).abs().max().item()
    assert moved > 1e-3, "rounding changed nothing"
    unused = len(rounding.rules) - len(rounding.used)
    path = GOLDEN / f"{directory.name}-a8.safetensors"
    save_file({n: t.detach().contiguous().clone() for n, t in numbers.items()}, path)
    path.chmod(0o644)
    print(
        f"{directory.name}: seed {seed}, {len(rounding.used)} matrices of {len(known)} rounded for, {unused} not reached,"
        f" margin {rounding.nearest:.1e}, rounding moves logits by {moved:.3f}"
    )


def run(model: torch.nn.Module, mtp, ids: Tensor, v4: bool) -> dict[str, Tensor]:
    if v4:
        taps = golden_v4.forward(model, mtp, ids)
        return {n: t for n, t in taps.tensors.items() if n in ("ids", "logits", "mtp.logits")}
    numbers = golden.forward_with_taps(model, ids)
    result = {"ids": ids, "logits": numbers["logits"]}
    if mtp:
        rows = ids.shape[0] - 1
        y = mtp(ids[None, 1:], numbers["hidden"][None, :rows], torch.arange(rows))[0]
        result["mtp.logits"] = mtp.logits(y)
    return result


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    for one in sys.argv[1:]:
        write(Path(one))
