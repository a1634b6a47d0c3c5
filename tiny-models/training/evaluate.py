"""Measures a storyteller checkpoint on held-out text: the numbers of its model card.

    python evaluate.py CHECKPOINT_DIR --corpora DIR [--per-kind 40] [--stories 200]

transformers' own class generates the text from the files. The acceptance of drafts is measured as an engine
drafts (the first MTP step over all accepted tokens, then the chain), but for every position of the generated
texts at once. An assertion against mtp.py checks that this equals drafting one by one.
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
from transformers import Glm4MoeForCausalLM

from generator import corpus, tasks
from generator.prompts import Prompt, chat_prompts, prose_prompts, story_prompts, task_prompts
from generator.rng import SplitMix64
from generator.stories import Stories
from golden import CHAIN, load
from golden_text import write_prompts
from model import Model, Shape, rope_tables
from mtp import Mtp

LONGEST = {"task": 48, "chat": 48, "chat:story": 400, "story": 500, "prose": 200}


class Checkpoint:
    """The checkpoint in both forms: transformers' (generation) and the training form (all drafts at once)."""

    def __init__(self, directory: Path, device: str) -> None:
        self.directory, self.device = directory, device
        self.tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.end = self.tokenizer.token_to_id("<|end|>")
        self.library: Glm4MoeForCausalLM = load(directory).to(device)
        self.model = Model(Shape()).to(device).eval()
        self.model.load({k: v.float() for k, v in load_file(directory / "model.safetensors").items()})
        self.cos, self.sin = rope_tables(self.model.shape, self.model.shape.max_position_embeddings, device)

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def text(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def states(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids [B, S] -> hidden and logits of the main model in the training form."""
        hidden, _ = self.model.hidden(ids, self.cos[: ids.shape[1]], self.sin[: ids.shape[1]])
        return hidden, self.model.lm_head(hidden)

    def drafts(self, ids: Tensor, hidden: Tensor) -> list[Tensor]:
        """Greedy tokens of chain step j at row p for token p+2, given that the guesses before were right."""
        rows = ids.shape[1] - 1
        embedded = self.model.embed_tokens(ids[:, 1:])
        outputs, _ = self.model.mtp(hidden[:, :rows], embedded, self.cos[:rows], self.sin[:rows], CHAIN)
        return [self.model.lm_head(y).argmax(-1) for y in outputs]

    def generate(self, prompts: list[list[int]], longest: int, temperature: float = 0.0) -> list[list[int]]:
        """Continuations up to and with <|end|>, batched with padding on the left."""
        result: list[list[int]] = []
        for at in range(0, len(prompts), 256):
            part = prompts[at : at + 256]
            width = max(map(len, part))
            ids = torch.tensor([[self.end] * (width - len(p)) + p for p in part], device=self.device)
            mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in part], device=self.device)
            sampling = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
            out = self.library.generate(ids, attention_mask=mask, max_new_tokens=longest, eos_token_id=self.end, pad_token_id=self.end, **sampling)
            result += [self.up_to_end(row) for row in out[:, width:].tolist()]
        return result

    def up_to_end(self, ids: list[int]) -> list[int]:
        return ids[: ids.index(self.end) + 1] if self.end in ids else ids


def check_forms_agree(c: Checkpoint) -> None:
    """Training form = transformers (logits), and drafting all at once = the chain of mtp.py, one by one."""
    ids = torch.tensor([c.ids("Once upon a time there was a little fox named Rufus. He lived in a small house by the river. One day, Rufus lost his red ball.")], device=c.device)
    hidden, logits = c.states(ids)
    theirs = c.library(ids).logits
    difference = (logits - theirs).abs().max().item()
    assert difference < 2e-2, difference
    drafts = c.drafts(ids, hidden)
    reference = Mtp(c.directory, c.library).to(c.device)
    reference.embedding, reference.head = reference.embedding.to(c.device), reference.head.to(c.device)
    checked = 0
    for n in range(2, ids.shape[1] - CHAIN):
        chain, _ = reference.chain(ids[0, :n], hidden[0, :n], CHAIN)
        for step in range(CHAIN):
            assert drafts[step][0, n - 2 + step] == chain[step], (n, step)
            checked += 1
            if chain[step] != ids[0, n + step]:
                break
    print(f"forms agree: logits within {difference:.1e}; {checked} drafts equal")


def accuracy(c: Checkpoint, prompts: list[Prompt]) -> tuple[dict[str, tuple[int, int]], list[tuple[str, list[int], list[int]]]]:
    """Right answers and prompts by kind, and (kind, prompt ids, answer ids) for the acceptance."""
    answers = c.generate([c.ids(p.prompt) for p in prompts], LONGEST["task"])
    right: dict[str, list[int]] = defaultdict(list)
    texts = []
    for prompt, ids in zip(prompts, answers):
        text = c.text(ids)
        right[prompt.kind].append(text.split(prompt.stop)[0] == prompt.expected)
        stop = next((i for i, t in enumerate(ids) if prompt.stop in c.text([t])), len(ids) - 1)
        texts.append((prompt.kind.split(":")[0], c.ids(prompt.prompt), ids[: stop + 1]))
    return {kind: (sum(v), len(v)) for kind, v in right.items()}, texts


def acceptance(c: Checkpoint, texts: list[tuple[list[int], list[int]]]) -> dict[str, float]:
    """Share of prefixes with the first 1, 2, 3 drafts equal to the text, and tokens per verification."""
    right = [[0, 0] for _ in range(CHAIN)]
    tokens = verifications = 0
    for at in range(0, len(texts), 16):
        part = texts[at : at + 16]
        width = max(len(p) + len(a) for p, a in part)
        ids = torch.tensor([p + a + [c.end] * (width - len(p) - len(a)) for p, a in part], device=c.device)
        hidden, _ = c.states(ids)
        drafts = [d.tolist() for d in c.drafts(ids, hidden)]
        for row, (prompt, answer) in enumerate(part):
            known, total = prompt + answer, len(prompt) + len(answer)
            taken = {}
            for n in range(len(prompt) + 1, total):
                count = 0
                while count < CHAIN and n + count < total and drafts[count][row][n - 2 + count] == known[n + count]:
                    count += 1
                taken[n] = count
                for step in range(min(CHAIN, total - n)):
                    right[step][0] += count > step
                    right[step][1] += 1
            n = len(prompt) + 1
            while n < total:
                gained = min(taken[n] + 1, total - n)
                tokens, verifications, n = tokens + gained, verifications + 1, n + gained
    shares = {f"a{step + 1}": round(a / max(1, b), 3) for step, (a, b) in enumerate(right)}
    return shares | {"tokens_per_verify": round(tokens / max(1, verifications), 2), "verifications": verifications}


def distinct(texts: list[list[int]], n: int = 4) -> tuple[float, float]:
    """Distinct n-grams / n-grams: the mean within a text, and over all texts together."""
    grams = [[tuple(t[i : i + n]) for i in range(len(t) - n + 1)] for t in texts if len(t) >= n]
    within = sum(len(set(g)) / len(g) for g in grams) / len(grams)
    together = [gram for g in grams for gram in g]
    return round(within, 3), round(len(set(together)) / len(together), 3)


def story_report(c: Checkpoint, count: int, temperature: float) -> tuple[dict, list[tuple[list[int], list[int]]]]:
    stories = Stories()
    prompts = [p for p in story_prompts(count) if p.kind == "story"]
    ids = [c.ids(p.prompt) for p in prompts]
    answers = c.generate(ids, LONGEST["story"], temperature)
    texts = [p.prompt + c.text(a).replace("<|end|>", "") for p, a in zip(prompts, answers)]
    verdicts = [stories.check(t) for t in texts]
    ended = sum(a[-1] == c.end for a in answers)
    lengths = sorted(len(p) + len(a) for p, a in zip(ids, answers))
    within, together = distinct(answers)
    for text, verdict in list(zip(texts, verdicts))[:2]:
        print(f"  STORY T={temperature} {verdict} | {text!r}")
    for text, verdict in [x for x in zip(texts, verdicts) if not x[1].consistent][:6]:
        print(f"  INCONSISTENT {verdict.stuck_at!r} in {text[:90]!r}...")
    report = {
        "stories": count,
        "consistent": round(sum(v.consistent for v in verdicts) / count, 3),
        "understood": round(sum(v.understood for v in verdicts) / count, 3),
        "ended": round(ended / count, 3),
        "median_tokens": lengths[count // 2],
        "longest_tokens": lengths[-1],
        "distinct4_within": within,
        "distinct4_together": together,
    }
    return report, list(zip(ids, answers))


def requested_stories(c: Checkpoint, count: int) -> dict:
    """Chat requests: is the story consistent, and is it about the hero that was asked for?"""
    stories = Stories()
    prompts = [p for p in story_prompts(count) if p.kind == "chat:story"]
    answers = [c.text(a).replace("<|end|>", "") for a in c.generate([c.ids(p.prompt) for p in prompts], LONGEST["chat:story"])]
    names = [next(n for n in stories.words["name"] if f" {n}." in p.prompt or f" {n} the" in p.prompt) for p in prompts]
    return {
        "consistent": round(sum(stories.check(a).consistent for a in answers) / count, 3),
        "right_hero": round(sum(name in a[:80] for name, a in zip(names, answers)) / count, 3),
    }


def loss(c: Checkpoint, texts: list[str], window: int = 512) -> dict[str, float]:
    """Mean negative log-likelihood per token (nats) and bits per byte over non-overlapping windows."""
    total = count = size = 0.0
    for text in texts:
        ids = c.ids(text)
        for at in range(0, len(ids) - 1, window):
            part = torch.tensor([ids[at : at + window + 1]], device=c.device)
            _, logits = c.states(part[:, :-1])
            total += torch.nn.functional.cross_entropy(logits[0], part[0, 1:], reduction="sum").item()
            count += part.shape[1] - 1
            size += len(c.text(part[0, 1:].tolist()).encode())
    return {"nats_per_token": round(total / count, 3), "bits_per_byte": round(total / size / 0.6931472, 3), "tokens": int(count)}


def loss_by_position(c: Checkpoint, texts: list[str]) -> dict[str, float]:
    """Loss in long windows: does it stay low far beyond the length of one story?"""
    ids = [t for text in texts for t in c.ids(text) + [c.end]]
    length = c.model.shape.max_position_embeddings
    rows = torch.stack([torch.tensor(ids[at : at + length], device=c.device) for at in range(0, min(len(ids), 8 * length) - length + 1, length)])
    losses = torch.cat([torch.nn.functional.cross_entropy(c.states(r[None])[1][0, :-1], r[1:], reduction="none")[None] for r in rows])
    spans = ((0, 256), (256, 512), (512, 1024), (1024, 2047))
    return {f"{a}-{b}": round(losses[:, a:b].mean().item(), 3) for a, b in spans}


def held_out_losses(c: Checkpoint, corpora: Path) -> dict[str, dict[str, float]]:
    rng = SplitMix64(4000)
    stories = Stories()
    result = {"stories": loss(c, [stories.of_split(rng, held=True).text for _ in range(100)])}
    result["chat"] = loss(c, list(corpus.documents("chat", 20_000, 60_000)))
    result["json"] = loss(c, list(corpus.documents("json", 20_000, 20_000)))
    lines = [p + tasks.solve(p) + "\n" for p in (tasks.task_of_split(rng, held=True) for _ in range(400))]
    result["tasks (with their random inputs)"] = loss(c, ["".join(lines[i : i + 10]) for i in range(0, 400, 10)])
    for book in corpus.HELD_OUT_BOOKS:
        result[f"prose {book}"] = loss(c, ["\n".join(corpus.paragraphs(corpora / book))[20_000:80_000]])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--per-kind", type=int, default=40)
    parser.add_argument("--stories", type=int, default=200)
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.manual_seed(5)
    c = Checkpoint(args.directory, "cuda" if torch.cuda.is_available() else "cpu")
    check_forms_agree(c)
    write_prompts(args.directory, args.corpora)

    report: dict = {"loss": held_out_losses(c, args.corpora)}
    rng = SplitMix64(4001)
    report["loss by position, stories"] = loss_by_position(c, [Stories().of_split(rng, held=True).text for _ in range(90)])
    scores, answered = accuracy(c, [*task_prompts(args.per_kind), *chat_prompts(args.per_kind)])
    report["accuracy"] = {kind: f"{a}/{b}" for kind, (a, b) in scores.items()}
    report["accuracy task"], report["accuracy chat"] = (
        "{}/{}".format(*map(sum, zip(*(v for k, v in scores.items() if k.startswith(group))))) for group in ("task", "chat")
    )
    report["stories greedy"], greedy = story_report(c, args.stories, 0.0)
    report["stories T=0.8"], sampled = story_report(c, args.stories, 0.8)
    report["stories on request"] = requested_stories(c, args.stories)
    prose = [c.ids(p.prompt) for p in prose_prompts(args.corpora, args.stories // 2)]
    prose_greedy = c.generate(prose, LONGEST["prose"])
    prose_sampled = c.generate(prose, LONGEST["prose"], 0.8)
    for prompt, ids in list(zip(prose, prose_sampled))[:2]:
        print(f"  PROSE T=0.8 {c.text(prompt)!r} -> {c.text(ids)!r}")
    report["prose distinct-4 (within, together)"] = {"greedy": distinct(prose_greedy), "T=0.8": distinct(prose_sampled)}
    report["acceptance"] = {
        "stories greedy": acceptance(c, greedy),
        "stories T=0.8": acceptance(c, sampled),
        "chat greedy": acceptance(c, [(p, a) for kind, p, a in answered if kind == "chat"]),
        "tasks greedy": acceptance(c, [(p, a) for kind, p, a in answered if kind == "task"]),
        "prose greedy": acceptance(c, list(zip(prose, prose_greedy))),
        "prose T=0.8": acceptance(c, list(zip(prose, prose_sampled))),
    }
    (args.directory / "evaluation.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
