"""Writes `../golden/NAME.safetensors` of the quantised specks with transformers, in float32.

    python golden_quantised.py ../quantised/*

transformers never sees the quantised files: its own way back to floats is wrong on blocks that are cut off and
on experts in NVFP4. `dequantise.py` makes a checkpoint of float32 weights in a temporary directory, transformers
loads that one (every parameter is checked: it has the bits of the dequantised weight), and mtp.py or mtp_v4.py the
MTP layer, as for the other specks.

Tensors (T tokens, V vocabulary, N layers, C prefixes):
    ids [T] I64; logits [T, V]; streams.N and hidden: the last streams and the states after the final norm
    mtp.logits [T-1, V]; mtp.chain.prefix [C] I64, mtp.chain.drafts [C, 3] I64, mtp.chain.logits [C, 3, V]
    decoded.{weight} [rows] I64, of every quantised matrix: CRC-32 of each row's float32 weights (little-endian)

Texts are chosen as in golden.py and golden_v4.py: no near ties between the two best logits, nor at the border of
what routers and indexers choose.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

import codes as c
import golden
import golden_v4
from dequantise import block_size, dequantised
from mtp import Mtp, fuse_experts
from mtp_v4 import MtpV4

TOKENS, LEAST_MARGIN = 48, 1e-4
GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def twin(directory: Path, weights: dict[str, np.ndarray], into: Path) -> Path:
    """The same model with float32 weights and a config that says nothing of quantisation."""
    config = json.loads((directory / "config.json").read_text())
    for key in ("quantization_config", "expert_dtype"):
        config.pop(key, None)
    config["torch_dtype"] = "float32"
    config.pop("dtype", None)
    (into / "config.json").write_text(json.dumps(config))
    c.write_safetensors(into / "model.safetensors", {n: (dtype_of(a), np.ascontiguousarray(a)) for n, a in weights.items()})
    return into


def dtype_of(a: np.ndarray) -> str:
    return {"f4": "F32", "i8": "I64", "i4": "I32"}[a.dtype.str[1:]]


def check_same(model: torch.nn.Module, weights: dict[str, np.ndarray], names) -> None:
    """Every parameter of transformers has the bits that we dequantised."""
    expected = names({n: torch.from_numpy(a.copy()) for n, a in weights.items()})
    parameters = dict(model.named_parameters())
    assert parameters.keys() <= expected.keys(), parameters.keys() - expected.keys()
    for name, value in parameters.items():
        assert value.dtype == torch.float32 and torch.equal(value, expected[name]), name


def classic_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    result, layers = {}, {n.split(".")[2] for n in tensors if n.startswith("model.layers.")}
    for layer in layers:
        prefix = f"model.layers.{layer}."
        part = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        experts = sum(n.startswith("mlp.experts.") and n.endswith(".gate_proj.weight") for n in part)
        result |= {prefix + n: t for n, t in fuse_experts(part, experts).items()}
    return result | {n: t for n, t in tensors.items() if not n.startswith("model.layers.")}


def v4_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    from names_v4 import experts_stacked, to_transformers

    if "model.embed_tokens.weight" in tensors:
        return tensors
    main = {to_transformers(n): t for n, t in tensors.items() if not n.startswith("mtp.")}
    experts = 1 + max(int(n.split(".experts.")[1].split(".")[0]) for n in main if ".experts." in n)
    return experts_stacked(main, experts)


def router_margin(model, ids: Tensor) -> float:
    """The smallest distance between the last chosen expert and the first that is not, of `glm4_moe` with one group."""
    smallest, handles = [], []

    def hook(module, args, output):
        scores = output[0].sigmoid() + module.e_score_correction_bias
        smallest.append(golden_v4.border(scores, model.config.num_experts_per_tok).min().item())

    for layer in model.model.layers:
        if hasattr(layer.mlp, "gate"):
            handles.append(layer.mlp.gate.register_forward_hook(hook))
    model.model(ids[None], use_cache=False)
    for handle in handles:
        handle.remove()
    return min(smallest)


def classic(folder: Path, weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    model = golden.load(folder)
    check_same(model, weights, classic_names)
    for seed in range(1000, 1400):
        ids = torch.randint(0, model.config.vocab_size, (TOKENS,), generator=torch.Generator().manual_seed(seed))
        tensors = golden.forward_with_taps(model, ids)
        if golden.gap(tensors["logits"]).min() >= golden.MIN_GAP and router_margin(model, ids) >= LEAST_MARGIN:
            break
    else:
        raise AssertionError("no ids without near ties")
    if model.config.num_nextn_predict_layers:
        mtp = Mtp(folder, model)
        tensors |= golden.mtp_tensors(mtp, ids, tensors["hidden"], [2, 3, 17, 40, TOKENS, 7, 11, 33, 25, 21], 4)
    return tensors


def v4(folder: Path, weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    model = golden_v4.load(folder)
    check_same(model, weights, v4_names)
    config = model.config
    mtp = MtpV4(folder, model) if config.num_nextn_predict_layers else None
    for seed in range(1000, 1400):
        ids = torch.randint(0, config.vocab_size, (TOKENS,), generator=torch.Generator().manual_seed(seed))
        taps = golden_v4.forward(model, mtp, ids)
        if golden.gap(taps.tensors["logits"]).min() >= golden.MIN_GAP and taps.smallest()[1] >= LEAST_MARGIN:
            break
    else:
        raise AssertionError("no ids without near ties")
    print(f"  seed {seed}, margin {taps.smallest()}")
    if not mtp:
        return taps.tensors
    return taps.tensors | golden_v4.chains(mtp, taps, [2, 3, 17, 40, TOKENS, *range(4, 45, 3)], 4, LEAST_MARGIN)


def checksums(tensors: dict[str, c.Stored], weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Of the quantised matrices: those whose stored type is not that of a float."""
    result = {}
    for name, a in weights.items():
        dtype = tensors.get(name, tensors.get(name + "_packed"))[0]
        if dtype in ("U8", "I8") or dtype.startswith("F8"):
            rows = [zlib.crc32(row.astype("<f4").tobytes()) for row in a.reshape(-1, a.shape[-1])]
            result[f"decoded.{name}"] = torch.tensor(rows)
    return result


def kept(name: str, last: int) -> bool:
    return name in ("ids", "logits", "hidden", f"streams.{last}") or name.startswith("mtp.") and not name.endswith("streams")


def write(directory: Path) -> None:
    tensors = c.read_checkpoint(directory)
    weights = dequantised(tensors, block_size(directory))
    config = json.loads((directory / "config.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        make = v4 if config["model_type"] == "deepseek_v4" else classic
        numbers = make(twin(directory, weights, Path(folder)), weights)
    numbers = {n: t for n, t in numbers.items() if kept(n, config["num_hidden_layers"])} | checksums(tensors, weights)
    path = GOLDEN / f"{directory.name}.safetensors"
    save_file({n: t.detach().contiguous().clone() for n, t in numbers.items()}, path)
    path.chmod(0o644)
    worst = numbers["logits"].abs().max().item()
    print(f"{directory.name}: {path.stat().st_size} bytes, largest logit {worst:.1f}")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    for one in sys.argv[1:]:
        write(Path(one))
