"""Writes `../golden/MODEL.safetensors` of a `deepseek_v4` checkpoint with transformers, in float32.

    python golden_v4.py CHECKPOINT_DIR...     (specks: random ids; with a tokenizer.json: see golden_text_v4.py)

As golden.py does for `glm4_moe`. That `AutoModelForCausalLM` loads the directory is itself the proof that the
checkpoint is valid. The class ignores the MTP layer, so `mtp_v4.py` computes it.

An indexer keeps the best entries, a router the best experts. Where two scores at the border are nearly equal,
float32 arithmetic in another order may choose the other one. So texts are chosen in which every such choice
has a margin: MIN_MARGIN between the last score that is kept and the first that is not, in all rows of all
layers, and of the MTP layer's router too. Likewise the two best logits differ by MIN_GAP wherever a test
compares the argmax.

Tensors (T tokens, R rows of them, V vocabulary, N layers, n streams, C prefixes, G prompts):
    ids [T] I64; rows [R] I64, ascending: the tokens that the following tensors are for (all of a speck's)
    logits [R, V]; streams.0 (embeddings) .. streams.N [R, n, hidden]; hidden [R, hidden], after the final norm
    router.{layer}.experts [R, k] I64 ascending, router.{layer}.weights [R, k]
    entries.{layer} [R, index_topk] I64: what the indexer of a CSA layer keeps, ascending, then -1
    mtp.rows [M] I64: the rows p, each with token p+1, that the next two are for (all T-1 of a speck's)
    mtp.logits [M, V]; mtp.streams [M, n, hidden]
    mtp.chain.prefix [C] I64; mtp.chain.drafts [C, 3] I64, .logits [C, 3, V], .streams [C, 3, n, hidden]
    greedy.prompts [G, P] I64 padded with 0, greedy.prompt_lengths [G] I64, greedy.tokens [G, 64] I64
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, DeepseekV4ForCausalLM
from transformers.models.deepseek_v4 import modeling_deepseek_v4 as library

from golden import CHAIN, CONTINUATION, MIN_GAP, gap, save
from mtp_v4 import MtpV4

MIN_MARGIN = 1e-4
TOKENS, LONG_TOKENS = 96, 300  # the longer for a ratio of 128


def load(directory: Path) -> DeepseekV4ForCausalLM:
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    assert type(model) is DeepseekV4ForCausalLM, type(model)
    assert all(p.dtype == torch.float32 for p in model.parameters())
    model.set_experts_implementation("eager")
    return model.eval()


def border(scores: Tensor, kept: int) -> Tensor:
    """scores [rows, choices], -inf for what may not be chosen -> the margin of each row; inf if all are kept."""
    if scores.shape[-1] <= kept:
        return torch.full(scores.shape[:-1], float("inf"))
    top = scores.topk(kept + 1, dim=-1).values
    return (top[..., kept - 1] - top[..., kept]).nan_to_num(nan=float("inf"))  # -inf - -inf: fewer than `kept` choices


@dataclass
class Taps:
    """Records streams, routes, selections and margins of one pass; use it in `with`."""

    model: DeepseekV4ForCausalLM
    mtp: MtpV4 | None = None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    margins: dict[str, Tensor] = field(default_factory=dict)

    def __enter__(self) -> Taps:
        layers = list(self.model.model.layers)
        self.handles = [layers[0].register_forward_pre_hook(self.embedding)]
        for number, layer in enumerate(layers):
            self.handles.append(layer.register_forward_hook(self.streams(number + 1)))
            self.watch_router(str(number), layer.mlp)
            if isinstance(layer.self_attn.compressor, library.DeepseekV4CSACompressor):
                indexer = layer.self_attn.compressor.indexer
                self.handles.append(indexer.register_forward_hook(self.entries(number)))
                self.handles.append(indexer.scorer.register_forward_hook(self.scores(number, indexer)))
        if self.mtp:
            self.watch_router("mtp", self.mtp.layer.mlp)
        return self

    def __exit__(self, *error) -> None:
        for handle in self.handles:
            handle.remove()

    def watch_router(self, name: str, mlp) -> None:
        def hook(module, args, output):
            logits, weights, experts = output
            if not mlp.is_hash:
                scores = module.score_fn(logits) + module.e_score_correction_bias
                self.margins[f"router.{name}"] = border(scores, module.top_k)
            experts, order = experts.sort(dim=-1)
            if name != "mtp":
                self.tensors[f"router.{name}.experts"] = experts.clone()
                self.tensors[f"router.{name}.weights"] = weights.gather(1, order).clone()

        self.handles.append(mlp.gate.register_forward_hook(hook))

    def embedding(self, module, args):
        self.tensors["streams.0"] = args[0][0].clone()

    def streams(self, number: int):
        def hook(module, args, output):
            self.tensors[f"streams.{number}"] = output[0].clone()

        return hook

    def entries(self, number: int):
        def hook(module, args, output):
            last = torch.iinfo(torch.int64).max
            ordered = output[0].masked_fill(output[0] < 0, last).sort(dim=-1).values
            ordered = ordered.masked_fill(ordered == last, -1)
            missing = module.index_topk - ordered.shape[-1]
            self.tensors[f"entries.{number}"] = torch.nn.functional.pad(ordered, (0, missing), value=-1)

        return hook

    def scores(self, number: int, indexer):
        def hook(module, args, output):
            scores = output[0]  # [rows, entries]
            visible = (torch.arange(scores.shape[0]) + 1) // indexer.compress_rate
            later = torch.arange(scores.shape[1])[None] >= visible[:, None].to(scores.device).cpu()
            self.margins[f"indexer.{number}"] = border(scores.cpu().masked_fill(later, float("-inf")), indexer.index_topk)

        return hook

    def smallest(self) -> tuple[str, float]:
        name = min(self.margins, key=lambda n: self.margins[n].min().item())
        return name, self.margins[name].min().item()


def forward(model: DeepseekV4ForCausalLM, mtp: MtpV4 | None, ids: Tensor) -> Taps:
    """One pass over `ids` [T] without a cache, and one of the MTP layer over its T-1 rows."""
    with Taps(model, mtp) as taps:
        hidden = model.model(ids[None], use_cache=False).last_hidden_state[0]
        taps.tensors |= {"ids": ids.clone(), "hidden": hidden, "logits": model.lm_head(hidden)}
        if mtp:
            rows = ids.shape[0] - 1
            y = mtp(ids[None, 1:], last_streams(taps)[None, :rows], torch.arange(rows))
            taps.tensors |= {"mtp.logits": mtp.logits(y)[0], "mtp.streams": y[0]}
    return taps


def last_streams(taps: Taps) -> Tensor:
    return taps.tensors[f"streams.{taps.model.config.num_hidden_layers}"]


def chains(mtp: MtpV4, taps: Taps, candidates: list[int], count: int, margin: float) -> dict[str, Tensor]:
    """Chains of drafts at the first `count` prefixes without near ties."""
    ids, streams = taps.tensors["ids"], last_streams(taps)
    found: dict[str, list[Tensor]] = {"prefix": [], "drafts": [], "logits": [], "streams": []}
    for n in candidates:
        with Taps(taps.model, mtp) as watch:
            drafts, logits, states = mtp.chain(ids[:n], streams[:n], CHAIN)
        if gap(logits).min() >= MIN_GAP and watch.smallest()[1] >= margin and len(found["prefix"]) < count:
            for name, value in zip(found, (torch.tensor(n), drafts, logits, states)):
                found[name].append(value)
    assert len(found["prefix"]) == count, f"only {len(found['prefix'])} prefixes without near ties"
    result = {f"mtp.chain.{name}": torch.stack(values) for name, values in found.items()}
    print(f"  mtp chain: prefixes {[int(n) for n in found['prefix']]}, smallest gap {gap(result['mtp.chain.logits']).min():.4f}")
    return result


def greedy(model: DeepseekV4ForCausalLM, prompt: Tensor) -> Tensor:
    """CONTINUATION tokens by argmax, never stopping."""
    tokens, cache, step = [], None, prompt[None]
    for _ in range(CONTINUATION):
        result = model(step, past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        tokens.append(int(result.logits[0, -1].argmax()))
        step = torch.tensor([[tokens[-1]]])
    return torch.tensor(tokens)


def greedy_tensors(model: DeepseekV4ForCausalLM, prompts: list[Tensor], count: int, margin: float) -> dict[str, Tensor]:
    """The first `count` prompts whose answers have no near ties; a pass without a cache confirms each answer."""
    chosen, answers = [], []
    for prompt in prompts:
        tokens = greedy(model, prompt)
        taps = forward(model, None, torch.cat([prompt, tokens]))
        logits = taps.tensors["logits"][len(prompt) - 1 : -1]
        clear = gap(logits).min() >= MIN_GAP and taps.smallest()[1] >= margin
        assert not clear or torch.equal(logits.argmax(-1), tokens), "with and without a cache differ"
        if clear and len(chosen) < count:
            chosen.append(prompt)
            answers.append(tokens)
        if len(chosen) == count:
            break
    assert len(chosen) == count, f"only {len(chosen)} prompts without near ties"
    width = max(len(p) for p in chosen)
    return {
        "greedy.prompts": torch.stack([torch.cat([p, p.new_zeros(width - len(p))]) for p in chosen]),
        "greedy.prompt_lengths": torch.tensor([len(p) for p in chosen]),
        "greedy.tokens": torch.stack(answers),
    }


def speck_golden(directory: Path) -> None:
    model = load(directory)
    config = model.config
    mtp = MtpV4(directory, model) if config.num_nextn_predict_layers else None
    long = config.compress_rates["heavily_compressed_attention"] > TOKENS
    for seed in range(1000, 1400):
        generator = torch.Generator().manual_seed(seed)
        ids = torch.randint(0, config.vocab_size, (LONG_TOKENS if long else TOKENS,), generator=generator)
        taps = forward(model, mtp, ids)
        if gap(taps.tensors["logits"]).min() >= MIN_GAP and taps.smallest()[1] >= MIN_MARGIN:
            break
    else:
        raise AssertionError("no ids without near ties")
    print(f"{directory.name}: seed {seed}, smallest gap of logits {gap(taps.tensors['logits']).min():.4f}, margin {taps.smallest()}")
    tensors = taps.tensors | {"rows": torch.arange(len(ids))}
    if mtp:
        tensors["mtp.rows"] = torch.arange(len(ids) - 1)
        tensors |= chains(mtp, taps, [2, 3, 17, 40, 64, 96, *range(4, 90, 5)], 6, MIN_MARGIN)
    prompts = [
        torch.randint(0, config.vocab_size, (1 + 3 * (i % 5),), generator=torch.Generator().manual_seed(2000 + i)) for i in range(200)
    ]
    save(directory, tensors | greedy_tensors(model, prompts, 4, MIN_MARGIN / 4))


def main(directories: list[str]) -> None:
    torch.set_grad_enabled(False)
    for directory in map(Path, directories):
        if (directory / "tokenizer.json").exists():
            from golden_text_v4 import text_golden  # needs the generator's held-out texts

            text_golden(directory)
        else:
            speck_golden(directory)


if __name__ == "__main__":
    main(sys.argv[1:])
