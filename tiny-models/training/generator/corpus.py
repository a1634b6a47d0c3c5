"""Documents for training, by kind: shard `n` of a kind is the same text on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import tasks
from .chat import Chat
from .recall import Recall
from .rng import SplitMix64
from .stories import Stories

KINDS = ("stories", "tasks", "json", "chat", "recall", "long")  # the order gives the seeds
HELD_OUT_BOOKS = ("austen_persuasion.txt", "moby_dick.txt", "sherlock.txt")


def seed_of(kind: str, shard: int) -> int:
    return 1_000_003 * (KINDS.index(kind) + 1) + shard


def documents(kind: str, shard: int, characters: int) -> Iterator[str]:
    """Training documents of one shard, about `characters` in all; none contains a held-out prompt."""
    rng = SplitMix64(seed_of(kind, shard))
    stories = Stories()
    chat = Chat(stories)
    recall = Recall(chat)
    written = 0
    while written < characters:
        if kind == "stories":
            document = stories.train_story(rng).text
        elif kind == "tasks":
            prompts = [tasks.task_of_split(rng, held=False) for _ in range(1 + rng.below(12))]
            document = "\n".join(p + tasks.solve(p) for p in prompts) + "\n"
        elif kind == "json":
            document = tasks.json_lines(rng) + "\n"
        elif kind == "recall":
            document = recall.document(rng, 1_300 + rng.below(600), 20)
        elif kind == "long":
            document = recall.document(rng, 15_000, 80)
        else:
            document = chat.conversation(rng)
        written += len(document)
        yield document


def paragraphs(book: Path) -> list[str]:
    """A book's paragraphs; a document of prose is several of them, joined by line ends."""
    return [line.strip() for line in book.read_text(errors="replace").splitlines() if line.strip()]


def train_books(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.glob("*.txt")) if p.name not in HELD_OUT_BOOKS]
