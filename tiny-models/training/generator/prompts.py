"""Held-out prompts with their right answers, for the demo, for tests and for evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import tasks
from .chat import END, FREE, PLAIN_SYSTEM, Chat, remember, render_prompt
from .corpus import HELD_OUT_BOOKS, paragraphs
from .rng import SplitMix64
from .stories import Stories


@dataclass(frozen=True)
class Prompt:
    """`expected` is what must follow up to `stop` (a line's end or <|end|>); None where any text will do."""

    kind: str
    prompt: str
    expected: str | None
    stop: str = END

    def as_json(self) -> dict[str, str | None]:
        return {"kind": self.kind, "prompt": self.prompt, "expected": self.expected}


def task_prompts(per_kind: int, seed: int = 1001) -> Iterator[Prompt]:
    rng = SplitMix64(seed)
    for kind in tasks.ARGUMENTS:
        seen: set[str] = set()
        for _ in range(per_kind * 400):
            prompt = tasks.task_of_split(rng, held=True, kind=kind)
            if prompt not in seen and len(seen) < per_kind:
                seen.add(prompt)
                yield Prompt(f"task:{kind}", prompt, tasks.solve(prompt), "\n")


def chat_prompts(per_kind: int, seed: int = 1002) -> Iterator[Prompt]:
    rng = SplitMix64(seed)
    chat = Chat(Stories())
    counts: dict[str, int] = {}
    seen: set[str] = set()
    for _ in range(per_kind * 2000):
        turn = chat.simple_turn(rng, held=True)
        if turn.question not in seen and counts.get(turn.kind, 0) < per_kind:
            seen.add(turn.question)
            counts[turn.kind] = counts.get(turn.kind, 0) + 1
            yield Prompt(turn.kind, render_prompt("", [], turn.question), turn.answer)
        if all(counts.get(kind, 0) >= per_kind for kind in FREE):
            break
    for _ in range(per_kind):
        turn = chat.reading_turn(rng, held=True)
        yield Prompt(turn.kind, render_prompt("", [], turn.question), turn.answer)
    for _ in range(per_kind):
        told, asked = remember(rng)
        between = [chat.simple_turn(rng, held=True) for _ in range(2 + rng.below(4))]
        yield Prompt("chat:memory", render_prompt(PLAIN_SYSTEM, [told, *between], asked.question), asked.answer)


def story_prompts(count: int, seed: int = 1003) -> Iterator[Prompt]:
    """Openings (two sentences) that were never seen, and requests for a story about a named hero."""
    rng = SplitMix64(seed)
    stories = Stories()
    chat = Chat(stories)
    for _ in range(count):
        yield Prompt("story", stories.of_split(rng, held=True).opening, None)
    for _ in range(count):
        yield Prompt("chat:story", render_prompt("", [], chat.story_turn(rng, held=True).question), None)


def prose_prompts(corpora: Path, count: int, seed: int = 1004) -> Iterator[Prompt]:
    """The first sentences of paragraphs of books that were held out as a whole."""
    rng = SplitMix64(seed)
    books = [paragraphs(corpora / name) for name in HELD_OUT_BOOKS]
    for number in range(count):
        usable = [p for p in books[number % len(books)] if len(p) > 300]
        start = rng.pick(usable)[:160]
        yield Prompt("prose", start[: start.rindex(" ")], None)


