"""Quantised checkpoints back to float32, from the files alone.

    weight = round_to_float32(code · scale)          NVFP4: round((code · block scale) · tensor scale)

Which coding a matrix has is decided from its tensors; the config gives the size of blocks. It is never derived
from shapes: a matrix of 132 rows has two rows of scales, and the first holds for 128 rows.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import codes as c
from codes import Stored
from forms import grid, spread

SCALES = ("weight_scale_inv", "weight_scale", "scale")
BESIDE = (*SCALES, "weight_scale_2", "weight_global_scale", "input_scale", "input_global_scale", "k_scale", "v_scale")


def block_size(directory: Path) -> tuple[int, int] | None:
    """Rows and columns of an FP8 block, or None."""
    quantisation = json.loads((directory / "config.json").read_text()).get("quantization_config", {})
    found = quantisation.get("weight_block_size")
    for group in quantisation.get("config_groups", {}).values():
        found = found or (group.get("weights") or {}).get("block_structure")
    return tuple(found) if found else None


def scale_values(stored: Stored) -> np.ndarray:
    dtype, raw = stored
    if dtype == "BF16":
        return c.bf16_decode(raw)
    if dtype in ("F8_E8M0", "U8"):
        return c.e8m0_decode(raw)
    return c.decode(raw, c.E4M3) if dtype == "F8_E4M3" else raw.astype(np.float32)


def fp8(weight: Stored, scale: Stored, block: tuple[int, int] | None) -> np.ndarray:
    codes = c.decode(weight[1], c.E4M3 if weight[0] == "F8_E4M3" else c.E5M2)
    scales, rows = scale_values(scale), codes.shape[0]
    if scales.size == 1:
        return codes * scales.reshape(())
    if scale[0] == "U8":
        block = (1, 32)
    if block is None:  # one scale a row, [N] or [N, 1]
        assert scales.shape in ((rows,), (rows, 1)), scales.shape
        return codes * scales.reshape(rows, 1)
    assert scales.shape == grid(codes.shape, block), (scales.shape, codes.shape)
    return codes * spread(scales, codes.shape, block)


def fp4(packed: np.ndarray, scale: Stored, whole: np.ndarray | None) -> np.ndarray:
    codes = c.decode(c.unpack(packed), c.E2M1)
    size = 16 if scale[0] == "F8_E4M3" else 32
    assert scale[1].shape == (codes.shape[0], codes.shape[1] // size), scale[1].shape
    product = codes * spread(scale_values(scale), codes.shape, (1, size))  # exact
    return product if whole is None else product * whole.reshape(()).astype(np.float32)


def matrix(module: dict[str, Stored], block: tuple[int, int] | None) -> np.ndarray:
    """The weights of a module from its tensors, by the names behind the module's."""
    weight = module.get("weight", module.get("weight_packed"))
    scale = next((module[name] for name in SCALES if name in module), None)
    if scale is None:
        assert weight[0] in ("F32", "BF16"), weight[0]
        return c.bf16_decode(weight[1]) if weight[0] == "BF16" else weight[1]
    if weight[0].startswith("F8"):
        return fp8(weight, scale, block)
    whole = module["weight_scale_2"][1] if "weight_scale_2" in module else None
    if "weight_global_scale" in module:
        whole = np.float32(1) / module["weight_global_scale"][1]
    return fp4(weight[1], scale, whole)


def dequantised(tensors: dict[str, Stored], block: tuple[int, int] | None) -> dict[str, np.ndarray]:
    """Every tensor of the model as float32 (tables of ids as they are); what stands beside a weight is used up."""
    result = {}
    for name, (dtype, raw) in tensors.items():
        base, _, leaf = name.rpartition(".")
        if name.endswith("_proj_scale_inv"):
            continue
        if leaf != "weight" and name + "_scale_inv" in tensors:  # all experts of a layer in one tensor
            scale_dtype, scales = tensors[name + "_scale_inv"]
            parts = [matrix({"weight": (dtype, w), "scale": (scale_dtype, s)}, block) for w, s in zip(raw, scales)]
            result[name] = np.stack(parts)
        elif leaf in ("weight", "weight_packed"):
            module = {other: tensors[f"{base}.{other}"] for other in (leaf, *BESIDE) if f"{base}.{other}" in tensors}
            result[base + ".weight"] = matrix(module, block)
        elif leaf in BESIDE and (f"{base}.weight" in tensors or f"{base}.weight_packed" in tensors or leaf[1:] == "_scale"):
            continue
        elif dtype == "BF16":
            result[name] = c.bf16_decode(raw)
        else:
            assert dtype in ("F32", "I64", "I32"), f"{name}: {dtype}"
            result[name] = raw
    assert all(np.isfinite(a).all() for a in result.values())
    return result
