"""Numbers of 8 and 4 bits, and safetensors files that hold them, in plain numpy.

    E4M3  sign, 4 exponent bits (bias 7), 3 fraction bits; 0x7F and 0xFF are NaN, there is no infinity
    E5M2  sign, 5 exponent bits (bias 15), 2 fraction bits; the exponent 31 is infinity or NaN
    E2M1  sign, 2 exponent bits (bias 1), 1 fraction bit; no NaN, no infinity
    E8M0  a power of two: 2^(code - 127); 0xFF is NaN

Nothing here comes from a library of such numbers: goldens must not share a mistake with what is tested.
The README tells what they were compared with.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def _values(exponents: int, fractions: int, bias: int, count: int) -> np.ndarray:
    """The values of the codes 0 .. count-1 without a sign, as float64."""
    codes = np.arange(count)
    e, m = codes >> fractions, (codes & ((1 << fractions) - 1)) / (1 << fractions)
    return np.where(e == 0, m * 2.0 ** (1 - bias), (1 + m) * 2.0 ** (e - bias).astype(np.float64))


# the finite values, ascending
E4M3 = _values(4, 3, 7, 0x7F)
E5M2 = _values(5, 2, 15, 0x7C)
E2M1 = _values(2, 1, 1, 8)
SIGN = {126: 0x80, 123: 0x80, 7: 0x8}  # sign bit by the largest finite code
LARGEST = {"E4M3": 448.0, "E5M2": 57344.0, "E2M1": 6.0}


def encode(x: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Codes (uint8) of finite numbers: nearest, ties to the even code, too large ones to the largest."""
    a = np.abs(x.astype(np.float64))
    middle = (table[1:] + table[:-1]) / 2
    below = np.searchsorted(middle, a, side="left")  # a tie stays below
    tie = np.zeros(a.shape, bool)
    inside = below < len(middle)
    tie[inside] = a[inside] == middle[below[inside]]
    code = below + (tie & (below % 2 == 1))
    return (code + np.where(np.signbit(x), SIGN[len(table) - 1], 0)).astype(np.uint8)


def decode(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Values (float32) of codes; a code without a value fails."""
    sign = SIGN[len(table) - 1]
    magnitude = (codes & (sign - 1)).astype(np.int64)
    assert magnitude.max(initial=0) < len(table), "a code that is no finite number"
    return np.where(codes & sign, -table[magnitude], table[magnitude]).astype(np.float32)


def e8m0_decode(codes: np.ndarray) -> np.ndarray:
    assert (codes != 0xFF).all(), "NaN as a scale"
    return np.ldexp(np.float32(1), codes.astype(np.int32) - 127).astype(np.float32)


def e8m0_encode(x: np.ndarray, way: str) -> np.ndarray:
    """The code of the power of two below (`floor`) or above (`ceil`) positive numbers; 0 -> code 0."""
    fraction, exponent = np.frexp(x.astype(np.float64))  # x = fraction * 2^exponent, fraction in [1/2, 1)
    power = exponent - 1 + ((way == "ceil") & (fraction != 0.5))
    return np.where(x > 0, np.clip(power + 127, 0, 254), 0).astype(np.uint8)


def bf16_encode(x: np.ndarray) -> np.ndarray:
    """float32 -> the upper halves (uint16), nearest even."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def bf16_decode(x: np.ndarray) -> np.ndarray:
    return (x.astype(np.uint32) << 16).view(np.float32)


def pack(codes: np.ndarray) -> np.ndarray:
    """E2M1 codes [.., K] -> bytes [.., K/2]: the even column in the low half."""
    return codes[..., 0::2] | (codes[..., 1::2] << 4)


def unpack(packed: np.ndarray) -> np.ndarray:
    return np.stack([packed & 0xF, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1)


# The numpy type of the bytes of each safetensors dtype.
RAW = {
    "F32": np.dtype("<f4"), "BF16": np.dtype("<u2"), "F16": np.dtype("<f2"), "I64": np.dtype("<i8"), "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"), "I8": np.dtype("u1"), "F8_E4M3": np.dtype("u1"), "F8_E5M2": np.dtype("u1"), "F8_E8M0": np.dtype("u1"),
}  # fmt: skip
Stored = tuple[str, np.ndarray]  # safetensors dtype, raw numbers


def write_safetensors(path: Path, tensors: dict[str, Stored]) -> None:
    """Wider types first, so that every tensor is aligned, then by name."""
    order = sorted(tensors, key=lambda n: (-RAW[tensors[n][0]].itemsize, n))
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name in order:
        dtype, array = tensors[name]
        assert array.dtype == RAW[dtype], f"{name}: {array.dtype} for {dtype}"
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(np.ascontiguousarray(tensors[n][1]).tobytes() for n in order)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def read_safetensors(path: Path) -> dict[str, Stored]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    result = {}
    for name, entry in header.items():
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[start:end], RAW[entry["dtype"]])
        result[name] = entry["dtype"], array.reshape(entry["shape"])
    return result


def read_checkpoint(directory: Path) -> dict[str, Stored]:
    """All tensors of one file or of shards."""
    tensors: dict[str, Stored] = {}
    for file in sorted(directory.glob("model*.safetensors")):
        tensors |= read_safetensors(file)
    return tensors
