"""Tensor names of a `deepseek_v4` checkpoint: DeepSeek's release and transformers' own modules."""

from __future__ import annotations

import re

import torch
from torch import Tensor

TOP = {
    "embed.weight": "model.embed_tokens.weight",
    "head.weight": "lm_head.weight",
    "norm.weight": "model.norm.weight",
    "hc_head_fn": "model.hc_head.hc_fn",
    "hc_head_base": "model.hc_head.hc_base",
    "hc_head_scale": "model.hc_head.hc_scale",
}
# Of a layer; an indexer's names first, since they contain those of a compressor.
LEAVES = (
    ("attn.indexer.compressor.wkv", "self_attn.compressor.indexer.kv_proj"),
    ("attn.indexer.compressor.wgate", "self_attn.compressor.indexer.gate_proj"),
    ("attn.indexer.compressor.ape", "self_attn.compressor.indexer.position_bias"),
    ("attn.indexer.compressor.norm", "self_attn.compressor.indexer.kv_norm"),
    ("attn.indexer.weights_proj", "self_attn.compressor.indexer.scorer.weights_proj"),
    ("attn.indexer.wq_b", "self_attn.compressor.indexer.q_b_proj"),
    ("attn.compressor.wkv", "self_attn.compressor.kv_proj"),
    ("attn.compressor.wgate", "self_attn.compressor.gate_proj"),
    ("attn.compressor.ape", "self_attn.compressor.position_bias"),
    ("attn.compressor.norm", "self_attn.compressor.kv_norm"),
    ("attn.wq_a", "self_attn.q_a_proj"),
    ("attn.q_norm", "self_attn.q_a_norm"),
    ("attn.wq_b", "self_attn.q_b_proj"),
    ("attn.wkv", "self_attn.kv_proj"),
    ("attn.kv_norm", "self_attn.kv_norm"),
    ("attn.wo_a", "self_attn.o_a_proj"),
    ("attn.wo_b", "self_attn.o_b_proj"),
    ("attn.attn_sink", "self_attn.sinks"),
    ("attn_norm", "input_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("hc_attn_", "attn_hc."),
    ("hc_ffn_", "ffn_hc."),
    ("ffn.gate.bias", "mlp.gate.e_score_correction_bias"),
    ("ffn.gate.", "mlp.gate."),
    ("ffn.shared_experts.w1", "mlp.shared_experts.gate_proj"),
    ("ffn.shared_experts.w2", "mlp.shared_experts.down_proj"),
    ("ffn.shared_experts.w3", "mlp.shared_experts.up_proj"),
    ("ffn.experts.", "mlp.experts."),
)


def layer_name(leaf: str) -> str:
    """The name inside a layer of the release -> the name inside transformers' decoder layer."""
    for release, own in LEAVES:
        if leaf.startswith(release):
            return own + leaf.removeprefix(release)
    raise ValueError(f"{leaf} is no tensor of a layer")


def to_transformers(name: str) -> str:
    if name in TOP:
        return TOP[name]
    layer = re.fullmatch(r"layers\.(\d+)\.(.+)", name)
    if not layer:
        raise ValueError(f"{name} is no tensor of the main model")
    return f"model.layers.{layer[1]}.{layer_name(layer[2])}"


def experts_stacked(tensors: dict[str, Tensor], experts: int) -> dict[str, Tensor]:
    """One matrix an expert, `…experts.E.w1.weight` -> the stacked ones of transformers' modules."""
    result = {name: t for name, t in tensors.items() if ".experts." not in name}
    for prefix in sorted({name.split(".experts.")[0] + ".experts." for name in tensors if ".experts." in name}):
        part = lambda e, which: tensors[f"{prefix}{e}.{which}.weight"]  # noqa: E731
        result[prefix + "gate_up_proj"] = torch.stack([torch.cat([part(e, "w1"), part(e, "w3")]) for e in range(experts)])
        result[prefix + "down_proj"] = torch.stack([part(e, "w2") for e in range(experts)])
    return result
