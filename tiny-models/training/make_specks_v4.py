"""Writes the random `speck-v4-*` checkpoints (`deepseek_v4`) that unit tests read.

    python make_specks_v4.py OUT_DIR         (OUT_DIR is usually `..`, that is tiny-models/)

Together they have every option of a `deepseek_v4` config, both layouts of files and every stored dtype. All
values are drawn with fixed seeds and differ from their defaults: norm weights from 1, sinks, position biases
(`ape`), bases and selection biases from 0, and a hash table names different experts for each token. The limit
of SwiGLU is small enough to clamp many values.

Three specks are in DeepSeek's release layout, and this file writes them without transformers: the library that
reads the files in `golden_v4.py` must not be the one that wrote them. Two are what transformers'
`save_pretrained` writes, so transformers writes them, from the same tensors.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from config_v4 import COPIED, KINDS, release_config
from make_specks import write_json, write_sharded
from names_v4 import experts_stacked, to_transformers


@dataclass(frozen=True)
class Speck:
    """Shape and options of one speck; the names are those of DeepSeek's config.json."""

    name: str
    seed: int
    dtype: str
    layout: str  # "release", or "transformers" for what save_pretrained writes
    sharded: bool
    layers: tuple[str, ...]  # swa, csa or hca
    csa: int  # tokens of a compressed entry
    hca: int
    table: torch.dtype | None  # of tid2eid
    num_hash_layers: int
    vocab_size: int
    hidden_size: int
    moe_intermediate_size: int
    num_attention_heads: int
    head_dim: int
    qk_rope_head_dim: int
    q_lora_rank: int
    o_groups: int
    o_lora_rank: int
    n_routed_experts: int
    num_experts_per_tok: int
    routed_scaling_factor: float
    swiglu_limit: float
    sliding_window: int
    index_n_heads: int
    index_head_dim: int
    index_topk: int
    hc_mult: int
    hc_sinkhorn_iters: int
    rope_theta: float
    compress_rope_theta: float
    yarn: dict | None
    num_nextn_predict_layers: int
    rms_norm_eps: float = 1e-6
    hc_eps: float = 1e-6
    max_position_embeddings: int = 512
    eos_token_id: int = 1


