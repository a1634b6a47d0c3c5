"""Random numbers and hashes that any language can repeat bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
MASK = 0xFFFFFFFFFFFFFFFF


class SplitMix64:
    """Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014)."""

    def __init__(self, seed: int) -> None:
        self.state = seed & MASK

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, bound: int) -> int:
        """An integer of 0 .. bound-1 (the modulo bias is below 2^-24 here)."""
        return (self.next() >> 33) % bound

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def favour(self, items: Sequence[T], turn: int = 0) -> T:
        """A clear favourite (item `turn`, in a third of the draws), then the likelier the nearer behind it."""
        count = len(items)
        offset = 0 if self.below(3) == 0 else min(self.below(count), self.below(count))
        return items[(turn + offset) % count]

    def chance(self, numerator: int, denominator: int) -> bool:
        return self.below(denominator) < numerator

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        pool = list(items)
        return [pool.pop(self.below(len(pool))) for _ in range(count)]


def fnv1a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def held_out(prompt: str) -> bool:
    """True for 1 prompt in 20: these are never trained on, and evaluation uses no others."""
    return (fnv1a(prompt) >> 8) % 20 == 0
