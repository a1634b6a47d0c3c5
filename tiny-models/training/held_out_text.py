"""Writes heldout.jsonl beside the two storyteller models: text that training has not seen, to compare models on.

    python held_out_text.py

The kinds and the seeds are those of the losses in evaluate.py, cut to about 10,000 tokens. Needs nothing but Python. The
books of the prose are not in the repo, so the prose is that of prompts.jsonl.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from generator import corpus, tasks
from generator.rng import SplitMix64
from generator.stories import Stories

MODELS = Path(__file__).parent.parent
STORIES, LINES, CHARACTERS = 20, 60, {"chat": 9_000, "json": 4_000}


def passages() -> Iterator[tuple[str, str]]:
    rng = SplitMix64(4000)
    stories = Stories()
    for _ in range(STORIES):
        yield "stories", stories.of_split(rng, held=True).text
    for kind, characters in CHARACTERS.items():
        for document in corpus.documents(kind, 20_000, characters):
            yield kind, document
    lines = [p + tasks.solve(p) + "\n" for p in (tasks.task_of_split(rng, held=True) for _ in range(LINES))]
    for at in range(0, LINES, 10):
        yield "tasks", "".join(lines[at : at + 10])


def main() -> None:
    for model in ("storyteller-moe", "storyteller-v4"):
        prompts = [json.loads(line) for line in (MODELS / model / "prompts.jsonl").read_text().splitlines()]
        prose = [("prose", p["prompt"]) for p in prompts if p["kind"] == "prose"]
        rows = [json.dumps({"kind": kind, "text": text}, ensure_ascii=False) for kind, text in [*passages(), *prose]]
        (MODELS / model / "heldout.jsonl").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