SPECKS = (
    Speck(
        name="speck-v4-mtp",
        seed=61,
        dtype="bfloat16",
        layout="release",
        sharded=False,
        layers=("swa", "csa", "hca", "csa"),
        csa=4,
        hca=8,
        table=torch.int64,
        num_hash_layers=1,
        vocab_size=97,
        hidden_size=24,
        moe_intermediate_size=10,
        num_attention_heads=4,
        head_dim=16,
        qk_rope_head_dim=6,
        q_lora_rank=12,
        o_groups=2,
        o_lora_rank=8,
        n_routed_experts=6,
        num_experts_per_tok=2,
        routed_scaling_factor=1.5,
        swiglu_limit=0.6,
        sliding_window=8,
        index_n_heads=16,
        index_head_dim=12,
        index_topk=3,
        hc_mult=4,
        hc_sinkhorn_iters=20,
        rope_theta=10000.0,
        compress_rope_theta=40000.0,
        yarn={"factor": 4, "original_max_position_embeddings": 64, "beta_fast": 32, "beta_slow": 1},
        num_nextn_predict_layers=1,
    ),
    Speck(
        name="speck-v4-one",
        seed=62,
        dtype="float32",
        layout="release",
        sharded=True,
        layers=("csa", "hca"),
        csa=4,
        hca=6,
        table=None,
        num_hash_layers=0,
        vocab_size=89,
        hidden_size=20,
        moe_intermediate_size=7,
        num_attention_heads=3,
        head_dim=10,
        qk_rope_head_dim=6,
        q_lora_rank=9,
        o_groups=1,
        o_lora_rank=11,
        n_routed_experts=5,
        num_experts_per_tok=1,
        routed_scaling_factor=2.5,
        swiglu_limit=0.7,
        sliding_window=2,
        index_n_heads=17,
        index_head_dim=6,
        index_topk=2,
        hc_mult=1,
        hc_sinkhorn_iters=1,
        rope_theta=500.0,
        compress_rope_theta=2000.0,
        yarn=None,
        num_nextn_predict_layers=0,
        rms_norm_eps=1e-3,
        hc_eps=1e-4,
        eos_token_id=5,
    ),
    Speck(
        name="speck-v4-release",
        seed=63,
        dtype="bfloat16",
        layout="release",
        sharded=False,
        layers=("swa", "csa", "hca"),
        csa=4,
        hca=128,
        table=torch.int32,
        num_hash_layers=2,
        vocab_size=61,
        hidden_size=16,
        moe_intermediate_size=12,
        num_attention_heads=16,
        head_dim=8,
        qk_rope_head_dim=4,
        q_lora_rank=10,
        o_groups=4,
        o_lora_rank=6,
        n_routed_experts=7,
        num_experts_per_tok=3,
        routed_scaling_factor=1.5,
        swiglu_limit=0.6,
        sliding_window=7,
        index_n_heads=16,
        index_head_dim=8,
        index_topk=5,
        hc_mult=4,
        hc_sinkhorn_iters=20,
        rope_theta=10000.0,
        compress_rope_theta=160000.0,
        yarn={"factor": 16, "original_max_position_embeddings": 96, "beta_fast": 8, "beta_slow": 1},
        num_nextn_predict_layers=1,
    ),
    Speck(
        name="speck-v4-hf",
        seed=64,
        dtype="float32",
        layout="transformers",
        sharded=False,
        layers=("hca", "swa", "csa"),
        csa=2,
        hca=6,
        table=torch.int64,
        num_hash_layers=1,
        vocab_size=83,
        hidden_size=20,
        moe_intermediate_size=9,
        num_attention_heads=6,
        head_dim=12,
        qk_rope_head_dim=6,
        q_lora_rank=14,
        o_groups=3,
        o_lora_rank=5,
        n_routed_experts=5,
        num_experts_per_tok=2,
        routed_scaling_factor=2.0,
        swiglu_limit=0.6,
        sliding_window=5,
        index_n_heads=16,
        index_head_dim=10,
        index_topk=4,
        hc_mult=2,
        hc_sinkhorn_iters=3,
        rope_theta=10000.0,
        compress_rope_theta=160000.0,
        yarn={"factor": 8, "original_max_position_embeddings": 48, "beta_fast": 16, "beta_slow": 1},
        num_nextn_predict_layers=0,
        rms_norm_eps=1e-5,
    ),
    Speck(
        name="speck-v4-hf-sharded",
        seed=65,
        dtype="bfloat16",
        layout="transformers",
        sharded=True,
        layers=("csa", "hca", "csa"),
        csa=8,
        hca=12,
        table=None,
        num_hash_layers=0,
        vocab_size=71,
        hidden_size=28,
        moe_intermediate_size=11,
        num_attention_heads=4,
        head_dim=20,
        qk_rope_head_dim=10,
        q_lora_rank=13,
        o_groups=2,
        o_lora_rank=9,
        n_routed_experts=4,
        num_experts_per_tok=2,
        routed_scaling_factor=1.0,
        swiglu_limit=0.5,
        sliding_window=3,
        index_n_heads=16,
        index_head_dim=14,
        index_topk=2,
        hc_mult=4,
        hc_sinkhorn_iters=7,
        rope_theta=1000.0,
        compress_rope_theta=8000.0,
        yarn=None,
        num_nextn_predict_layers=0,
    ),
)


