"""The quantised `glm4_moe` specks: shapes, codings, and the configs that real releases have with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from forms import Fp8, Mxfp4, Nvfp4
from make_specks import Speck

WHOLE = 10**9
Coding = Fp8 | Mxfp4 | Nvfp4
LINEAR = re.compile(r"(self_attn\.[qkvo]_proj|mlp\..*(gate|up|down)_proj)$")
ROUTED = re.compile(r"mlp\.experts\.\d+\.")

PLAIN = Speck(
    name="",
    seed=0,
    dtype="bfloat16",
    v5_spelling=False,
    sharded=False,
    own_mtp_head=False,
    vocab_size=67,
    hidden_size=64,
    intermediate_size=96,
    moe_intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=3,
    num_key_value_heads=1,
    head_dim=32,
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
    num_nextn_predict_layers=1,
    eos_token_id=[3, 7, 66],
)
SMALL = replace(PLAIN, hidden_size=32, intermediate_size=64, head_dim=16, n_routed_experts=3, num_nextn_predict_layers=0)
# Blocks of 128 that are cut off: 132 = 128 + 4 and 200 = 128 + 72. Both can be divided by the rows of their grid, so a
# reader that derives the size of a block from it gets a wrong one, 66 or 100, and no error.
CUT_132 = replace(PLAIN, hidden_size=132, intermediate_size=132, moe_intermediate_size=12, head_dim=12, n_routed_experts=3, vocab_size=41, eos_token_id=[3, 40])
CUT_200 = replace(
    PLAIN, hidden_size=40, intermediate_size=200, moe_intermediate_size=20, num_attention_heads=5, head_dim=40, use_qk_norm=True, attention_bias=False
)
CUT_72 = replace(PLAIN, hidden_size=72, intermediate_size=100, moe_intermediate_size=24, head_dim=20, use_qk_norm=True)


@dataclass(frozen=True)
class Quantised:
    """One checkpoint."""

    name: str
    shape: Speck
    coding: Callable[[str], Coding | None]  # by the module's name; None for a matrix that stays bf16
    config: Callable[[Speck], dict] | None  # quantization_config
    separate: Callable[[Speck], dict] | None = None  # hf_quant_config.json
    extra: Callable[[Speck], dict[str, list[int]]] = field(default=lambda s: {})  # F32 tensors beside, with their shapes


def every(coding: Coding) -> Callable[[str], Coding | None]:
    """All linear layers of attention and MLPs."""
    return lambda module: coding if LINEAR.search(module) else None


def layers(s: Speck) -> range:
    return range(s.num_hidden_layers + s.num_nextn_predict_layers)


def moe(s: Speck) -> range:
    return range(s.first_k_dense_replace, s.num_hidden_layers + s.num_nextn_predict_layers)


# -- quant_method fp8


def deepseek(block: tuple[int, int], **more) -> dict:
    return {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8", **more, "weight_block_size": list(block)}


def not_converted(s: Speck) -> list[str]:
    """What Qwen3's FP8 files list, by layer number."""
    names = [[f"model.layers.{i}.input_layernorm", f"model.layers.{i}.post_attention_layernorm"] for i in layers(s)]
    for i in moe(s):
        names[i].insert(1, f"model.layers.{i}.mlp.gate")
    return ["lm_head", *(name for part in names for name in part)]


FIRST_ATTENTION = [f"model.layers.0.self_attn.{part}_proj" for part in "qkvo"]
F32_BLOCKS = Fp8((128, 128), "F32", "weight_scale_inv")
BLOCKS_32 = Fp8((32, 32), "F32-power", "weight_scale_inv")


def blocks_32(module: str) -> Coding | None:
    """As DeepSeek-V3.1: scale_fmt is ue8m0, scales are float32 and those of o_proj no powers of two."""
    if module.endswith("o_proj"):
        return replace(BLOCKS_32, scales="F32")
    return BLOCKS_32 if LINEAR.search(module) else None


def bf16_blocks(module: str) -> Coding | None:
    return None if module in FIRST_ATTENTION else every(Fp8((128, 128), "BF16", "weight_scale_inv"))(module)


def kv_scales(names: str) -> Callable[[Speck], dict[str, list[int]]]:
    """Scales of an FP8 KV cache, `k` or `v` in place of `*`."""
    return lambda s: {f"model.layers.{i}.self_attn.{names.replace('*', kv)}": [] for i in layers(s) for kv in "kv"}


# -- compressed-tensors


def weights(bits: int, strategy: str, **more) -> dict:
    args = {"actorder": None, "block_structure": None, "dynamic": False, "group_size": None, "num_bits": bits}
    args |= {"observer": "minmax", "observer_kwargs": {}, "strategy": strategy, "symmetric": True, "type": "float"}
    return args | more


def inputs(bits: int, strategy: str, **more) -> dict:
    return weights(bits, strategy, dynamic=True, observer=None) | more


