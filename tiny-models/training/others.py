"""Which quantised checkpoints transformers and compressed-tensors read, and how far from ours they come.

    python others.py CHECKPOINT_DIR...       (../quantised/*, or what `orrery quantize` wrote; no GPU is used)

`dequantise.py` gives the weights and, through transformers in float32, the logits that the others are compared
with. One line each:

    transformers         `from_pretrained` on the directory as it is: loaded or not, matrices that are wrong, logits
    as floats            its weights in float32, so that only wrong weights show in the logits, not bf16 and not
                         rounded activations
    compressed-tensors   the library's own `decompress`, module by module, without a model

An error is the largest difference of a matrix divided by its largest weight; 4e-3 is what bf16 loses.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

import codes as c
from dequantise import block_size, dequantised
from golden_quantised import twin

WRONG = 8e-3  # of a matrix: more than rounding to bf16


def reference(directory: Path, weights: dict[str, np.ndarray]):
    """transformers over our weights."""
    with tempfile.TemporaryDirectory() as folder:
        model = AutoModelForCausalLM.from_pretrained(
            twin(directory, weights, Path(folder)), dtype=torch.float32, attn_implementation="eager"
        )
    return model.eval()


def error(theirs: Tensor, ours: Tensor) -> float:
    return ((theirs.float() - ours).abs().max() / ours.abs().max().clamp(min=1e-30)).item()


def logits(model, ids: Tensor) -> Tensor:
    return model(ids, use_cache=False).logits.float()


def in_transformers(directory: Path, ours, ids: Tensor, expected: Tensor) -> str:
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
    except Exception as problem:  # whatever the library throws is the result
        return f"not loaded: {type(problem).__name__}: {first_line(problem)}"
    problems = {key: len(found) for key, found in info.items() if found and key != "unexpected_keys"}
    result = f"loaded{f', but {problems}' if problems else ''}"
    model.eval()
    try:
        result += f"; logits off by {(logits(model, ids) - expected).abs().max():.1e}"
    except Exception as problem:
        result += f"; no logits: {first_line(problem)}"
    theirs, parameters = dict(model.named_parameters()), dict(ours.named_parameters())
    same = [n for n in parameters if n in theirs and theirs[n].shape == parameters[n].shape]
    errors = {n: error(theirs[n], parameters[n]) for n in same if theirs[n].dtype.is_floating_point and theirs[n].dtype.itemsize > 1}
    wrong = [n for n, e in errors.items() if e > WRONG]
    result += f"; {len(wrong)} of {len(parameters)} tensors wrong, {len(parameters) - len(errors)} not in floats"
    if wrong:
        return result + f" (worst {max(errors, key=errors.get)}: {max(errors.values()):.1e})"
    if len(errors) < len(parameters):
        return result
    ours.load_state_dict({n: theirs[n].float() for n in parameters}, strict=False)
    return result + f"; as floats {(logits(ours, ids) - expected).abs().max():.1e}"


def first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0][:140]


def in_compressed_tensors(directory: Path, weights: dict[str, np.ndarray], config: dict) -> str:
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationScheme

    tensors: dict[str, Tensor] = {}
    for file in sorted(directory.glob("model*.safetensors")):
        tensors |= load_file(file)
    worst, count = (0.0, ""), 0
    for module in sorted(n.removesuffix(".weight_scale") for n in tensors if n.endswith(".weight_scale")):
        group = group_of(module, list(config["config_groups"].values()))
        scheme = QuantizationScheme.model_validate(group)
        compressor = BaseCompressor.get_value_from_registry(group.get("format") or config["format"])
        local = {n.removeprefix(module + "."): t for n, t in tensors.items() if n.startswith(module + ".w")}
        try:
            theirs = compressor.decompress(local, scheme)["weight"]
        except Exception as problem:
            return f"{module}: {type(problem).__name__}: {first_line(problem)}"
        worst = max(worst, (error(theirs, torch.from_numpy(weights[module + ".weight"].copy())), module))
        count += 1
    return f"{count} modules; largest error {worst[0]:.1e} ({worst[1]}, {theirs.dtype})"


def group_of(module: str, groups: list[dict]) -> dict:
    """As the library chooses: names and regular expressions come before the class."""
    for group in groups:
        if any(t == module or t.startswith("re:") and re.match(t[3:], module) for t in group["targets"]):
            return group
    return next(group for group in groups if "Linear" in group["targets"])


def compare(directory: Path) -> None:
    weights = dequantised(c.read_checkpoint(directory), block_size(directory))
    config = json.loads((directory / "config.json").read_text())
    ours = reference(directory, weights)
    ids = torch.randint(0, config["vocab_size"], (1, 48), generator=torch.Generator().manual_seed(5))
    expected = logits(ours, ids)
    print(f"{directory.name}\n  transformers: {in_transformers(directory, ours, ids, expected)}")
    if config.get("quantization_config", {}).get("quant_method") == "compressed-tensors":
        print(f"  compressed-tensors: {in_compressed_tensors(directory, weights, config['quantization_config'])}")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    print({name: version(name) for name in ("transformers", "compressed-tensors", "torch", "safetensors")})
    for one in sys.argv[1:]:
        compare(Path(one))