class Weights:
    """Draws the tensors of DeepSeek's release by name, in a fixed order, from one generator."""

    def __init__(self, speck: Speck) -> None:
        self.speck = speck
        self.generator = torch.Generator().manual_seed(speck.seed)
        self.tensors: dict[str, Tensor] = {}

    def full(self, name: str, *shape: int, std: float, mean: float = 0.0) -> None:
        """Stored in float32 whatever the checkpoint's dtype is, as in the release."""
        self.tensors[name] = torch.randn(*shape, generator=self.generator) * std + mean

    def linear(self, name: str, rows: int, columns: int) -> None:
        self.full(f"{name}.weight", rows, columns, std=1.4 / columns**0.5)
        self.tensors[f"{name}.weight"] = self.tensors[f"{name}.weight"].to(getattr(torch, self.speck.dtype))

    def norm(self, name: str, width: int) -> None:
        self.full(f"{name}.weight", width, std=0.2, mean=1.0)
        self.tensors[f"{name}.weight"] = self.tensors[f"{name}.weight"].to(getattr(torch, self.speck.dtype))

    def mixing(self, name: str, rows: int, bases: int, scales: int) -> None:
        """`fn`, `base` and `scale` of a hyper-connection or of a head collapse."""
        columns = self.speck.hc_mult * self.speck.hidden_size
        self.full(f"{name}_fn", rows, columns, std=1.0 / columns**0.5)
        self.full(f"{name}_base", bases, std=0.6)
        self.full(f"{name}_scale", scales, std=0.3, mean=1.0)

    def compressor(self, name: str, width: int, ratio: int, shares: int) -> None:
        hidden = self.speck.hidden_size
        self.linear(f"{name}.wkv", shares * width, hidden)
        self.linear(f"{name}.wgate", shares * width, hidden)
        self.full(f"{name}.ape", ratio, shares * width, std=0.7)
        self.norm(f"{name}.norm", width)

    def attention(self, name: str, kind: str) -> None:
        s = self.speck
        heads, width = s.num_attention_heads, s.head_dim
        self.linear(f"{name}.wq_a", s.q_lora_rank, s.hidden_size)
        self.norm(f"{name}.q_norm", s.q_lora_rank)
        self.linear(f"{name}.wq_b", heads * width, s.q_lora_rank)
        self.linear(f"{name}.wkv", width, s.hidden_size)
        self.norm(f"{name}.kv_norm", width)
        self.linear(f"{name}.wo_a", s.o_groups * s.o_lora_rank, heads * width // s.o_groups)
        self.linear(f"{name}.wo_b", s.hidden_size, s.o_groups * s.o_lora_rank)
        self.full(f"{name}.attn_sink", heads, std=1.0)
        if kind == "hca":
            self.compressor(f"{name}.compressor", width, s.hca, 1)
        elif kind == "csa":
            self.compressor(f"{name}.compressor", width, s.csa, 2)
            self.linear(f"{name}.indexer.wq_b", s.index_n_heads * s.index_head_dim, s.q_lora_rank)
            self.linear(f"{name}.indexer.weights_proj", s.index_n_heads, s.hidden_size)
            self.compressor(f"{name}.indexer.compressor", s.index_head_dim, s.csa, 2)

    def mlp(self, name: str) -> None:
        s = self.speck
        self.linear(f"{name}.w1", s.moe_intermediate_size, s.hidden_size)
        self.linear(f"{name}.w2", s.hidden_size, s.moe_intermediate_size)
        self.linear(f"{name}.w3", s.moe_intermediate_size, s.hidden_size)

    def experts(self, name: str, hashed: bool) -> None:
        s = self.speck
        self.linear(f"{name}.gate", s.n_routed_experts, s.hidden_size)
        if hashed:
            rows = [torch.randperm(s.n_routed_experts, generator=self.generator) for _ in range(s.vocab_size)]
            self.tensors[f"{name}.gate.tid2eid"] = torch.stack(rows)[:, : s.num_experts_per_tok].to(s.table).contiguous()
        else:  # scores lie around 0.8, so a bias of this size decides many rows
            self.full(f"{name}.gate.bias", s.n_routed_experts, std=0.3)
        for expert in range(s.n_routed_experts):
            self.mlp(f"{name}.experts.{expert}")
        self.mlp(f"{name}.shared_experts")

    def layer(self, name: str, kind: str, hashed: bool) -> None:
        s = self.speck
        sites = (2 + s.hc_mult) * s.hc_mult
        self.norm(f"{name}.attn_norm", s.hidden_size)
        self.norm(f"{name}.ffn_norm", s.hidden_size)
        self.mixing(f"{name}.hc_attn", sites, sites, 3)
        self.mixing(f"{name}.hc_ffn", sites, sites, 3)
        self.attention(f"{name}.attn", kind)
        self.experts(f"{name}.ffn", hashed)

    def model(self) -> dict[str, Tensor]:
        s = self.speck
        for name, std in (("embed", 0.8), ("head", 1.4 / s.hidden_size**0.5)):
            self.full(f"{name}.weight", s.vocab_size, s.hidden_size, std=std)
            self.tensors[f"{name}.weight"] = self.tensors[f"{name}.weight"].to(getattr(torch, s.dtype))
        self.norm("norm", s.hidden_size)
        self.mixing("hc_head", s.hc_mult, s.hc_mult, 1)
        for index, kind in enumerate(s.layers):
            self.layer(f"layers.{index}", kind, index < s.num_hash_layers)
        for index in range(s.num_nextn_predict_layers):
            name = f"mtp.{index}"
            self.layer(name, "swa", False)
            self.linear(f"{name}.e_proj", s.hidden_size, s.hidden_size)
            self.linear(f"{name}.h_proj", s.hidden_size, s.hidden_size)
            for norm in ("enorm", "hnorm", "norm"):
                self.norm(f"{name}.{norm}", s.hidden_size)
            self.mixing(f"{name}.hc_head", s.hc_mult, s.hc_mult, 1)
        return self.tensors


def transformers_config(s):
    """The configuration object of transformers, for any ratios."""
    from transformers import DeepseekV4Config

    same = [n for n in COPIED if n not in ("rope_theta", "compress_rope_theta", "num_hash_layers", "qk_rope_head_dim")]
    share = {"partial_rotary_factor": s.qk_rope_head_dim / s.head_dim}
    scaled = {"rope_type": "yarn", **s.yarn, "attention_factor": 1.0} if s.yarn else {"rope_type": "default"}
    hashed = s.num_hash_layers
    return DeepseekV4Config(
        **{name: getattr(s, name) for name in same},
        **share,
        num_hidden_layers=len(s.layers),
        layer_types=[KINDS[kind] for kind in s.layers],
        mlp_layer_types=["hash_moe"] * hashed + ["moe"] * (len(s.layers) - hashed),
        compress_rates={KINDS["csa"]: s.csa, KINDS["hca"]: s.hca},
        rope_theta=s.rope_theta,
        rope_parameters={
            "main": {"rope_type": "default", "rope_theta": s.rope_theta, **share},
            "compress": {"rope_theta": s.compress_rope_theta, **scaled, **share},
        },
    )


def write_release(speck: Speck, directory: Path, tensors: dict[str, Tensor]) -> None:
    if speck.sharded:
        write_sharded(directory, tensors, shards=3)
    else:
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    write_json(directory / "config.json", release_config(speck))


def write_transformers(speck: Speck, directory: Path, tensors: dict[str, Tensor]) -> None:
    from transformers import DeepseekV4ForCausalLM

    model = DeepseekV4ForCausalLM(transformers_config(speck))
    named = {to_transformers(name): t for name, t in tensors.items()}
    model.load_state_dict(experts_stacked(named, speck.n_routed_experts), strict=True)
    save(model, speck, directory)
    if speck.dtype != "float32":  # the library keeps norms, sinks and hyper-connections in float32 when it reads a file
        save(DeepseekV4ForCausalLM.from_pretrained(directory, dtype=speck.dtype), speck, directory)


def save(model, speck: Speck, directory: Path) -> None:
    size = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    for old in directory.iterdir():
        old.unlink()
    model.save_pretrained(directory, max_shard_size=size // 3 + 4096 if speck.sharded else "1GB")
    (directory / "generation_config.json").unlink()


def write(speck: Speck, root: Path) -> None:
    directory = root / speck.name
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    tensors = Weights(speck).model()
    (write_release if speck.layout == "release" else write_transformers)(speck, directory, tensors)
    for file in directory.iterdir():
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{speck.name}: {len(tensors)} tensors, {sum(t.numel() for t in tensors.values())} values, {size} bytes")


if __name__ == "__main__":
    for one in SPECKS:
        write(one, Path(sys.argv[1]))
