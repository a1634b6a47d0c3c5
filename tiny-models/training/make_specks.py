"""Writes the four random `speck-*` checkpoints that unit tests read.

    python make_specks.py OUT_DIR            (OUT_DIR is usually `..`, that is tiny-models/)

A random speck means nothing as a language model (`train_speck.py` makes one that does). The specks are
small enough to commit, and together they have every option of a `glm4_moe` config, every stored dtype and
both spellings of `config.json`. Weights are drawn with fixed seeds and are deliberately not "nice": norm
weights differ from 1, biases from 0, and the router's selection bias is large enough (and sometimes negative
enough) to change the chosen experts. This file does not use transformers: the library that reads the files
in `golden.py` must not be the one that wrote them.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Speck:
    """Shape and options of one speck; the names are those of the Hugging Face config."""

    name: str
    seed: int
    dtype: str
    v5_spelling: bool
    sharded: bool
    own_mtp_head: bool
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    moe_intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    partial_rotary_factor: float
    rope_theta: float
    rms_norm_eps: float
    attention_bias: bool
    use_qk_norm: bool
    first_k_dense_replace: int
    n_routed_experts: int
    num_experts_per_tok: int
    n_shared_experts: int
    n_group: int
    topk_group: int
    norm_topk_prob: bool
    routed_scaling_factor: float
    tie_word_embeddings: bool
    num_nextn_predict_layers: int
    eos_token_id: int | list[int] = 0
    generation: dict | None = field(default=None)


SPECKS = (
    Speck(
        name="speck-bias",
        seed=11,
        dtype="float32",
        v5_spelling=False,
        sharded=False,
        own_mtp_head=False,
        vocab_size=97,
        hidden_size=20,
        intermediate_size=28,
        moe_intermediate_size=12,
        num_hidden_layers=3,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=8,
        partial_rotary_factor=0.5,
        rope_theta=10000.0,
        rms_norm_eps=1e-5,
        attention_bias=True,
        use_qk_norm=False,
        first_k_dense_replace=1,
        n_routed_experts=4,
        num_experts_per_tok=2,
        n_shared_experts=1,
        n_group=1,
        topk_group=1,
        norm_topk_prob=True,
        routed_scaling_factor=1.0,
        tie_word_embeddings=False,
        num_nextn_predict_layers=0,
        eos_token_id=[3, 7, 96],
        generation={"eos_token_id": [3, 7, 96], "pad_token_id": 0, "do_sample": True, "temperature": 0.8, "top_p": 0.95},
    ),
    Speck(
        name="speck-groups",
        seed=22,
        dtype="bfloat16",
        v5_spelling=True,
        sharded=True,
        own_mtp_head=False,
        vocab_size=101,
        hidden_size=24,
        intermediate_size=28,
        moe_intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=6,
        partial_rotary_factor=1.0,
        rope_theta=500.0,
        rms_norm_eps=1e-6,
        attention_bias=False,
        use_qk_norm=True,
        first_k_dense_replace=0,
        n_routed_experts=8,
        num_experts_per_tok=3,
        n_shared_experts=2,
        n_group=4,
        topk_group=2,
        norm_topk_prob=False,
        routed_scaling_factor=2.5,
        tie_word_embeddings=True,
        num_nextn_predict_layers=1,
        eos_token_id=5,
    ),
    Speck(
        name="speck-mtp",
        seed=33,
        dtype="float16",
        v5_spelling=True,
        sharded=False,
        own_mtp_head=True,
        vocab_size=97,
        hidden_size=40,
        intermediate_size=18,
        moe_intermediate_size=5,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        partial_rotary_factor=0.25,
        rope_theta=1000000.0,
        rms_norm_eps=1e-5,
        attention_bias=True,
        use_qk_norm=True,
        first_k_dense_replace=2,
        n_routed_experts=6,
        num_experts_per_tok=2,
        n_shared_experts=1,
        n_group=2,
        topk_group=1,
        norm_topk_prob=True,
        routed_scaling_factor=2.5,
        tie_word_embeddings=False,
        num_nextn_predict_layers=1,
        eos_token_id=2,
    ),
    Speck(
        name="speck-sharded",
        seed=44,
        dtype="float32",
        v5_spelling=False,
        sharded=True,
        own_mtp_head=False,
        vocab_size=89,
        hidden_size=20,
        intermediate_size=12,
        moe_intermediate_size=7,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=12,
        partial_rotary_factor=0.5,
        rope_theta=10000.0,
        rms_norm_eps=1e-3,
        attention_bias=False,
        use_qk_norm=False,
        first_k_dense_replace=0,
        n_routed_experts=5,
        num_experts_per_tok=1,
        n_shared_experts=1,
        n_group=1,
        topk_group=1,
        norm_topk_prob=False,
        routed_scaling_factor=1.0,
        tie_word_embeddings=True,
        num_nextn_predict_layers=0,
        eos_token_id=1,
    ),
)


class Weights:
    """Draws named tensors in a fixed order from one generator."""

    def __init__(self, speck: Speck) -> None:
        self.speck = speck
        self.generator = torch.Generator().manual_seed(speck.seed)
        self.tensors: dict[str, torch.Tensor] = {}

    def normal(self, name: str, *shape: int, std: float, mean: float = 0.0) -> None:
        values = torch.randn(*shape, generator=self.generator) * std + mean
        self.tensors[name] = values.to(DTYPES[self.speck.dtype])

    def linear(self, name: str, rows: int, columns: int, bias: bool = False) -> None:
        self.normal(f"{name}.weight", rows, columns, std=1.3 / columns**0.5)
        if bias:
            self.normal(f"{name}.bias", rows, std=0.4)

    def norm(self, name: str, width: int) -> None:
        self.normal(f"{name}.weight", width, std=0.3, mean=1.1)

    def mlp(self, name: str, width: int) -> None:
        hidden = self.speck.hidden_size
        self.linear(f"{name}.gate_proj", width, hidden)
        self.linear(f"{name}.up_proj", width, hidden)
        self.linear(f"{name}.down_proj", hidden, width)

    def decoder_layer(self, index: int) -> None:
        s = self.speck
        name = f"model.layers.{index}"
        self.norm(f"{name}.input_layernorm", s.hidden_size)
        self.linear(f"{name}.self_attn.q_proj", s.num_attention_heads * s.head_dim, s.hidden_size, s.attention_bias)
        self.linear(f"{name}.self_attn.k_proj", s.num_key_value_heads * s.head_dim, s.hidden_size, s.attention_bias)
        self.linear(f"{name}.self_attn.v_proj", s.num_key_value_heads * s.head_dim, s.hidden_size, s.attention_bias)
        self.linear(f"{name}.self_attn.o_proj", s.hidden_size, s.num_attention_heads * s.head_dim)
        if s.use_qk_norm:
            self.norm(f"{name}.self_attn.q_norm", s.head_dim)
            self.norm(f"{name}.self_attn.k_norm", s.head_dim)
        self.norm(f"{name}.post_attention_layernorm", s.hidden_size)
        if index < s.first_k_dense_replace:
            self.mlp(f"{name}.mlp", s.intermediate_size)
            return
        self.linear(f"{name}.mlp.gate", s.n_routed_experts, s.hidden_size)
        # Stored in float32 whatever the checkpoint's dtype is, as in the GLM-4.5 release. Scores lie in
        # (0, 1), so a bias of this size decides many rows, and some biased scores are below zero.
        bias = torch.randn(s.n_routed_experts, generator=self.generator) * 0.25 - 0.15
        self.tensors[f"{name}.mlp.gate.e_score_correction_bias"] = bias
        for expert in range(s.n_routed_experts):
            self.mlp(f"{name}.mlp.experts.{expert}", s.moe_intermediate_size)
        self.mlp(f"{name}.mlp.shared_experts", s.moe_intermediate_size * s.n_shared_experts)

    def model(self) -> dict[str, torch.Tensor]:
        s = self.speck
        self.normal("model.embed_tokens.weight", s.vocab_size, s.hidden_size, std=0.7)
        for index in range(s.num_hidden_layers):
            self.decoder_layer(index)
        self.norm("model.norm", s.hidden_size)
        if not s.tie_word_embeddings:
            self.linear("lm_head", s.vocab_size, s.hidden_size)
        if s.num_nextn_predict_layers:
            name = f"model.layers.{s.num_hidden_layers}"
            self.decoder_layer(s.num_hidden_layers)
            self.norm(f"{name}.enorm", s.hidden_size)
            self.norm(f"{name}.hnorm", s.hidden_size)
            self.linear(f"{name}.eh_proj", s.hidden_size, 2 * s.hidden_size)
            self.norm(f"{name}.shared_head.norm", s.hidden_size)
            if s.own_mtp_head:  # the release repeats both; these are copies, as they are there
                self.tensors[f"{name}.embed_tokens.weight"] = self.tensors["model.embed_tokens.weight"].clone()
                self.tensors[f"{name}.shared_head.head.weight"] = self.tensors["lm_head.weight"].clone()
        return self.tensors


def config_json(s: Speck) -> dict:
    """The config in the spelling of transformers 4 (as the GLM-4.5 release has it) or of 5."""
    config = {
        "architectures": ["Glm4MoeForCausalLM"],
        "model_type": "glm4_moe",
        "attention_bias": s.attention_bias,
        "attention_dropout": 0.0,
        "eos_token_id": s.eos_token_id,
        "first_k_dense_replace": s.first_k_dense_replace,
        "head_dim": s.head_dim,
        "hidden_act": "silu",
        "hidden_size": s.hidden_size,
        "initializer_range": 0.02,
        "intermediate_size": s.intermediate_size,
        "max_position_embeddings": 256,
        "moe_intermediate_size": s.moe_intermediate_size,
        "n_group": s.n_group,
        "n_routed_experts": s.n_routed_experts,
        "n_shared_experts": s.n_shared_experts,
        "norm_topk_prob": s.norm_topk_prob,
        "num_attention_heads": s.num_attention_heads,
        "num_experts_per_tok": s.num_experts_per_tok,
        "num_hidden_layers": s.num_hidden_layers,
        "num_key_value_heads": s.num_key_value_heads,
        "num_nextn_predict_layers": s.num_nextn_predict_layers,
        "pad_token_id": 0,
        "rms_norm_eps": s.rms_norm_eps,
        "routed_scaling_factor": s.routed_scaling_factor,
        "tie_word_embeddings": s.tie_word_embeddings,
        "topk_group": s.topk_group,
        "use_cache": True,
        "use_qk_norm": s.use_qk_norm,
        "vocab_size": s.vocab_size,
    }
    if s.v5_spelling:
        config["dtype"] = s.dtype
        config["rope_parameters"] = {
            "partial_rotary_factor": s.partial_rotary_factor,
            "rope_theta": s.rope_theta,
            "rope_type": "default",
        }
        config["transformers_version"] = "5.17.0"
    else:
        config["torch_dtype"] = s.dtype
        config["partial_rotary_factor"] = s.partial_rotary_factor
        config["rope_scaling"] = None
        config["rope_theta"] = s.rope_theta
        config["transformers_version"] = "4.54.0"
    return config


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_sharded(directory: Path, tensors: dict[str, torch.Tensor], shards: int) -> None:
    """Splits by byte count in name order, so a layer's tensors can lie in two files."""
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    files: list[dict[str, torch.Tensor]] = [{}]
    used = 0
    for name in sorted(tensors):
        if used >= total * len(files) / shards:
            files.append({})
        files[-1][name] = tensors[name]
        used += tensors[name].numel() * tensors[name].element_size()
    weight_map = {}
    for number, part in enumerate(files, 1):
        file = f"model-{number:05d}-of-{len(files):05d}.safetensors"
        save_file(part, directory / file, metadata={"format": "pt"})
        weight_map.update({name: file for name in part})
    write_json(
        directory / "model.safetensors.index.json",
        {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))},
    )


def write(speck: Speck, root: Path) -> None:
    directory = root / speck.name
    directory.mkdir(parents=True, exist_ok=True)
    tensors = Weights(speck).model()
    if speck.sharded:
        write_sharded(directory, tensors, shards=3)
    else:
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    write_json(directory / "config.json", config_json(speck))
    if speck.generation:
        write_json(directory / "generation_config.json", speck.generation)
    size = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{speck.name}: {len(tensors)} tensors, {sum(t.numel() for t in tensors.values())} values, {size} bytes")


if __name__ == "__main__":
    for one in SPECKS:
        write(one, Path(sys.argv[1]))
