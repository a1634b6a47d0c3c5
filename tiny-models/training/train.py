"""Trains storyteller-moe on one GPU in minutes and writes a Hugging Face checkpoint.

    python train.py --corpora DIR --out DIR [--seconds 480] [--scale 1.0]

DIR of --corpora holds the public-domain books (names in the model card). The other text is generated:
every shard has its own seed, so the text is the same on any machine; the batches follow --seed. Two things do
not repeat to the bit: the number of steps, since the schedule follows the clock, and the sums of the GPU.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

import tokenizer as tokens
from generator import corpus
from model import Layer, Model, Shape, rope_tables

STARTED = time.time()
CHAIN = 3
PROMPT_WEIGHT = 0.1  # questions and task inputs are random: little can be learned from guessing them
SAID_WEIGHT = 5.0  # the few tokens of a conversation that only its beginning tells
CHARACTERS = {"stories": 70e6, "tasks": 60e6, "json": 4e6, "chat": 70e6}
MIX = {"stories": 0.36, "tasks": 0.28, "json": 0.03, "chat": 0.31, "prose": 0.02}
SHARDS = 16
SHORT, LONG = (64, 512), (16, 2048)  # rows and tokens of a step
LONG_STEPS, CHAIN_STEPS = (4,), (0, 2)  # of every five steps; the others train the first draft only


@dataclass
class Stream:
    """The tokens of one kind of text on the GPU, where documents begin, and the weight of each token's loss."""

    ids: Tensor
    weights: Tensor
    starts: Tensor

    def batch(self, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
        index = starts[:, None] + torch.arange(length, device=starts.device)
        return self.ids[index].long(), self.weights[index]


# ---- text to tokens


def encode_shard(job: tuple[str, int, int, str]) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and document lengths of one shard of generated text; each document ends with <|end|>."""
    kind, shard, characters, file = job
    tokenizer = Tokenizer.from_file(file)
    end = tokenizer.token_to_id("<|end|>")
    ids: list[int] = []
    lengths: list[int] = []
    for document in corpus.documents(kind, shard, characters):
        encoded = tokenizer.encode(document).ids
        ids += encoded
        ids.append(end)
        lengths.append(len(encoded) + 1)
    return np.array(ids, dtype=np.uint16), np.array(lengths)


def prompt_mask(kind: str, ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """True for tokens of a user's question (chat) or of a task up to its mark."""
    token = tokenizer.token_to_id
    if kind in ("chat", "recall", "long"):
        opens, closes = [token("<|user|>"), token("<|system|>")], [token("<|assistant|>")]
    elif kind == "tasks":
        opens, closes = [token("."), token("?"), token("<|end|>")], [token("Ġ=>")]
    else:
        return np.zeros(len(ids), dtype=bool)
    return between(ids, opens, closes)


def said_mask(ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """True for tokens between " is" and a full stop: what must be remembered."""
    token = tokenizer.token_to_id
    return between(ids, [token("Ġis")], [token("."), token("?"), token("<|end|>")])


def between(ids: np.ndarray, opens: list[int], closes: list[int]) -> np.ndarray:
    state = np.where(np.isin(ids, opens), 1, np.where(np.isin(ids, closes), 0, -1))
    last = np.maximum.accumulate(np.where(state >= 0, np.arange(len(ids)), 0))
    inside = state[last] == 1
    return inside & ~np.isin(ids, [*opens, *closes])


def encoded(kind: str, characters: float, folder: Path, pool: ProcessPoolExecutor) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Starts the work on all shards of a kind; what it returns waits for them."""
    jobs = [(kind, n, int(characters / SHARDS), str(folder / "tokenizer.json")) for n in range(SHARDS)]
    return pool.map(encode_shard, jobs)


def generated_stream(
    kind: str, shards: Iterator[tuple[np.ndarray, np.ndarray]], tokenizer: Tokenizer, device: str, longest: int = LONG[1]
) -> Stream:
    parts = list(shards)
    ids = np.concatenate([p[0] for p in parts])
    starts = np.cumsum(np.concatenate([[0], *[p[1] for p in parts]]))[:-1]
    weights = np.where(prompt_mask(kind, ids, tokenizer), PROMPT_WEIGHT, 1.0)
    if kind in ("recall", "long"):
        weights = weights * np.where(said_mask(ids, tokenizer), SAID_WEIGHT, 1.0)
    return stream(ids, weights, starts, device, longest)


def prose_stream(books: Path, tokenizer: Tokenizer, device: str, longest: int = LONG[1]) -> Stream:
    ids: list[int] = []
    starts = []
    for book in corpus.train_books(books):
        for encoded in tokenizer.encode_batch([p + "\n" for p in corpus.paragraphs(book)]):
            starts.append(len(ids))
            ids += encoded.ids
        ids.append(tokenizer.token_to_id("<|end|>"))
    return stream(np.array(ids, dtype=np.uint16), np.ones(len(ids)), np.array(starts), device, longest)


def stream(ids: np.ndarray, weights: np.ndarray, starts: np.ndarray, device: str, longest: int) -> Stream:
    starts = starts[starts < len(ids) - longest - 2]
    return Stream(
        torch.from_numpy(ids.astype(np.int32)).to(device),
        torch.from_numpy(weights.astype(np.float32)).to(device),
        torch.from_numpy(starts.astype(np.int64)).to(device),
    )


def vocabulary(books: Path, shape: Shape, scale: float) -> Tokenizer:
    """Learned from the books and a shard of each kind that training does not use."""
    texts = [p.read_text(errors="replace") for p in corpus.train_books(books)]
    for kind, characters in {"stories": 3e6, "tasks": 5e5, "json": 3e5, "chat": 1.5e6}.items():
        texts.append("\n".join(corpus.documents(kind, 10_000, int(characters * min(1, scale * 10)))))
    return tokens.train(texts, shape.vocab_size)


# ---- loss


def plain_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    losses = F.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


def draft_loss(logits: Tensor, target: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Half the true token, half the main model's distribution there, since the main model judges drafts."""
    log_q = logits.float().log_softmax(-1)
    soft = -(target.float().softmax(-1) * log_q).sum(-1)
    hard = -log_q.gather(-1, labels[..., None])[..., 0]
    return ((0.5 * soft + 0.5 * hard) * weights).sum() / weights.sum()


class Trainer:
    def __init__(self, model: Model, streams: dict[str, Stream], seed: int, device: str, compiled: bool) -> None:
        self.model, self.streams, self.device = model, streams, device
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.kind_generator = torch.Generator().manual_seed(seed)  # on the CPU: counts must not wait for the GPU
        self.kinds = list(MIX)
        self.shares = torch.tensor([MIX[k] for k in self.kinds])
        self.cos, self.sin = rope_tables(model.shape, model.shape.max_position_embeddings, device)
        matrices = [p for p in model.parameters() if p.dim() >= 2]
        vectors = [p for p in model.parameters() if p.dim() < 2]
        groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=device == "cuda")
        if compiled:  # on the class: one compilation serves all layers of a kind
            Layer.forward = torch.compile(Layer.forward, dynamic=False)
            Layer.chained = torch.compile(Layer.chained, dynamic=False)
        self.plain_loss = torch.compile(plain_loss, dynamic=False) if compiled else plain_loss
        self.draft_loss = torch.compile(draft_loss, dynamic=False) if compiled else draft_loss

    def batch(self, rows: int, length: int) -> tuple[Tensor, Tensor]:
        """Tokens and weights [rows, length + 2]; every row begins with a document."""
        counts = torch.multinomial(self.shares, rows, True, generator=self.kind_generator).bincount(minlength=len(self.kinds))
        ids, weights = [], []
        for kind, count in zip(self.kinds, counts.tolist()):
            source = self.streams[kind]
            pick = torch.randint(0, len(source.starts), (count,), device=self.device, generator=self.generator)
            a, b = source.batch(source.starts[pick], length + 2)
            ids.append(a)
            weights.append(b)
        return torch.cat(ids), torch.cat(weights)

    def losses(self, ids: Tensor, weights: Tensor, length: int, steps: int) -> tuple[list[Tensor], list[Tensor]]:
        """Main loss and the loss of each of `steps` chain steps."""
        model = self.model
        cos, sin = self.cos[:length], self.sin[:length]
        hidden, loads = model.hidden(ids[:, :length], cos, sin)
        logits = model.lm_head(hidden)
        losses = [self.plain_loss(logits, ids[:, 1 : length + 1], weights[:, 1 : length + 1])]
        outputs, draft_loads = model.mtp(hidden, model.embed_tokens(ids[:, 1 : length + 1]), cos, sin, steps)
        target = logits.detach()[:, 1:]
        for step, output in enumerate(outputs):
            rows = slice(step, length - 1)
            draft = model.lm_head(output[:, rows])
            losses.append(self.draft_loss(draft, target[:, rows], ids[:, step + 2 : length + 1], weights[:, step + 2 : length + 1]))
        return losses, [*loads, sum(draft_loads)]

    def gradients(self, rows: int, length: int, steps: int) -> tuple[list[Tensor], list[Tensor]]:
        ids, weights = self.batch(rows, length)
        with torch.autocast(self.device, dtype=torch.bfloat16):
            losses, loads = self.losses(ids, weights, length, steps)
        self.optimizer.zero_grad()
        (losses[0] + sum(w * part for w, part in zip((0.3, 0.2, 0.15), losses[1:]))).backward()
        return losses, loads

    def step(self, number: int, progress: float, peak: float) -> list[Tensor]:
        place = number % 5
        losses, loads = self.gradients(*(LONG if place in LONG_STEPS else SHORT), CHAIN if place in CHAIN_STEPS else 1)
        rate = peak * min(1.0, (number + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.balance(loads, 1e-3 * (1 - 0.9 * progress))
        self.loads = loads
        return losses

    @torch.no_grad()
    def balance(self, loads: list[Tensor], rate: float) -> None:
        """Auxiliary-loss-free balancing (Wang et al. 2024): overloaded experts become less eligible."""
        for router, load in zip(self.model.routers(), loads):
            router.bias += rate * torch.sign(load.mean() - load)


def train(trainer: Trainer, seconds: float, limit: float, peak: float, log: int, keep: Callable[[], None]) -> dict:
    """Runs the schedule by the clock; `keep` saves the weights now and then, in case the machine is lost."""
    began = time.time()
    for shape, steps in ((SHORT, CHAIN), (LONG, 1)):  # compilation is not training time
        losses, _ = trainer.gradients(*shape, steps)
        print(f"first pass over {shape}: losses {[round(x.item(), 2) for x in losses]}, {time.time() - began:.0f} s", flush=True)
    start, number = time.time(), 0
    seconds = min(seconds, STARTED + limit - start)
    while (progress := (time.time() - start) / seconds) < 1:
        losses = trainer.step(number, progress, peak)
        number += 1
        if number % 1500 == 0:
            keep()
        if number % log == 1:  # a short step, which trains the whole chain
            busiest = [round((load.max() / load.mean()).item(), 2) for load in trainer.loads]
            values = " ".join(f"{part.item():.3f}" for part in losses)
            print(f"step {number} {time.time() - start:.0f}s loss {values} busiest expert/mean {busiest}", flush=True)
    tokens_seen = number * SHORT[0] * SHORT[1]
    return {"steps": number, "tokens": tokens_seen, "seconds": round(time.time() - start)}


def export(model: Model, tokenizer: Tokenizer, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    end = tokenizer.token_to_id("<|end|>")
    save_file(model.state(), out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(model.shape.config(end), indent=2) + "\n")
    generation = {"eos_token_id": end, "pad_token_id": end, "do_sample": False}
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    tokens.save(tokenizer, out, model.shape.max_position_embeddings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=480, help="wall-clock time of the training loop")
    parser.add_argument("--limit", type=float, default=3600, help="training ends at this age of the process")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the generated text to make (tests)")
    parser.add_argument("--peak", type=float, default=2.5e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=int, default=500)
    parser.add_argument("--no-compile", action="store_true")
    args = parser.parse_args()

    began = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(args.seed)
    torch.set_float32_matmul_precision("high")
    shape = Shape()
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = vocabulary(args.corpora, shape, args.scale)
    tokens.save(tokenizer, args.out, shape.max_position_embeddings)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        shards = {k: encoded(k, c * args.scale, args.out, pool) for k, c in CHARACTERS.items()}
        streams = {k: generated_stream(k, s, tokenizer, device) for k, s in shards.items()}
    streams["prose"] = prose_stream(args.corpora, tokenizer, device)
    print({k: f"{len(s.ids)} tokens, {len(s.starts)} starts" for k, s in streams.items()})
    model = Model(shape).to(device)
    print(f"{sum(p.numel() for p in model.parameters())} parameters; text ready after {time.time() - began:.0f} s", flush=True)
    trainer = Trainer(model, streams, args.seed, device, compiled=not args.no_compile and device == "cuda")
    keep = lambda: export(model, tokenizer, args.out)  # noqa: E731
    summary = train(trainer, args.seconds, args.limit, args.peak, args.log, keep)
    export(model, tokenizer, args.out)
    card = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    print(summary | {"device": card, "torch": torch.__version__, "total_seconds": round(time.time() - began)})


if __name__ == "__main__":
    main()
