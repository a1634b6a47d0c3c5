"""Measures storyteller-v4 on held-out text: the numbers of its model card.

    python evaluate_v4.py CHECKPOINT_DIR --corpora DIR [--per-kind 40] [--stories 100]

As evaluate.py. transformers cannot pad rows of this architecture (padding would enter compressed entries), so the
training form generates, a batch at a time and without a cache: rows of different lengths are padded at their
ends, which no earlier token sees. Before that it is asserted that the training form gives the logits of
transformers' class and the chains of mtp_v4.py.

Recall: a fact is told among 15 others, then come turns of other text, then its question. The answer is right if
every token of it is the most likely one. With all compressed entries hidden only the window is left.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from evaluate import LONGEST, Checkpoint, accuracy, acceptance, distinct, held_out_losses, requested_stories, story_report
from generator.chat import Chat
from generator.prompts import Prompt, chat_prompts, prose_prompts, task_prompts
from generator.recall import Fact, Recall, chance
from generator.rng import SplitMix64
from generator.stories import Stories
from golden import CHAIN
from golden_text import demo_prompts
from golden_v4 import load
from model_v4 import ModelV4, Shape, rope_tables
from mtp_v4 import MtpV4

DISTANCES = (250, 500, 1000, 1500, 2000, 2500, 3000, 3500)
OTHERS = 15


class CheckpointV4(Checkpoint):
    """The checkpoint in both forms: transformers' and the training form."""

    def __init__(self, directory: Path, device: str) -> None:
        self.directory, self.device = directory, device
        self.tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.end = self.tokenizer.token_to_id("<|end|>")
        self.library = load(directory).to(device)
        self.model = ModelV4(Shape()).to(device).eval()
        self.model.load(load_file(directory / "model.safetensors"))
        self.tables = rope_tables(self.model.shape, self.model.shape.max_position_embeddings, device)
        self.select = torch.zeros((), dtype=torch.bool, device=device)

    def cut(self, rows: int) -> dict:
        return {kind: (cos[:rows], sin[:rows]) for kind, (cos, sin) in self.tables.items()}

    def padded(self, ids: Tensor) -> Tensor:
        return torch.nn.functional.pad(ids, (0, -ids.shape[1] % self.model.shape.unit()), value=self.end)

    def states(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids [B, S] -> streams [B, S, n, d] and logits [B, S, V] of the main model in the training form."""
        streams = self.all_streams(ids)[:, : ids.shape[1]]
        return streams, self.model.logits(streams)

    def all_streams(self, ids: Tensor) -> Tensor:
        ids = self.padded(ids)
        return self.model.streams(ids, self.cut(ids.shape[1]), self.select)[0]

    def drafts(self, ids: Tensor, streams: Tensor) -> list[Tensor]:
        """Greedy tokens of chain step j at row p for token p+2, given that the guesses before were right."""
        rows = ids.shape[1] - 1
        following = self.padded(ids[:, 1:])
        longer = torch.nn.functional.pad(streams[:, :rows], (0, 0, 0, 0, 0, following.shape[1] - rows))
        embedded = self.model.embed(following)
        outputs, _ = self.model.mtp(longer, embedded, following, self.cut(following.shape[1]), CHAIN)
        return [self.model.head(y[:, :rows]).argmax(-1) for y in outputs]

    def generate(self, prompts: list[list[int]], longest: int, temperature: float = 0.0) -> list[list[int]]:
        """Continuations up to and with <|end|>; every step computes all rows anew."""
        result: list[list[int]] = [[] for _ in prompts]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for at in range(0, len(order), 100):
            part = order[at : at + 100]
            lengths = torch.tensor([len(prompts[i]) for i in part], device=self.device)
            width = int(lengths.max()) + longest
            ids = torch.tensor([prompts[i] + [self.end] * (width - len(prompts[i])) for i in part], device=self.device)
            open_, row = torch.ones(len(part), dtype=torch.bool, device=self.device), torch.arange(len(part), device=self.device)
            first = lengths.clone()
            for _ in range(longest):
                streams = self.all_streams(ids[:, : int(lengths.max())])[row, lengths - 1]
                logits = self.model.logits(streams[:, None])[:, 0]
                token = torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0] if temperature else logits.argmax(-1)
                ids[row, lengths] = torch.where(open_, token, self.end)
                lengths += open_
                open_ &= token != self.end
                if not open_.any():
                    break
            for n, i in enumerate(part):
                result[i] = ids[n, int(first[n]) : int(lengths[n])].tolist()
        return result


def check_forms_agree(c: CheckpointV4) -> None:
    """Training form = transformers (logits), and drafting all at once = the chain of mtp_v4.py, one by one."""
    story = "Once upon a time there was a little fox named Rufus. He lived in a small house by the river. One day, Rufus lost his red ball. "
    ids = torch.tensor([c.ids(story * 6)[:200]], device=c.device)
    streams, logits = c.states(ids)
    difference = (logits - c.library(ids, use_cache=False).logits).abs().max().item()
    assert difference < 2e-2, difference
    drafts = c.drafts(ids, streams)
    reference = MtpV4(c.directory, c.library).to(c.device)
    checked = 0
    for n in range(2, ids.shape[1] - CHAIN, 3):
        chain, _, _ = reference.chain(ids[0, :n], streams[0, :n], CHAIN)
        for step in range(CHAIN):
            assert drafts[step][0, n - 2 + step] == chain[step], (n, step)
            checked += 1
            if chain[step] != ids[0, n + step]:
                break
    print(f"forms agree: logits within {difference:.1e}; {checked} drafts equal", flush=True)


def loss_by_position(c: CheckpointV4, texts: list[str]) -> dict[str, float]:
    """Loss in windows of the whole context: does it stay low far beyond the length of one story?"""
    ids = [t for text in texts for t in c.ids(text) + [c.end]]
    length = c.model.shape.max_position_embeddings
    rows = [torch.tensor(ids[at : at + length], device=c.device) for at in range(0, len(ids) - length + 1, length)]
    losses = torch.stack([torch.nn.functional.cross_entropy(c.states(r[None])[1][0, :-1], r[1:], reduction="none") for r in rows])
    spans = ((0, 256), (256, 512), (512, 1024), (1024, 2048), (2048, length - 1))
    return {f"{a}-{b}": round(losses[:, a:b].mean().item(), 3) for a, b in spans}


# ---- recall


def recall_prompts(c: CheckpointV4, distance: int, count: int, seed: int) -> list[tuple[list[int], Fact, int]]:
    """Prompts whose fact lies `distance` tokens back or up to a quarter more: ids, the fact, the real distance."""
    rng = SplitMix64(seed)
    recall = Recall(Chat(Stories()))
    found: list[tuple[list[int], Fact, int]] = []
    while len(found) < count:
        text, fact = recall.prompt(rng, max(100, int((distance - 150) * 3.8)), OTHERS)
        ids = c.ids(text)
        back = len(ids) - len(c.ids(text[: text.index(fact.said()) + len(fact.said())]))
        if distance <= back <= distance * 1.25 and len(ids) + 20 < c.model.shape.max_position_embeddings:
            found.append((ids, fact, back))
    return found


def recalled(c: CheckpointV4, prompts: list[tuple[list[int], Fact, int]]) -> list[bool]:
    right = []
    width = max(len(ids) for ids, _, _ in prompts) + 20  # of all batches: memory is used again
    for at in range(0, len(prompts), 5):
        part = prompts[at : at + 5]
        answers = [c.ids(fact.answer()) for _, fact, _ in part]
        rows = [ids + answer + [c.end] * (width - len(ids) - len(answer)) for (ids, _, _), answer in zip(part, answers)]
        streams = c.all_streams(torch.tensor(rows, device=c.device))
        for n, ((ids, _, _), answer) in enumerate(zip(part, answers)):
            guessed = c.model.logits(streams[n : n + 1, len(ids) - 1 : len(ids) - 1 + len(answer)]).argmax(-1)[0]
            right.append(guessed.tolist() == answer)
    return right


def recall_report(c: CheckpointV4, count: int) -> dict:
    report: dict = {}
    for number, distance in enumerate(DISTANCES):
        prompts = recall_prompts(c, distance, count, 5000 + number)
        seen = recalled(c, prompts)
        c.model.blind(True)
        unseen = recalled(c, prompts)
        c.model.blind(False)
        kinds: dict[str, list[bool]] = defaultdict(list)
        for (_, fact, _), hit in zip(prompts, seen):
            kinds[fact.kind].append(hit)
        report[f"{distance} to {distance * 5 // 4}"] = {
            "right": f"{sum(seen)}/{count}",
            "entries hidden": f"{sum(unseen)}/{count}",
            "chance": round(sum(chance(fact.kind) for _, fact, _ in prompts) / count, 3),
            "by kind": {kind: f"{sum(v)}/{len(v)}" for kind, v in sorted(kinds.items())},
        }
        print(distance, report[f"{distance} to {distance * 5 // 4}"], flush=True)
    return report


def write_prompts(c: CheckpointV4, corpora: Path) -> None:
    """The prompts of storyteller-moe, and four with a fact 1,000 to 3,000 tokens back."""
    prompts: list[Prompt] = demo_prompts(corpora)
    for number, distance in enumerate((1000, 1500, 2000, 2500)):
        ids, fact, _ = recall_prompts(c, distance, 1, 6000 + number)[0]
        prompts.append(Prompt("chat:recall", c.text(ids), fact.answer()))
    lines = [json.dumps(p.as_json(), ensure_ascii=False) for p in prompts]
    (c.directory / "prompts.jsonl").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--per-kind", type=int, default=40)
    parser.add_argument("--stories", type=int, default=100)
    parser.add_argument("--recall", type=int, default=50, help="prompts a distance")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.manual_seed(5)
    c = CheckpointV4(args.directory, "cuda" if torch.cuda.is_available() else "cpu")
    check_forms_agree(c)
    write_prompts(c, args.corpora)
    report: dict = {}

    def note(name: str, value) -> None:
        report[name] = value
        (args.directory / "evaluation.json").write_text(json.dumps(report, indent=1) + "\n")
        print(name, json.dumps(value), flush=True)

    note("recall", recall_report(c, args.recall))
    note("loss", held_out_losses(c, args.corpora))
    rng = SplitMix64(4001)
    note("loss by position, stories", loss_by_position(c, [Stories().of_split(rng, held=True).text for _ in range(90)]))
    scores, answered = accuracy(c, [*task_prompts(args.per_kind), *chat_prompts(args.per_kind)])
    note("accuracy", {kind: f"{a}/{b}" for kind, (a, b) in scores.items()})
    for group in ("task", "chat"):
        note(f"accuracy {group}", "{}/{}".format(*map(sum, zip(*(v for k, v in scores.items() if k.startswith(group))))))
    accepted = {kind: acceptance(c, [(p, a) for k, p, a in answered if k == kind.split()[0].rstrip("s")]) for kind in ("chat greedy", "tasks greedy")}
    note("stories greedy", (story := story_report(c, args.stories, 0.0))[0])
    accepted["stories greedy"] = acceptance(c, story[1])
    note("stories T=0.8", (story := story_report(c, args.stories, 0.8))[0])
    accepted["stories T=0.8"] = acceptance(c, story[1])
    note("stories on request", requested_stories(c, args.stories))
    prose = [c.ids(p.prompt) for p in prose_prompts(args.corpora, args.stories // 2)]
    written = {"greedy": c.generate(prose, LONGEST["prose"]), "T=0.8": c.generate(prose, LONGEST["prose"], 0.8)}
    note("prose distinct-4 (within, together)", {name: distinct(texts) for name, texts in written.items()})
    for name, texts in written.items():
        accepted[f"prose {name}"] = acceptance(c, list(zip(prose, texts)))
    note("acceptance", accepted)


if __name__ == "__main__":
    main()
