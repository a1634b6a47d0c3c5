"""Writes `../golden/MODEL.safetensors` of a checkpoint with Hugging Face transformers, in float32.

    python golden.py CHECKPOINT_DIR...        (specks: random ids; with a tokenizer.json: a mix of text)

That `AutoModelForCausalLM` loads the directory is itself the proof that the checkpoint is valid. That class
ignores the MTP layer, so `mtp.py` computes it. If a test compares the argmax of a row, the gap between the
row's best and second-best logit is at least MIN_GAP; the gaps are printed.

Tensors (T tokens, V vocabulary, N layers, C prefixes, G prompts):
    ids [T] I64; logits [T, V]; streams.0 (embeddings) .. streams.N [T, hidden]; hidden [T, hidden]
    router.{layer}.experts [T, k] I64 ascending, router.{layer}.weights [T, k]         (MoE layers)
    mtp.logits [T-1, V]; mtp.chain.prefix [C] I64, mtp.chain.drafts [C, 3] I64, mtp.chain.logits [C, 3, V]
    greedy.prompts [G, P] I64 padded with 0, greedy.prompt_lengths [G] I64, greedy.tokens [G, 64] I64
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, Glm4MoeForCausalLM

from mtp import Mtp

MIN_GAP = 1e-3
CONTINUATION = 64
CHAIN = 3


def gap(logits: Tensor) -> Tensor:
    """Difference between the best and the second-best logit of each row."""
    top = logits.topk(2, dim=-1).values
    return top[..., 0] - top[..., 1]


def load(directory: Path) -> Glm4MoeForCausalLM:
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    assert type(model) is Glm4MoeForCausalLM, type(model)
    model.set_experts_implementation("eager")
    return model.eval()


def forward_with_taps(model: Glm4MoeForCausalLM, ids: Tensor) -> dict[str, Tensor]:
    """One pass over `ids` [T] that records streams and router choices on the way."""
    out: dict[str, Tensor] = {"ids": ids.clone()}
    handles = []

    def keep_input(module, args, kwargs=None):
        out["streams.0"] = args[0][0].clone()

    def keep_output(number):
        def hook(module, args, output):
            out[f"streams.{number}"] = (output[0] if isinstance(output, tuple) else output)[0].clone()

        return hook

    def keep_router(number):
        def hook(module, args, output):
            _, weights, experts = output
            experts, order = experts.sort(dim=-1)
            out[f"router.{number}.experts"] = experts.clone()
            out[f"router.{number}.weights"] = weights.gather(1, order).clone()

        return hook

    layers = model.model.layers
    handles.append(layers[0].register_forward_pre_hook(keep_input))
    for number, layer in enumerate(layers):
        handles.append(layer.register_forward_hook(keep_output(number + 1)))
        if hasattr(layer.mlp, "gate"):
            handles.append(layer.mlp.gate.register_forward_hook(keep_router(number)))
    hidden = model.model(ids[None], use_cache=False).last_hidden_state[0]
    for handle in handles:
        handle.remove()
    out["hidden"] = hidden
    out["logits"] = model.lm_head(hidden)
    return {name: t.reshape(ids.shape[0], *t.shape[1:]) if t.dim() > 1 else t for name, t in out.items()}


def mtp_tensors(mtp: Mtp, ids: Tensor, hidden: Tensor, candidates: list[int], count: int) -> dict[str, Tensor]:
    """Teacher-forced logits of every row, and chains at the first `count` prefixes without near ties."""
    rows = ids.shape[0] - 1
    y = mtp(ids[None, 1:], hidden[None, :rows], torch.arange(rows))[0]
    prefix, drafts, logits = [], [], []
    for n in candidates:
        tokens, values = mtp.chain(ids[:n], hidden[:n], CHAIN)
        if gap(values).min() >= MIN_GAP and len(prefix) < count:
            prefix.append(n)
            drafts.append(tokens)
            logits.append(values)
    assert len(prefix) == count, f"only {len(prefix)} prefixes without near ties"
    print(f"  mtp chain: prefixes {prefix}, smallest gap {gap(torch.stack(logits)).min():.4f}")
    return {
        "mtp.logits": mtp.logits(y),
        "mtp.chain.prefix": torch.tensor(prefix),
        "mtp.chain.drafts": torch.stack(drafts),
        "mtp.chain.logits": torch.stack(logits),
    }


def greedy(model: Glm4MoeForCausalLM, prompt: Tensor) -> tuple[Tensor, float]:
    """CONTINUATION tokens by argmax, never stopping; also the smallest gap met."""
    tokens, smallest, cache, step = [], float("inf"), None, prompt[None]
    for _ in range(CONTINUATION):
        result = model(step, past_key_values=cache, use_cache=True)
        cache, row = result.past_key_values, result.logits[0, -1]
        smallest = min(smallest, float(gap(row)))
        tokens.append(int(row.argmax()))
        step = torch.tensor([[tokens[-1]]])
    return torch.tensor(tokens), smallest


def greedy_tensors(model: Glm4MoeForCausalLM, prompts: list[Tensor], count: int) -> dict[str, Tensor]:
    chosen, answers, gaps = [], [], []
    for prompt in prompts:
        tokens, smallest = greedy(model, prompt)
        if smallest >= MIN_GAP and len(chosen) < count:
            chosen.append(prompt)
            answers.append(tokens)
            gaps.append(smallest)
        if len(chosen) == count:
            break
    assert len(chosen) == count, f"only {len(chosen)} prompts without near ties"
    print(f"  greedy: {count} prompts, smallest gaps {[round(g, 4) for g in gaps]}")
    width = max(len(p) for p in chosen)
    return {
        "greedy.prompts": torch.stack([torch.cat([p, p.new_zeros(width - len(p))]) for p in chosen]),
        "greedy.prompt_lengths": torch.tensor([len(p) for p in chosen]),
        "greedy.tokens": torch.stack(answers),
    }


def golden_file(directory: Path, suffix: str) -> Path:
    """Beside the model's directory, not in it: vLLM takes every *.safetensors of a directory for weights."""
    directory = directory.resolve()  # "." has no name
    folder = directory.parent / "golden"
    folder.mkdir(exist_ok=True)
    return folder / f"{directory.name}{suffix}"


