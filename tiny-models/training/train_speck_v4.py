"""Trains `speck-v4-trained`, a `deepseek_v4` speck whose MTP layer drafts well, but not always; one CPU core.

    python train_speck_v4.py OUT_DIR         (OUT_DIR is usually `..`, that is tiny-models/)

The language, the balance of experts and the reasons are those of train_speck.py. The heads look at all entries at
first, and the indexer, of which only few entries are kept, learns from them as that of storyteller-v4 does.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

import train_speck as classic
from config_v4 import release_config
from golden_v4 import load
from model_v4 import ModelV4, Shape, rope_tables
from mtp_v4 import MtpV4
from train import draft_loss, plain_loss

SHAPE = Shape(
    layers=("swa", "csa", "hca"),
    csa=4,
    hca=8,
    vocab_size=61,
    hidden_size=32,
    moe_intermediate_size=12,
    num_attention_heads=4,
    head_dim=12,
    qk_rope_head_dim=4,
    q_lora_rank=16,
    o_groups=2,
    o_lora_rank=10,
    n_routed_experts=5,
    sliding_window=8,
    index_head_dim=8,
    index_topk=6,
    hc_mult=2,
    hc_sinkhorn_iters=5,
    yarn={"factor": 4, "original_max_position_embeddings": 64, "beta_fast": 8, "beta_slow": 1},
    max_position_embeddings=256,
)
SEED, STEPS, ROWS, LENGTH, PEAK = 66, 240, 20, 80, 8e-3
CHAIN, CHAIN_WEIGHTS = 3, (0.3, 0.2, 0.15)
MTP_RATE = 0.1  # of the learning rate


def learn(language: classic.Language) -> ModelV4:
    torch.manual_seed(SEED)
    model, g = ModelV4(SHAPE), torch.Generator().manual_seed(SEED)
    drafting = set(model.mtp.parameters())
    groups = [
        {"params": [p for p in model.parameters() if p not in drafting], "share": 1.0},
        {"params": list(model.mtp.parameters()), "share": MTP_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.01)
    tables, start, recent = rope_tables(SHAPE, LENGTH, "cpu"), time.time(), []
    for number in range(STEPS):
        progress = number / STEPS
        ids, weights = language.batch(ROWS, LENGTH + 2, g)
        losses, loads, index = losses_of(model, ids, weights, tables, torch.tensor(progress < 0.5))
        optimizer.zero_grad()
        (losses[0] + sum(w * part for w, part in zip(CHAIN_WEIGHTS, losses[1:], strict=True)) + 0.1 * index).backward()
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * PEAK * min(1.0, (number + 1) / 40) * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            for router, load in zip(model.routers(), loads, strict=True):
                router.bias += 2e-3 * (1 - 0.9 * progress) * torch.sign(load.mean() - load)
        recent.append(torch.stack([part.detach() for part in (*losses, index)]))
        if (number + 1) % 50 == 0:
            print(f"step {number + 1} {time.time() - start:.0f} s, loss {[round(x, 3) for x in torch.stack(recent).mean(0).tolist()]}", flush=True)
            recent.clear()
    return model


def losses_of(model: ModelV4, ids: Tensor, weights: Tensor, tables, everything: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
    streams, loads, index = model.streams(ids[:, :LENGTH], tables, everything)
    logits, following = model.logits(streams), ids[:, 1 : LENGTH + 1]
    losses = [plain_loss(logits, following, weights[:, 1 : LENGTH + 1])]
    outputs, draft_loads = model.mtp(streams, model.embed(following), following, tables, CHAIN)
    for step, output in enumerate(outputs):
        rows, labels = slice(step, LENGTH - 1), slice(step + 2, LENGTH + 1)
        losses.append(draft_loss(model.head(output[:, rows]), logits.detach()[:, 1:][:, rows], ids[:, labels], weights[:, labels]))
    return losses, [*loads, sum(draft_loads)], index


def acceptance(directory: Path, prompts: int = 30, answer: int = 24) -> None:
    """Share of right greedy drafts at each step, given that those before were right, along greedy answers."""
    library = load(directory)
    mtp, g = MtpV4(directory, library), torch.Generator().manual_seed(7)
    asked, right = [0] * CHAIN, [0] * CHAIN
    for _ in range(prompts):
        n = int(torch.randint(2, classic.LONGEST_BEGINNING + 1, (1,), generator=g))
        ids = torch.randint(0, SHAPE.vocab_size, (1, n), generator=g)
        ids = library.generate(ids, max_new_tokens=answer, do_sample=False, eos_token_id=None, pad_token_id=0)
        streams = []
        hook = library.model.layers[-1].register_forward_hook(lambda m, a, out: streams.append(out[0]))
        library.model(ids, use_cache=False)
        hook.remove()
        for prefix in range(n + 1, ids.shape[1] - CHAIN + 1, 3):
            drafts, _, _ = mtp.chain(ids[0, :prefix], streams[0][:prefix], CHAIN)
            for step in range(CHAIN):
                asked[step] += 1
                if drafts[step] != ids[0, prefix + step]:
                    break
                right[step] += 1
    print(f"greedy: right given that those before were {[round(r / max(a, 1), 3) for r, a in zip(right, asked)]} of {asked}")


def main(root: Path) -> None:
    torch.set_num_threads(1)  # sums in one order
    directory = root / "speck-v4-trained"
    directory.mkdir(parents=True, exist_ok=True)
    language = classic.Language(SEED)
    print(f"loss of the grammar itself {language.floor():.3f}", flush=True)
    model = learn(language)
    save_file(model.state(), directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "model.safetensors").chmod(0o644)
    (directory / "config.json").write_text(json.dumps(release_config(SHAPE), indent=2) + "\n")
    with torch.no_grad():
        acceptance(directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
