"""The golden files of storyteller-v4: numbers on 1,024 tokens of real text, token ids, greedy texts.

Beside the tensors of golden_v4.py, for all T tokens: top.ids [T, 4] I64 and top.logits [T, 4], the best first.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from generator.chat import END
from golden import MIN_GAP, gap, golden_file, save
from golden_text import ids_of, mixed_text, read_prompts, stacked, token_ids
from golden_v4 import Taps, chains, forward, greedy_tensors, load
from mtp_v4 import MtpV4

TOKENS, TEXTS = 1024, 6
EDGES = (0, 1, 2, 3, 4, 14, 15, 16, 17, 62, 63, 64, 65, 126, 127, 128, 131, 132, 255, 256, 511, 512, 1022, 1023)
FEWER = 12  # of the rows also for the MTP layer
MARGIN = 2e-6  # several times what float32 sums in another order change
WANTED = ("story", "chat:plus", "task:sort", "prose", "chat:story", "task:get", "chat:reading", "story")


def text(seed: int) -> str:
    return END.join(mixed_text(10 * seed + part) for part in range(7))


def clearest(model, mtp: MtpV4, tokenizer: Tokenizer) -> Taps:
    """Of several texts the one whose closest choice of an entry or an expert has the largest margin."""
    best: Taps | None = None
    for seed in range(400, 400 + TEXTS):
        ids = ids_of(tokenizer, text(seed))[:TOKENS]
        assert len(ids) == TOKENS
        taps = forward(model, mtp, ids)
        print(f"  text {seed}: {taps.smallest()}, smallest gap of logits {gap(taps.tensors['logits']).min():.1e}", flush=True)
        if best is None or taps.smallest()[1] > best.smallest()[1]:
            best = taps
    assert best.smallest()[1] >= MARGIN
    return best


def chosen_rows(logits: Tensor) -> Tensor:
    """The edges of windows and entries, and every 25th row; of neighbours the one without a near tie."""
    clear = gap(logits) >= MIN_GAP
    rows = {row for row in EDGES if clear[row]} | {row for row in range(20, TOKENS, 25) if clear[row]}
    return torch.tensor(sorted(rows))


def numbers(directory: Path, tokenizer: Tokenizer) -> None:
    model = load(directory)
    mtp = MtpV4(directory, model)
    taps = clearest(model, mtp, tokenizer)
    tensors = taps.tensors
    rows = chosen_rows(tensors["logits"])
    few = rows[rows < TOKENS - 1][:: max(1, len(rows) // FEWER)]
    top = tensors["logits"].topk(4, dim=-1)
    result = {"ids": tensors["ids"], "rows": rows, "mtp.rows": few, "top.ids": top.indices, "top.logits": top.values}
    for name, tensor in tensors.items():
        if name != "ids":
            result[name] = tensor[few if name.startswith("mtp.") else rows]
    result |= chains(mtp, taps, [2, 3, 17, 64, 65, 100, 128, 150, 200, 257, 400, 600, 800, 1000], 8, MARGIN)
    prompts = read_prompts(directory / "prompts.jsonl")
    chosen = []
    for number, kind in enumerate(WANTED):  # for each kind the first prompt without near ties
        texts = [ids_of(tokenizer, p.prompt) for p in prompts if p.kind == kind][number // 7 :]
        chosen.append(greedy_tensors(model, texts, 1, MARGIN))
    answers = stacked(chosen)
    save(directory, result | answers)
    add_greedy(directory, tokenizer, answers)


def add_greedy(directory: Path, tokenizer: Tokenizer, answers: dict[str, Tensor]) -> None:
    path = golden_file(directory, ".text.json")
    content = json.loads(path.read_text())
    lengths = answers["greedy.prompt_lengths"].tolist()
    spell = lambda ids: tokenizer.decode(ids.tolist(), skip_special_tokens=False)  # noqa: E731
    content["greedy"] = [
        {"prompt": spell(p[:n]), "text": spell(t)} for p, n, t in zip(answers["greedy.prompts"], lengths, answers["greedy.tokens"])
    ]
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def text_golden(directory: Path) -> None:
    """Needs prompts.jsonl in the directory: see `write_prompts` of evaluate_v4.py."""
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    token_ids(directory, tokenizer)
    numbers(directory, tokenizer)
