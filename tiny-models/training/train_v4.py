"""Trains storyteller-v4 on one GPU in minutes and writes a checkpoint in DeepSeek's release layout.

    python train_v4.py --corpora DIR --tokenizer ../storyteller-moe/tokenizer.json --out DIR [--seconds 450]

The texts are those of train.py, and `recall` and `long`: conversations with facts to remember, the latter of
more than 4,096 tokens. Text, batches and clock as there.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

import tokenizer as tokens
from config_v4 import release_config
from model_v4 import Attention, LayerV4, ModelV4, Shape, rope_tables
from train import STARTED, Stream, draft_loss, encoded, generated_stream, plain_loss, prose_stream

CHAIN = 3
CHARACTERS = {"long": 44e6, "stories": 50e6, "tasks": 40e6, "json": 3e6, "chat": 50e6, "recall": 40e6}
MIX = {"stories": 0.27, "tasks": 0.2, "json": 0.02, "chat": 0.2, "prose": 0.02, "recall": 0.29}
LONG_MIX = {"long": 0.8, "stories": 0.1, "chat": 0.1}
SHORT, LONG = (64, 512), (4, 4096)  # rows and tokens of a step
LONG_STEPS, CHAIN_STEPS = (4,), (0, 2)  # of every five steps; the others train the first draft only
EVERYTHING = 0.45  # of the training, in which heads look at all entries; then the indexer selects
INDEX_WEIGHT = 0.1  # Adam needs no more; a larger one would fill the clipped norm


class TrainerV4:
    def __init__(self, model: ModelV4, streams: dict[str, Stream], seed: int, device: str, compiled: bool) -> None:
        self.model, self.sources, self.device = model, streams, device
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.kind_generator = torch.Generator().manual_seed(seed)  # on the CPU: counts must not wait for the GPU
        self.tables = rope_tables(model.shape, model.shape.max_position_embeddings, device)
        self.everything = torch.ones((), dtype=torch.bool, device=device)
        matrices = [p for p in model.parameters() if p.dim() >= 2]
        vectors = [p for p in model.parameters() if p.dim() < 2]
        groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=device == "cuda")
        if compiled:  # on the classes, in parts: one compilation serves all layers with the same part
            torch._dynamo.config.cache_size_limit = 64
            for owner, name in ((LayerV4, "entered"), (LayerV4, "left"), (Attention, "forward"), (Attention, "chained")):
                setattr(owner, name, torch.compile(getattr(owner, name), dynamic=False))
        self.plain_loss = torch.compile(plain_loss, dynamic=False) if compiled else plain_loss
        self.draft_loss = torch.compile(draft_loss, dynamic=False) if compiled else draft_loss

    def batch(self, rows: int, length: int) -> tuple[Tensor, Tensor]:
        """Tokens and weights [rows, length + 2]; every row begins with a document."""
        mix = LONG_MIX if length == LONG[1] else MIX
        shares = torch.tensor(list(mix.values()))
        counts = torch.multinomial(shares, rows, True, generator=self.kind_generator).bincount(minlength=len(mix))
        ids, weights = [], []
        for kind, count in zip(mix, counts.tolist()):
            source = self.sources[kind]
            pick = torch.randint(0, len(source.starts), (count,), device=self.device, generator=self.generator)
            a, b = source.batch(source.starts[pick], length + 2)
            ids.append(a)
            weights.append(b)
        return torch.cat(ids), torch.cat(weights)

    def losses(self, ids: Tensor, weights: Tensor, length: int, steps: int) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Main loss and the loss of each of `steps` chain steps, expert loads, the indexers' loss."""
        model = self.model
        tables = {kind: (cos[:length], sin[:length]) for kind, (cos, sin) in self.tables.items()}
        streams, loads, index = model.streams(ids[:, :length], tables, self.everything)
        logits = model.logits(streams)
        losses = [self.plain_loss(logits, ids[:, 1 : length + 1], weights[:, 1 : length + 1])]
        following = ids[:, 1 : length + 1]
        outputs, draft_loads = model.mtp(streams, model.embed(following), following, tables, steps)
        target = logits.detach()[:, 1:]
        for step, output in enumerate(outputs):
            rows = slice(step, length - 1)
            draft = model.head(output[:, rows])
            losses.append(self.draft_loss(draft, target[:, rows], ids[:, step + 2 : length + 1], weights[:, step + 2 : length + 1]))
        return losses, [*loads, sum(draft_loads)], index

    def gradients(self, ids: Tensor, weights: Tensor, steps: int) -> tuple[list[Tensor], list[Tensor], Tensor]:
        with torch.autocast(self.device, dtype=torch.bfloat16):
            losses, loads, index = self.losses(ids, weights, ids.shape[1] - 2, steps)
        self.optimizer.zero_grad()
        (losses[0] + sum(w * part for w, part in zip((0.3, 0.2, 0.15), losses[1:])) + INDEX_WEIGHT * index).backward()
        return losses, loads, index

    def warm(self) -> None:
        """Compiles everything on random tokens."""
        for (rows, length), steps in ((SHORT, CHAIN), (LONG, 1)):
            ids = torch.randint(0, self.model.shape.vocab_size, (rows, length + 2), device=self.device)
            losses, _, index = self.gradients(ids, torch.ones_like(ids, dtype=torch.float), steps)
            values = [round(x.item(), 2) for x in [*losses, index]]
            print(f"compiled for {rows} x {length}: losses {values}, {time.time() - STARTED:.0f} s", flush=True)

    def step(self, number: int, progress: float, peak: float) -> list[Tensor]:
        place = number % 5
        self.everything.fill_(progress < EVERYTHING)
        ids, weights = self.batch(*(LONG if place in LONG_STEPS else SHORT))
        losses, loads, index = self.gradients(ids, weights, CHAIN if place in CHAIN_STEPS else 1)
        rate = peak * min(1.0, (number + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.balance(loads, 1e-3 * (1 - 0.9 * progress))
        self.loads = loads
        return [*losses, index]

    @torch.no_grad()
    def balance(self, loads: list[Tensor], rate: float) -> None:
        """Auxiliary-loss-free balancing (Wang et al. 2024): overloaded experts become less eligible."""
        for router, load in zip(self.model.routers(), loads, strict=True):
            router.bias += rate * torch.sign(load.mean() - load)


def train(trainer: TrainerV4, seconds: float, limit: float, peak: float, log: int, keep: Callable[[], None]) -> dict:
    """Runs the schedule by the clock; `keep` saves the weights now and then, in case the machine is lost."""
    start, number = time.time(), 0
    seconds = min(seconds, STARTED + limit - start)
    while (progress := (time.time() - start) / seconds) < 1:
        losses = trainer.step(number, progress, peak)
        number += 1
        if number % 1500 == 0:
            keep()
        if number % log == 1 or number % log == 5:  # a short step, which trains the whole chain, and a long one
            busiest = [round((load.max() / load.mean()).item(), 2) for load in trainer.loads]
            values = " ".join(f"{part.item():.3f}" for part in losses)
            print(f"step {number} {time.time() - start:.0f}s loss {values} (last: index) busiest expert/mean {busiest}", flush=True)
    long = sum(n % 5 in LONG_STEPS for n in range(number))
    seen = (number - long) * SHORT[0] * SHORT[1] + long * LONG[0] * LONG[1]
    return {"steps": number, "tokens": seen, "seconds": round(time.time() - start)}


def export(model: ModelV4, tokenizer: Tokenizer, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    end = tokenizer.token_to_id("<|end|>")
    assert end == model.shape.eos_token_id
    save_file(model.state(), out / "model.safetensors", metadata={"format": "pt"})
    config = release_config(model.shape) | {"pad_token_id": end}
    (out / "config.json").write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")
    generation = {"eos_token_id": end, "pad_token_id": end, "do_sample": False}
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    tokens.save(tokenizer, out, model.shape.max_position_embeddings)
    for file in out.iterdir():
        file.chmod(0o644)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", type=Path, help="checkpoint to start from")
    parser.add_argument("--seconds", type=float, default=450, help="wall-clock time of the training loop")
    parser.add_argument("--limit", type=float, default=3600, help="training ends at this age of the process")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the generated text to make (tests)")
    parser.add_argument("--peak", type=float, default=2.5e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=int, default=250)
    parser.add_argument("--no-compile", action="store_true")
    args = parser.parse_args()

    shape = Shape()
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    args.out.mkdir(parents=True, exist_ok=True)
    tokens.save(tokenizer, args.out, shape.max_position_embeddings)
    with ProcessPoolExecutor(os.cpu_count()) as pool:  # starts its processes before this one touches the GPU
        shards = {k: encoded(k, c * args.scale, args.out, pool) for k, c in CHARACTERS.items()}
        device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(args.seed)
        torch.set_float32_matmul_precision("high")
        model = ModelV4(shape).to(device)
        if args.resume:
            with torch.no_grad():
                model.load(load_file(args.resume / "model.safetensors"))
        streams: dict[str, Stream] = {}
        trainer = TrainerV4(model, streams, args.seed, device, compiled=not args.no_compile and device == "cuda")
        trainer.warm()  # meanwhile the text is generated
        streams |= {k: generated_stream(k, s, tokenizer, device, LONG[1]) for k, s in shards.items()}
    streams["prose"] = prose_stream(args.corpora, tokenizer, device, LONG[1])
    print({k: f"{len(s.ids)} tokens, {len(s.starts)} starts" for k, s in streams.items()})
    print(f"{sum(p.numel() for p in model.parameters())} parameters; ready after {time.time() - STARTED:.0f} s", flush=True)
    keep = lambda: export(model, tokenizer, args.out)  # noqa: E731
    summary = train(trainer, args.seconds, args.limit, args.peak, args.log, keep)
    export(model, tokenizer, args.out)
    card = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    print(summary | {"device": card, "torch": torch.__version__, "total_seconds": round(time.time() - STARTED)})


if __name__ == "__main__":
    main()
