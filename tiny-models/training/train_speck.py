"""Trains `speck-trained`, a speck whose MTP layer drafts well, but not always; one CPU core, 1.5 to 3 minutes.

    python train_speck.py OUT_DIR            (OUT_DIR is usually `..`, that is tiny-models/)

The drafts of a random MTP layer are almost never accepted, so the other specks say nothing about what
happens after an acceptance. This one is trained on a small language of 61 words:

    chain      16 words have one likely successor
    branches   30 words have three successors, almost equally likely: the likeliest one for a trained model
               depends on details of its weights, and drafts often miss it
    pairs      after 15 words the successor depends on the word before, too: one of four
    noise      any word may be followed by any word, LOOSE of the time

A text has a random beginning of 1 to 53 words, which the loss leaves out, then the language, as in an answer
to a random prompt. Model, losses and router balance are those of storyteller-moe, but the chain has five
steps and the MTP layer learns at a twentieth of the rate: at the full rate its drafts are right too often
(README.md).

Seeds are fixed and one thread computes the sums, so with one machine and version of torch the file is the same
to the byte. At the end the program reads the file back, compares its chains with those of mtp.py, and prints
the share of right drafts after random prompts.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from golden import load
from model import Model, Shape, rope_tables
from mtp import Mtp
from train import Trainer

SHAPE = Shape(
    vocab_size=61,
    hidden_size=32,
    intermediate_size=48,
    moe_intermediate_size=12,
    num_hidden_layers=2,
    num_attention_heads=3,
    num_key_value_heads=1,
    head_dim=12,
    first_k_dense_replace=1,
    n_routed_experts=5,
    num_experts_per_tok=2,
    routed_scaling_factor=1.5,
    max_position_embeddings=256,
)
EOS = 0
SEED = 55
STEPS, ROWS, LENGTH, PEAK = 500, 32, 80, 6e-3
CHAIN = 5
CHAIN_WEIGHTS = (0.3, 0.2, 0.15, 0.1, 0.1)
LOOSE, BRANCHES, PAIRS = 0.08, 30, 15
BRANCH_PROBABILITIES = (0.36, 0.33, 0.31)
MTP_RATE = 0.05  # of the learning rate
LONGEST_BEGINNING = 53


class Language:
    """The grammar as one table [word before, word, next word] of probabilities."""

    def __init__(self, seed: int) -> None:
        g = torch.Generator().manual_seed(seed)
        v = SHAPE.vocab_size
        cycle = torch.randperm(v, generator=g)
        successor = torch.empty_like(cycle)
        successor[cycle] = cycle.roll(-1)  # one cycle through all words
        order = torch.randperm(v, generator=g)
        branching, paired = order[:BRANCHES], order[BRANCHES : BRANCHES + PAIRS]
        table = torch.zeros(v, v, v)
        table[:, torch.arange(v), successor] = 1.0
        for word in branching.tolist():
            table[:, word] = 0
            others = torch.randperm(v, generator=g)[:3]
            table[:, word, others] = torch.tensor(BRANCH_PROBABILITIES)
        for word in paired.tolist():
            few = torch.randperm(v, generator=g)[:4]
            table[:, word] = 0
            table[torch.arange(v), word, few[torch.randint(0, 4, (v,), generator=g)]] = 1.0
        self.table = (1 - LOOSE) * table + LOOSE / v

    def batch(self, rows: int, length: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        """Texts [rows, length] and weights: 0 for the words of the random beginning, then 1."""
        ids = torch.randint(0, SHAPE.vocab_size, (rows, length), generator=g)
        beginning = torch.randint(1, LONGEST_BEGINNING + 1, (rows,), generator=g)
        for t in range(1, length):
            before = ids[:, max(t - 2, 0)]
            drawn = torch.multinomial(self.table[before, ids[:, t - 1]], 1, generator=g)[:, 0]
            ids[:, t] = torch.where(t < beginning, ids[:, t], drawn)
        return ids, (torch.arange(length) >= beginning[:, None]).float()

    def floor(self) -> float:
        """The loss of the grammar itself: no model can do better on average."""
        ids, weights = self.batch(2000, LENGTH, torch.Generator().manual_seed(1))
        right = self.table[ids[:, :-2], ids[:, 1:-1], ids[:, 2:]]
        return -((right.log() * weights[:, 2:]).sum() / weights[:, 2:].sum()).item()


class SpeckTrainer(Trainer):
    """The losses and the balance of storyteller-moe with other texts and another schedule, in float32."""

    def __init__(self, model: Model, language: Language, seed: int) -> None:
        super().__init__(model, {}, seed, "cpu", compiled=False)
        self.language = language
        drafting = set(model.mtp.parameters())
        main = [p for p in model.parameters() if p not in drafting]
        groups = [{"params": main, "share": 1.0}, {"params": list(model.mtp.parameters()), "share": MTP_RATE}]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.01)

    def batch(self, rows: int, length: int) -> tuple[Tensor, Tensor]:
        return self.language.batch(rows, length + 2, self.generator)

    def step(self, number: int) -> list[Tensor]:
        progress = number / STEPS
        losses, loads = self.losses(*self.batch(ROWS, LENGTH), LENGTH, CHAIN)
        self.optimizer.zero_grad()
        (losses[0] + sum(w * part for w, part in zip(CHAIN_WEIGHTS, losses[1:], strict=True))).backward()
        for group in self.optimizer.param_groups:
            group["lr"] = group["share"] * PEAK * min(1.0, (number + 1) / 100) * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.balance(loads, 2e-3 * (1 - 0.9 * progress))
        self.loads = loads
        return losses


def train(language: Language) -> Model:
    torch.manual_seed(SEED)
    model = Model(SHAPE)
    trainer = SpeckTrainer(model, language, SEED)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    start, recent = time.time(), []
    for number in range(STEPS):
        recent.append(torch.stack([part.detach() for part in trainer.step(number)]))
        if (number + 1) % 100 == 0:
            mean = torch.stack(recent).mean(0).tolist()
            busiest = [round((load.max() / load.mean()).item(), 2) for load in trainer.loads]
            print(f"step {number + 1} {time.time() - start:.0f} s, loss {[round(x, 3) for x in mean]}, busiest expert/mean {busiest}", flush=True)
            recent.clear()
    return model


# ---- how often drafts are right


def draw(logits: Tensor, u: Tensor) -> Tensor:
    """The token at which the cumulated probability, in the order of ids, passes u: the same u, similar tokens."""
    total = logits.double().softmax(-1).cumsum(-1)
    return (total <= u[..., None] * total[..., -1:]).sum(-1).clamp(max=logits.shape[-1] - 1)


def pick(logits: Tensor, temperature: float, u: Tensor) -> Tensor:
    return draw(logits / temperature, u) if temperature else logits.argmax(-1)


def acceptance(directory: Path, temperature: float, shared: bool, prompts: int = 200, answer: int = 24) -> None:
    """Share of right drafts at each step of a chain, given that those before were right.

    Chains start behind every token of answers to random prompts. With `shared` a draft is drawn with the
    random number of its position, as the token itself is; otherwise it is the most likely word.
    """
    model = Model(SHAPE).eval()
    model.load({k: v.float() for k, v in load_file(directory / "model.safetensors").items()})
    cos, sin = rope_tables(SHAPE, SHAPE.max_position_embeddings, "cpu")
    g = torch.Generator().manual_seed(7)
    asked, right, distinct = [0] * CHAIN, [0] * CHAIN, set()
    for _ in range(prompts):
        n = int(torch.randint(1, LONGEST_BEGINNING + 1, (1,), generator=g))
        ids = torch.randint(0, SHAPE.vocab_size, (1, n), generator=g)
        u = torch.rand(n + answer, generator=g)
        for t in range(n, n + answer):
            hidden, _ = model.hidden(ids, cos[:t], sin[:t])
            ids = torch.cat([ids, pick(model.lm_head(hidden[:, -1]), temperature, u[t : t + 1])[None]], 1)
        length = ids.shape[1]
        hidden, _ = model.hidden(ids, cos[:length], sin[:length])
        rows = length - 1
        outputs, _ = model.mtp(hidden[:, :rows], model.embed_tokens(ids[:, 1:]), cos[:rows], sin[:rows], CHAIN)
        drafts = [pick(model.lm_head(y)[0, :-1], temperature if shared else 0.0, u[2:]) for y in outputs]
        hit = torch.stack([d == ids[0, 2:] for d in drafts])  # [step, row p]: is the draft of token p + 2 right?
        for first in range(max(n, 2), length - CHAIN + 1):
            for step in range(CHAIN):
                asked[step] += 1
                if not hit[step, first - 2 + step]:
                    break
                right[step] += 1
        distinct.update(ids[0, n:].tolist())
    rates = [round(r / max(a, 1), 3) for r, a in zip(right, asked)]
    name = "greedy" if not temperature else f"T={temperature}, drafts {'drawn with the same numbers' if shared else 'by argmax'}"
    print(f"{name}: right given that those before were {rates} of {asked}; {len(distinct)} different words")


def check_chains(directory: Path) -> None:
    """All drafts at once, as above, are those that mtp.py finds one by one over transformers' layers."""
    library = load(directory)
    reference = Mtp(directory, library)
    model = Model(SHAPE).eval()
    model.load({k: v.float() for k, v in load_file(directory / "model.safetensors").items()})
    cos, sin = rope_tables(SHAPE, SHAPE.max_position_embeddings, "cpu")
    ids = library.generate(torch.tensor([[3, 14, 15, 9]]), max_new_tokens=60, do_sample=False, eos_token_id=None, pad_token_id=0)
    hidden = library.model(ids, use_cache=False).last_hidden_state
    rows = ids.shape[1] - 1
    outputs, _ = model.mtp(hidden[:, :rows], model.embed_tokens(ids[:, 1:]), cos[:rows], sin[:rows], CHAIN)
    checked = 0
    for n in range(2, ids.shape[1] - CHAIN):
        chain, logits = reference.chain(ids[0, :n], hidden[0, :n], CHAIN)
        for step in range(CHAIN):
            ours = model.lm_head(outputs[step][0, n - 2 + step])
            assert (ours - logits[step]).abs().max() < 1e-3, (n, step)
            checked += 1
            if chain[step] != ids[0, n + step]:
                break
    print(f"{checked} rows of chains equal those of mtp.py")


def main(root: Path) -> None:
    torch.set_num_threads(1)  # sums in one order
    torch.use_deterministic_algorithms(True)
    directory = root / "speck-trained"
    directory.mkdir(parents=True, exist_ok=True)
    language = Language(SEED)
    print(f"loss of the grammar itself {language.floor():.3f}")
    model = train(language)
    save_file(model.state(), directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(SHAPE.config(EOS), indent=2) + "\n")
    with torch.no_grad():
        check_chains(directory)
        acceptance(directory, 0.0, False)
        acceptance(directory, 0.9, False)
        acceptance(directory, 0.9, True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