def compressed(form: str, ignore: list[str], *groups: dict) -> dict:
    return {
        "config_groups": {f"group_{i}": {"output_activations": None, "targets": ["Linear"]} | group for i, group in enumerate(groups)},
        "format": form,
        "global_compression_ratio": None,
        "ignore": ignore,
        "kv_cache_scheme": None,
        "quant_method": "compressed-tensors",
        "quantization_status": "compressed",
    }


def glm_ignore(s: Speck) -> list[str]:
    """GLM-4.5-Air-FP8's list: biases as if they were modules, and no `shared_head.head`, though it is bf16."""
    names = ["lm_head", "model.embed_tokens", "model.norm"]
    for i in layers(s):
        layer = f"model.layers.{i}"
        names += [f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm"]
        names += [f"{layer}.self_attn.{part}_proj.bias" for part in "qkv"] if s.attention_bias else []
        if i >= s.first_k_dense_replace:
            names += [f"{layer}.mlp.gate", f"{layer}.mlp.gate.e_score_correction_bias"]
    if s.num_nextn_predict_layers:
        names += [f"{layer}.{part}" for part in ("embed_tokens", "eh_proj", "enorm", "hnorm", "shared_head.norm")]
    return names


def ct_ignore(s: Speck) -> list[str]:
    """llm-compressor's own: the linear modules that it left alone."""
    extra = [f"model.layers.{s.num_hidden_layers}.eh_proj"] if s.num_nextn_predict_layers else []
    return ["lm_head", *(f"model.layers.{i}.mlp.gate" for i in moe(s)), *extra]


CHANNEL = {"weights": weights(8, "channel"), "input_activations": inputs(8, "token")}
FP4_16 = dict(group_size=16, scale_dtype="torch.float8_e4m3fn", zp_dtype="torch.float8_e4m3fn")
FP4_32 = dict(group_size=32, scale_dtype="torch.uint8", zp_dtype="torch.uint8")
FP8_32 = FP4_32
CT_MIXED = (
    CHANNEL | {"format": "float-quantized", "targets": ["re:.*self_attn.*", "re:.*shared_experts.*", "re:.*layers.0.mlp.*"]},
    {"format": "mxfp4-pack-quantized", "targets": [r"re:.*mlp\.experts\.\d+\..*"], "weights": weights(4, "group", **FP4_32), "input_activations": None},
)


def mixed_ct(module: str) -> Coding | None:
    """Routed experts in MXFP4, the rest per channel."""
    return every(Mxfp4() if ROUTED.search(module) else Fp8((1, WHOLE), "BF16", "weight_scale"))(module)


# -- ModelOpt

PRODUCER = {"name": "modelopt", "version": "0.39.0"}


def hf_quant(algo: str, exclude: Callable[[Speck], list[str]], kv: str | None, **more) -> Callable[[Speck], dict]:
    return lambda s: {
        "producer": PRODUCER,
        "quantization": {"quant_algo": algo, "kv_cache_quant_algo": kv, **more, "exclude_modules": exclude(s)},
    }


def globs(s: Speck) -> list[str]:
    return ["*self_attn*", "lm_head", *(f"model.layers.{i}.mlp.gate" for i in moe(s)), f"model.layers.{s.num_hidden_layers}*"]


def attention_stays(module: str) -> Coding | None:
    """NVFP4 for MLPs of the main model; attention and the MTP layer are bf16."""
    mtp = module.startswith(f"model.layers.{PLAIN.num_hidden_layers}.")
    return None if "self_attn" in module or mtp else every(Nvfp4(modelopt=True))(module)


def mixed_modelopt(module: str) -> Coding | None:
    """NVFP4 without rounding inputs for routed experts, FP8 per tensor elsewhere."""
    routed = bool(ROUTED.search(module))
    return every(Nvfp4(modelopt=True, inputs=False) if routed else Fp8((WHOLE, WHOLE), "F32", "weight_scale", flat="scalar", inputs=True))(module)


def quantised_layers(s: Speck) -> dict:
    """`quantized_layers` of MIXED_PRECISION: every module by name."""
    named = {}
    for i in layers(s):
        layer = f"model.layers.{i}"
        named |= {f"{layer}.self_attn.{part}_proj": {"quant_algo": "FP8"} for part in "qkvo"}
        parts = ("gate_proj", "up_proj", "down_proj")
        if i < s.first_k_dense_replace:
            named |= {f"{layer}.mlp.{part}": {"quant_algo": "FP8"} for part in parts}
            continue
        named |= {f"{layer}.mlp.shared_experts.{part}": {"quant_algo": "FP8"} for part in parts}
        for e in range(s.n_routed_experts):
            named |= {f"{layer}.mlp.experts.{e}.{part}": {"quant_algo": "W4A16_NVFP4", "group_size": 16} for part in parts}
    return named


def modelopt(algo: str, **more) -> dict:
    return {"quant_method": "modelopt", "quant_algo": algo, **more, "producer": PRODUCER}


MODELS = (
    Quantised("glm-fp8-block", replace(CUT_132, sharded=True), every(F32_BLOCKS), lambda s: deepseek((128, 128))),
    Quantised("glm-fp8-block-32", CUT_72, blocks_32, lambda s: deepseek((32, 32), scale_fmt="ue8m0")),
    Quantised(
        "glm-fp8-block-bf16",
        CUT_200,
        bf16_blocks,
        lambda s: deepseek((128, 128), modules_to_not_convert=sorted([*not_converted(s), *FIRST_ATTENTION])),
    ),
    Quantised(
        "glm-fp8-block-ue8m0",
        replace(CUT_132, num_nextn_predict_layers=0),
        every(Fp8((128, 128), "F8_E8M0", "weight_scale_inv")),
        lambda s: deepseek((128, 128), modules_to_not_convert=["lm_head"], scale_fmt="ue8m0"),
    ),
    Quantised(
        "glm-fp8-tensor",  # as vLLM's "fp8" files with static activations
        SMALL,
        every(Fp8((WHOLE, WHOLE), "F32", "weight_scale", flat="one", inputs=True)),
        lambda s: {"activation_scheme": "static", "ignored_layers": ["lm_head"], "kv_cache_scheme": "static", "quant_method": "fp8"},
        extra=kv_scales("*_scale"),
    ),
    Quantised(
        "glm-fp8-e5m2",
        SMALL,
        every(Fp8((WHOLE, WHOLE), "F32", "weight_scale", codes="E5M2", flat="scalar")),
        lambda s: {"activation_scheme": "dynamic", "fmt": "e5m2", "ignored_layers": ["lm_head"], "quant_method": "fp8"},
    ),
    Quantised(
        "glm-mxfp8",  # as MiniMax-M3-MXFP8
        PLAIN,
        every(Fp8((1, 32), "U8", "weight_scale_inv", way="floor")),
        lambda s: {
            "activation_scheme": "dynamic",
            "ignored_layers": ["lm_head", "model.embed_tokens", *(f"model.layers.{i}.mlp.gate" for i in moe(s)), f"model.layers.{s.num_hidden_layers}.eh_proj"],
            "quant_method": "mxfp8",
            "weight_block_size": [1, 32],
        },
    ),
    Quantised(
        "glm-ct-fp8-channel",  # as GLM-4.5-Air-FP8
        replace(PLAIN, own_mtp_head=True),
        every(Fp8((1, WHOLE), "F32", "weight_scale")),
        lambda s: compressed("float-quantized", glm_ignore(s), CHANNEL),
    ),
    Quantised(
        "glm-ct-fp8-block",  # as GLM-4.6-FP8-BLOCK
        CUT_200,
        every(Fp8((128, 128), "BF16", "weight_scale")),
        lambda s: compressed(
            "float-quantized",
            ct_ignore(s),
            {"weights": weights(8, "block", block_structure=[128, 128]), "input_activations": inputs(8, "group", group_size=128)},
        ),
    ),
    Quantised(
        "glm-ct-mxfp8",
        replace(SMALL, head_dim=32),
        every(Fp8((1, 32), "U8", "weight_scale", way="floor")),
        lambda s: compressed("mxfp8-quantized", ct_ignore(s), {"weights": weights(8, "group", **FP8_32), "input_activations": inputs(8, "group", **FP8_32)}),
    ),
    Quantised(
        "glm-ct-mxfp4",
        PLAIN,
        every(Mxfp4()),
        lambda s: compressed("mxfp4-pack-quantized", ct_ignore(s), {"weights": weights(4, "group", **FP4_32), "input_activations": None}),
    ),
    Quantised(
        "glm-ct-nvfp4",
        PLAIN,
        every(Nvfp4(modelopt=False)),
        lambda s: compressed(
            "nvfp4-pack-quantized",
            ct_ignore(s),
            {"weights": weights(4, "tensor_group", **FP4_16), "input_activations": inputs(4, "tensor_group", **FP4_16, dynamic="local", observer="static_minmax")},
        ),
    ),
    Quantised("glm-ct-mixed", PLAIN, mixed_ct, lambda s: compressed("mixed-precision", ct_ignore(s), *CT_MIXED)),
    Quantised(
        "glm-modelopt-fp8-channel",
        SMALL,
        every(Fp8((1, WHOLE), "F32", "weight_scale", flat="row")),
        lambda s: modelopt("FP8_PER_CHANNEL_PER_TOKEN", ignore=ct_ignore(s)),
        hf_quant("FP8_PER_CHANNEL_PER_TOKEN", ct_ignore, None),
    ),
    Quantised(
        "glm-modelopt-nvfp4",  # an older export: only the separate file tells
        PLAIN,
        attention_stays,
        None,
        hf_quant("NVFP4", globs, "FP8", group_size=16),
        extra=kv_scales("*_proj.*_scale"),
    ),
    Quantised(
        "glm-modelopt-mixed",
        replace(PLAIN, sharded=True),
        mixed_modelopt,
        lambda s: modelopt("MIXED_PRECISION", ignore=[], quantized_layers=quantised_layers(s)),
        lambda s: {
            "producer": PRODUCER,
            "quantization": {"quant_algo": "MIXED_PRECISION", "kv_cache_quant_algo": None, "quantized_layers": quantised_layers(s), "exclude_modules": []},
        },
    ),
)
