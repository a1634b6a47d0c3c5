"""How published checkpoints store a quantised matrix: a float32 matrix to the tensors of its module.

A coding takes (matrix [N, K], random generator) and gives the tensors by what stands behind the module's
name. The weight is code · scale; only compressed-tensors' NVFP4 stores the reciprocal of its tensor scale.
`block` is the grid on which `rough` varies the matrix, so that neighbouring scales differ much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

import codes as c
from codes import Stored

TABLES = {"E4M3": c.E4M3, "E5M2": c.E5M2}


def rough(a: np.ndarray, rng: Generator, block: tuple[int, int], scale: float) -> np.ndarray:
    """Weights that test scales: blocks differ by powers of two, some are zero, some tiny; single tiny weights too.

    `scale` is the root mean square of the result.
    """
    rows, columns = grid(a.shape, block)
    factors = np.exp2(rng.uniform(-3, 3, (rows, columns)))
    drawn = rng.uniform(size=(rows, columns))
    if rows * columns >= 8:
        factors[drawn < 0.08] = 0
        factors[(drawn >= 0.08) & (drawn < 0.12)] *= 2.0**-15
    elif rows * columns > 1 and drawn[0, 0] < 0.3:
        factors[-1, -1] = 0  # the smallest one
    a = a * spread(factors, a.shape, block)
    tiny = rng.uniform(size=a.shape) < 0.03
    a = np.where(tiny, a * np.exp2(-rng.uniform(8, 33, a.shape)), a)
    return (a * (scale / np.sqrt(np.mean(a * a)))).astype(np.float32)


def grid(shape: tuple[int, int], block: tuple[int, int]) -> tuple[int, int]:
    return -(-shape[0] // block[0]), -(-shape[1] // block[1])


def spread(scales: np.ndarray, shape: tuple[int, int], block: tuple[int, int]) -> np.ndarray:
    """One number a block -> one an element; the last blocks may be cut off."""
    rows, columns = np.arange(shape[0]) // block[0], np.arange(shape[1]) // block[1]
    return scales[rows[:, None], columns[None, :]]


def largest(a: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    """The largest magnitude of each block, float64."""
    rows, columns = grid(a.shape, block)
    padded = np.zeros((rows * block[0], columns * block[1]))
    padded[: a.shape[0], : a.shape[1]] = np.abs(a)
    return padded.reshape(rows, block[0], columns, block[1]).max(axis=(1, 3))


def powers(amax: np.ndarray, codes: str, way: str) -> np.ndarray:
    """E8M0 codes: DeepSeek rounds amax / largest code up, OCP MX takes the power of two below amax / that below it."""
    if way == "ceil":
        return c.e8m0_encode(amax / c.LARGEST[codes], "ceil")
    below = {"E4M3": 8, "E2M1": 2, "E5M2": 15}[codes]
    return np.maximum(c.e8m0_encode(amax, "floor").astype(np.int32) - below, 0).astype(np.uint8)


def divide(a: np.ndarray, scales: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    return a.astype(np.float64) / spread(scales.astype(np.float64), a.shape, block)


@dataclass(frozen=True)
class Fp8:
    """E4M3 or E5M2 codes and a grid of scales."""

    block: tuple[int, int]  # a size of 10**9 is all rows or all columns
    scales: str  # F32, BF16, F8_E8M0, U8, or F32-power for powers of two in float32
    name: str  # of the scales
    way: str = "ceil"  # how a power of two is found
    codes: str = "E4M3"
    flat: str = ""  # "row" for scales [N], "one" for [1], "scalar" for []
    inputs: bool = False  # static activations: an input_scale of the shape of the scales

    def __call__(self, a: np.ndarray, rng: Generator) -> dict[str, Stored]:
        block = tuple(min(size, whole) for size, whole in zip(self.block, a.shape))
        amax = largest(a, block)
        if self.scales in ("F32", "BF16"):
            scales = (np.maximum(amax, 1e-12) / c.LARGEST[self.codes]).astype(np.float32)
            raw = scales
            if self.scales == "BF16":
                raw = c.bf16_encode(scales)
                scales = c.bf16_decode(raw)
        else:
            raw = powers(amax, self.codes, self.way)
            scales = c.e8m0_decode(raw)
            raw = scales if self.scales == "F32-power" else raw
        values = divide(a, scales, block)
        coded = c.encode(np.clip(values, -c.LARGEST[self.codes], c.LARGEST[self.codes]), TABLES[self.codes])
        shape = {"": raw.shape, "row": (a.shape[0],), "one": (1,), "scalar": ()}[self.flat]
        dtype = self.scales.removesuffix("-power")
        tensors = {"weight": ("F8_" + self.codes, coded), self.name: (dtype, raw.reshape(shape))}
        if self.inputs:
            tensors["input_scale"] = "F32", np.full(shape, rng.uniform(0.01, 0.05), np.float32)
        return tensors


@dataclass(frozen=True)
class Mxfp4:
    """E2M1 codes, two a byte, and a power of two for 32 of a row."""

    weight: str = "weight_packed"  # its name
    dtype: str = "U8"  # of the bytes
    name: str = "weight_scale"
    scales: str = "U8"
    way: str = "floor"
    block: tuple[int, int] = (1, 32)

    def __call__(self, a: np.ndarray, rng: Generator) -> dict[str, Stored]:
        assert a.shape[1] % 32 == 0, a.shape
        raw = powers(largest(a, self.block), "E2M1", self.way)
        coded = c.encode(np.clip(divide(a, c.e8m0_decode(raw), self.block), -6, 6), c.E2M1)
        return {self.weight: (self.dtype, c.pack(coded)), self.name: (self.scales, raw)}


@dataclass(frozen=True)
class Nvfp4:
    """E2M1 codes, an E4M3 scale for 16 of a row, a float32 for the tensor: 2688/amax or amax/2688."""

    modelopt: bool
    inputs: bool = True
    block: tuple[int, int] = (1, 16)

    def __call__(self, a: np.ndarray, rng: Generator) -> dict[str, Stored]:
        assert a.shape[1] % 16 == 0, a.shape
        amax = largest(a, self.block)
        if self.modelopt:
            whole = np.float32(amax.max() / 2688)
            wanted = np.clip(amax / 6 / whole, 2.0**-9, 448)
        else:
            inverse = np.float32(2688 / amax.max())
            whole = np.float32(1) / inverse
            wanted = np.clip(amax / 6 * inverse, 0, 448)
        raw = c.encode(wanted, c.E4M3)
        if not self.modelopt:
            raw[raw == 0] = 0x20  # 0.125, the epsilon of E4M3, stands for an empty block
        scales = c.decode(raw, c.E4M3) * whole
        coded = c.pack(c.encode(np.clip(divide(a, scales, self.block), -6, 6), c.E2M1))
        used = np.float32(rng.uniform(0.002, 0.01))
        if self.modelopt:
            tensors = {
                "weight": ("U8", coded),
                "weight_scale": ("F8_E4M3", raw),
                "weight_scale_2": ("F32", np.array(whole, np.float32)),
            }
            return tensors | ({"input_scale": ("F32", np.array(used))} if self.inputs else {})
        tensors = {
            "weight_packed": ("U8", coded),
            "weight_scale": ("F8_E4M3", raw),
            "weight_global_scale": ("F32", np.array([inverse])),
        }
        return tensors | ({"input_global_scale": ("F32", np.array([1 / used]))} if self.inputs else {})
