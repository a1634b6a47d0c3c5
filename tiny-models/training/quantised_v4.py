"""The quantised `deepseek_v4` specks: shapes, codings, and the configs of the releases."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from forms import Fp8, Mxfp4, Nvfp4
from make_specks_v4 import Speck
from quantised_glm import deepseek

# Of a layer or of mtp.0: what a release has in FP8, and its routed experts.
FP8 = re.compile(r"(attn\.w(q_a|q_b|kv|o_a|o_b)|attn\.indexer\.wq_b|ffn\.shared_experts\.w[123]|^mtp\.\d+\.[eh]_proj)$")
ROUTED = re.compile(r"ffn\.experts\.\d+\.w[123]$")

# wq_b has 132 rows, the indexer's 192; experts have rows of 64 and 32 columns.
RELEASE = Speck(
    name="",
    seed=0,
    dtype="bfloat16",
    layout="release",
    sharded=False,
    layers=("swa", "csa", "hca"),
    csa=4,
    hca=8,
    table=torch.int64,
    num_hash_layers=1,
    vocab_size=61,
    hidden_size=64,
    moe_intermediate_size=32,
    num_attention_heads=6,
    head_dim=22,
    qk_rope_head_dim=6,
    q_lora_rank=24,
    o_groups=2,
    o_lora_rank=10,
    n_routed_experts=4,
    num_experts_per_tok=2,
    routed_scaling_factor=1.5,
    swiglu_limit=0.9,
    sliding_window=8,
    index_n_heads=16,
    index_head_dim=12,
    index_topk=3,
    hc_mult=2,
    hc_sinkhorn_iters=20,
    rope_theta=10000.0,
    compress_rope_theta=40000.0,
    yarn={"factor": 4, "original_max_position_embeddings": 64, "beta_fast": 32, "beta_slow": 1},
    num_nextn_predict_layers=1,
)
# Low ranks of 132: columns are cut off, too. Experts have 20 columns, which FP4 could not have.
BASE = replace(RELEASE, sharded=True, layers=("hca", "csa"), hidden_size=36, moe_intermediate_size=20, q_lora_rank=132, hc_mult=3, n_routed_experts=3)
# Blocks of 32: 88 and 176 rows, 40 and 88 columns. Two expert groups of a row.
TILES = replace(RELEASE, layers=("csa", "swa"), hca=6, head_dim=22, num_attention_heads=4, q_lora_rank=40, hc_mult=2, index_head_dim=11, moe_intermediate_size=64)


@dataclass(frozen=True)
class Quantised:
    """One checkpoint."""

    name: str
    shape: Speck
    coding: Callable[[str], Fp8 | Mxfp4 | Nvfp4 | None]  # by the module's name; None for a matrix that stays bf16
    quantisation: Callable[[Speck], dict]
    top: dict  # keys of config.json beside it
    transformers: bool = False  # transformers reads the release form and writes its own: stacks of experts


def coded(fp8: Fp8, routed: Fp8 | Mxfp4 | Nvfp4, mtp: Mxfp4 | None = None):
    """`mtp`: how the routed experts of the MTP layer are coded, if in another way."""

    def coding(module: str):
        if ROUTED.search(module):
            return mtp if mtp and module.startswith("mtp.") else routed
        return fp8 if FP8.search(module) else None

    return coding


E8M0_BLOCKS = Fp8((128, 128), "F8_E8M0", "scale")
EXPERTS = Mxfp4(weight="weight", dtype="I8", name="scale", scales="F8_E8M0", way="ceil")


def nvfp4(s: Speck) -> dict:
    """NVIDIA's conversion of routed experts: quant_method stays fp8, MTP experts stay as they were."""
    names = [f"layers.{i}.ffn.experts.{e}.{w}" for i in range(len(s.layers)) for e in range(s.n_routed_experts) for w in ("w1", "w2", "w3")]
    return deepseek((128, 128), scale_fmt="ue8m0") | {
        "ignore": ["head", "embed", "mtp.0*", "*.attn.*", "*.ffn.gate", "*.ffn.shared_experts.*"],
        "moe_quant_algo": "NVFP4",
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": {name: {"quant_algo": "NVFP4", "group_size": 16} for name in names},
    }


MODELS = (
    Quantised("v4-release", RELEASE, coded(E8M0_BLOCKS, EXPERTS), lambda s: deepseek((128, 128), scale_fmt="ue8m0"), {"expert_dtype": "fp4"}),
    Quantised(
        "v4-base",  # powers of two, but in float32
        BASE,
        coded(Fp8((128, 128), "F32-power", "scale"), Fp8((128, 128), "F32-power", "scale")),
        lambda s: deepseek((128, 128), scale_fmt="ue8m0"),
        {"expert_dtype": "fp8"},
    ),
    Quantised(
        "v4-tiles",  # as V4.1-Flash
        TILES,
        coded(Fp8((32, 32), "F8_E8M0", "scale"), EXPERTS),
        lambda s: deepseek((32, 32), scale_fmt="ue8m0") | {"expert_dtype": "fp4"},
        {},
    ),
    Quantised("v4-nvfp4", replace(RELEASE, layers=("swa", "csa")), coded(E8M0_BLOCKS, Nvfp4(modelopt=True), EXPERTS), nvfp4, {"expert_dtype": "fp4"}),
    Quantised(
        "v4-hf-stacked",
        replace(RELEASE, layers=("csa", "swa"), num_nextn_predict_layers=0),
        coded(E8M0_BLOCKS, EXPERTS),
        lambda s: deepseek((128, 128), scale_fmt="ue8m0"),
        {},
        transformers=True,
    ),
)
