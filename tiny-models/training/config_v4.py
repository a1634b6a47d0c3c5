"""`config.json` of a `deepseek_v4` checkpoint with DeepSeek's keys."""

from __future__ import annotations

KINDS = {"swa": "sliding_attention", "csa": "compressed_sparse_attention", "hca": "heavily_compressed_attention"}
COPIED = (
    "vocab_size hidden_size moe_intermediate_size num_attention_heads head_dim qk_rope_head_dim q_lora_rank o_groups "
    "o_lora_rank n_routed_experts num_experts_per_tok routed_scaling_factor swiglu_limit sliding_window index_n_heads "
    "index_head_dim index_topk hc_mult hc_sinkhorn_iters hc_eps rms_norm_eps rope_theta compress_rope_theta "
    "num_hash_layers num_nextn_predict_layers max_position_embeddings eos_token_id"
).split()


def ratio(s, kind: str) -> int:
    return {"swa": 0, "csa": s.csa, "hca": s.hca}[kind]


def release_config(s) -> dict:
    """`s`: a shape with the fields of COPIED, `layers` (swa, csa or hca), `csa`, `hca`, `yarn` and `dtype`.

    transformers knows only the ratios 0, 4 and 128 in `compress_ratios`. With others it needs `layer_types` and
    `compress_rates`, which then stand beside them and say the same.
    """
    ratios = [ratio(s, kind) for kind in s.layers]
    config = {name: getattr(s, name) for name in COPIED} | {
        "architectures": ["DeepseekV4ForCausalLM"],
        "model_type": "deepseek_v4",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "compress_ratios": ratios + [0] * s.num_nextn_predict_layers,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "n_shared_experts": 1,
        "norm_topk_prob": True,
        "num_hidden_layers": len(s.layers),
        "num_key_value_heads": 1,
        "rope_scaling": {"type": "yarn", **s.yarn} if s.yarn else None,
        "scoring_func": "sqrtsoftplus",
        "tie_word_embeddings": False,
        "topk_method": "noaux_tc",
        "torch_dtype": s.dtype,
        "transformers_version": "4.57.1",
        "use_cache": True,
    }
    if not set(ratios) <= {0, 4, 128}:
        config["layer_types"] = [KINDS[kind] for kind in s.layers]
        config["compress_rates"] = {KINDS["csa"]: s.csa, KINDS["hca"]: s.hca}
    return dict(sorted(config.items()))
