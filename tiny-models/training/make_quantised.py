"""Writes the quantised specks, `quantised/NAME`, as published checkpoints store their weights.

    python make_quantised.py OUT_DIR [NAME...]       (OUT_DIR is usually `../quantised`)

The weights are those of a random speck (make_specks.py, make_specks_v4.py: norms differ from 1, biases from 0),
then each block of a matrix that is quantised gets a factor of its own, 2^-3 to 2^3; a twelfth of the blocks is
zero, and single weights are so small that their codes are subnormal or 0. Neither torch nor transformers
quantises anything here. For sharded models the scales lie in other files than their codes, as far as the
order of names allows: shards are filled from both ends of it.
"""

from __future__ import annotations

import sys
import zlib
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch

import codes as c
from codes import RAW, Stored
from forms import rough
from make_specks import Weights, config_json, write_json
from make_specks_v4 import Weights as WeightsV4
import quantised_glm
import quantised_v4
from config_v4 import release_config

ROOT_MEAN_SQUARE = 1.3  # times 1/sqrt(columns), as in the other specks


def stored(tensor: torch.Tensor) -> Stored:
    """A tensor of torch in its own dtype."""
    if tensor.dtype == torch.bfloat16:
        return "BF16", c.bf16_encode(tensor.float().numpy())
    return {torch.float32: "F32", torch.int64: "I64", torch.int32: "I32"}[tensor.dtype], tensor.numpy()


def quantise(tensors: dict[str, torch.Tensor], coding_of, seed: int) -> dict[str, Stored]:
    """Every tensor by the coding of its module; each matrix has a generator of its own."""
    result: dict[str, Stored] = {}
    for name, tensor in tensors.items():
        module = name.removesuffix(".weight")
        coding = coding_of(module) if name.endswith(".weight") and tensor.dim() == 2 else None
        if coding is None:
            result[name] = stored(tensor)
            continue
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        block = tuple(min(size, whole) for size, whole in zip(coding.block, tensor.shape))
        # a matrix of one scale has runs of 32 that differ, so that many of its codes are small
        fine = (block[0], min(block[1], 32)) if block == tuple(tensor.shape) else block
        weights = rough(tensor.float().numpy().astype(np.float64), rng, fine, ROOT_MEAN_SQUARE / tensor.shape[1] ** 0.5)
        result |= {f"{module}.{leaf}": value for leaf, value in coding(weights, rng).items()}
    return result


def size(value: Stored) -> int:
    return value[1].size * RAW[value[0]].itemsize


def write_shards(directory: Path, tensors: dict[str, Stored], shards: int) -> None:
    """Weights by name from the first file on, what stands beside them from the last file on."""
    beside = {n for n in tensors if "scale" in n.rsplit(".", 1)[-1] and not n.startswith("hc_") and ".hc_" not in n}
    total = sum(size(v) for v in tensors.values())
    files: list[dict[str, Stored]] = [{} for _ in range(shards)]
    for names, backwards in ((sorted(tensors.keys() - beside), False), (sorted(beside), True)):
        used, share = 0, sum(size(tensors[n]) for n in names) / shards
        for name in names:
            number = min(int(used / share), shards - 1)
            files[shards - 1 - number if backwards else number][name] = tensors[name]
            used += size(tensors[name])
    weight_map = {}
    for number, part in enumerate(files, 1):
        file = f"model-{number:05d}-of-{shards:05d}.safetensors"
        c.write_safetensors(directory / file, part)
        weight_map |= dict.fromkeys(part, file)
    write_json(directory / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))})


def write_files(directory: Path, tensors: dict[str, Stored], sharded: bool, config: dict, separate: dict | None) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    if sharded:
        write_shards(directory, tensors, 3)
    else:
        c.write_safetensors(directory / "model.safetensors", tensors)
    write_json(directory / "config.json", config)
    if separate:
        write_json(directory / "hf_quant_config.json", separate)
    total = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{directory.name}: {len(tensors)} tensors, {total} bytes")


def write_glm(model: quantised_glm.Quantised, root: Path) -> None:
    seed = zlib.crc32(model.name.encode()) % 1000
    shape = replace(model.shape, name=model.name, seed=seed)
    tensors = quantise(Weights(shape).model(), model.coding, seed)
    rng = np.random.default_rng(seed)
    tensors |= {n: ("F32", rng.uniform(0.01, 0.1, s).astype(np.float32).reshape(s)) for n, s in model.extra(shape).items()}
    config = config_json(shape)
    if model.config:
        config["quantization_config"] = model.config(shape)
    write_files(root / model.name, tensors, shape.sharded, config, model.separate and model.separate(shape))


def write_v4(model: quantised_v4.Quantised, root: Path) -> None:
    seed = zlib.crc32(model.name.encode()) % 1000
    shape = replace(model.shape, name=model.name, seed=seed)
    tensors = quantise(WeightsV4(shape).model(), model.coding, seed)
    config = release_config(shape) | {"quantization_config": model.quantisation(shape)} | model.top
    write_files(root / model.name, tensors, shape.sharded, dict(sorted(config.items())), None)
    if model.transformers:
        save_stacked(root / model.name)


def save_stacked(directory: Path) -> None:
    """Replaces a release by what transformers writes with `save_original_format=False`: its own names, stacks of experts.

    (With True it drops the scales of FP4 experts: 5.17 writes those of all layers under the same name.) Without a GPU
    the library would turn the weights to bf16 first, so it is told that there is one; nothing is computed.
    """
    from transformers import AutoModelForCausalLM

    with mock.patch("torch.cuda.is_available", lambda: True), mock.patch("torch.cuda.get_device_capability", lambda *_: (9, 0)):
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16, device_map={"": "cpu"})
        for old in directory.iterdir():
            old.unlink()
        model.save_pretrained(directory, save_original_format=False)
    (directory / "generation_config.json").unlink()
    for file in directory.iterdir():
        file.chmod(0o644)


if __name__ == "__main__":
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    for one in (*quantised_glm.MODELS, *quantised_v4.MODELS):
        if not wanted or one.name in wanted:
            (write_v4 if isinstance(one, quantised_v4.Quantised) else write_glm)(one, folder)