def save(directory: Path, tensors: dict[str, Tensor]) -> None:
    path = golden_file(directory, ".safetensors")
    save_file({n: t.detach().contiguous().clone() for n, t in tensors.items()}, path)
    shapes = {n: tuple(t.shape) for n, t in tensors.items() if not n.startswith(("streams", "router"))}
    print(f"  {path}: {path.stat().st_size} bytes, {shapes}")


def speck_golden(directory: Path) -> None:
    model = load(directory)
    vocab = model.config.vocab_size
    for seed in range(100):
        generator = torch.Generator().manual_seed(1000 + seed)
        ids = torch.randint(0, vocab, (96,), generator=generator)
        tensors = forward_with_taps(model, ids)
        if gap(tensors["logits"]).min() >= MIN_GAP:
            break
    print(f"{directory.name}: seed {1000 + seed}, smallest gap of logits {gap(tensors['logits']).min():.4f}")
    if model.config.num_nextn_predict_layers:
        candidates = [2, 3, 17, 40, 64, 96, 7, 11, 33, 50, 80]
        tensors |= mtp_tensors(Mtp(directory, model), ids, tensors["hidden"], candidates, 6)
    prompts = [
        torch.randint(0, vocab, (1 + 3 * (i % 5),), generator=torch.Generator().manual_seed(2000 + i)) for i in range(60)
    ]
    save(directory, tensors | greedy_tensors(model, prompts, 4))


def main(directories: list[str]) -> None:
    torch.set_grad_enabled(False)
    for directory in map(Path, directories):
        if (directory / "tokenizer.json").exists():
            from golden_text import text_golden  # needs the generator's held-out texts

            text_golden(directory)
        else:
            speck_golden(directory)


if __name__ == "__main__":
    main(sys.argv[1:])
