"""The `glm4_moe` architecture with its MTP layer, in a form that trains fast at this size.

transformers' class computes the experts one by one; with 96 columns an expert, a GPU then spends all its time
on launches. Here all experts are one wide matrix product, and the parts that were not selected are multiplied
by zero: eight times the arithmetic, a tenth of the time. `state()` writes the tensors under the names of
the GLM-4.5 release; golden.py and evaluate.py then read the files with transformers' own class.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes and options of the model, with the names of the Hugging Face config."""

    vocab_size: int = 2048
    hidden_size: int = 192
    intermediate_size: int = 512
    moe_intermediate_size: int = 96
    num_hidden_layers: int = 6
    num_attention_heads: int = 6
    num_key_value_heads: int = 2
    head_dim: int = 32
    first_k_dense_replace: int = 1
    n_routed_experts: int = 16
    num_experts_per_tok: int = 2
    n_shared_experts: int = 1
    routed_scaling_factor: float = 1.5
    rms_norm_eps: float = 1e-5
    max_position_embeddings: int = 2048
    rope_theta: float = 10000.0
    partial_rotary_factor: float = 0.5

    def config(self, eos: int) -> dict:
        """`config.json` in the spelling of transformers 5."""
        sizes = asdict(self)
        rope = {"rope_type": "default"} | {k: sizes.pop(k) for k in ("rope_theta", "partial_rotary_factor")}
        fixed = {
            "architectures": ["Glm4MoeForCausalLM"],
            "model_type": "glm4_moe",
            "attention_bias": False,
            "attention_dropout": 0.0,
            "dtype": "bfloat16",
            "eos_token_id": eos,
            "pad_token_id": eos,
            "hidden_act": "silu",
            "initializer_range": 0.02,
            "n_group": 1,
            "topk_group": 1,
            "norm_topk_prob": True,
            "num_nextn_predict_layers": 1,
            "rope_parameters": rope,
            "tie_word_embeddings": False,
            "use_cache": True,
            "use_qk_norm": True,
            "transformers_version": "5.17.0",
        }
        return dict(sorted((fixed | sizes).items()))


class RmsNorm(nn.Module):
    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def matrix(rows: int, columns: int, scale: float = 1.0) -> nn.Linear:
    linear = nn.Linear(columns, rows, bias=False)
    nn.init.normal_(linear.weight, std=0.6 * scale / columns**0.5)
    return linear


def rope_tables(shape: Shape, positions: int, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """cos and sin [positions, rotated dims], the two halves alike."""
    rotated = int(shape.head_dim * shape.partial_rotary_factor)
    frequencies = 1.0 / shape.rope_theta ** (torch.arange(0, rotated, 2, device=device).float() / rotated)
    angles = torch.arange(positions, device=device).float()[:, None] * frequencies
    return torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [B, heads, S, head_dim]: rotates the first dims of each head, half against half."""
    turned, kept = x[..., : cos.shape[-1]], x[..., cos.shape[-1] :]
    low, high = turned.chunk(2, -1)
    return torch.cat([turned * cos + torch.cat([-high, low], -1) * sin, kept], -1)


class Attention(nn.Module):
    def __init__(self, s: Shape, out_scale: float) -> None:
        super().__init__()
        self.shape = s
        self.q_proj = matrix(s.num_attention_heads * s.head_dim, s.hidden_size)
        self.k_proj = matrix(s.num_key_value_heads * s.head_dim, s.hidden_size)
        self.v_proj = matrix(s.num_key_value_heads * s.head_dim, s.hidden_size)
        self.o_proj = matrix(s.hidden_size, s.num_attention_heads * s.head_dim, out_scale)
        self.q_norm = RmsNorm(s.head_dim, s.rms_norm_eps)
        self.k_norm = RmsNorm(s.head_dim, s.rms_norm_eps)

    def heads(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, S, hidden] -> q, k, v [B, heads, S, head_dim], keys and values repeated to all heads."""
        s = self.shape
        split = lambda y: y.unflatten(-1, (-1, s.head_dim)).transpose(1, 2)  # noqa: E731
        v = split(self.v_proj(x))
        q = rotate(self.q_norm(split(self.q_proj(x))), cos, sin).to(v.dtype)
        k = rotate(self.k_norm(split(self.k_proj(x))), cos, sin).to(v.dtype)
        group = s.num_attention_heads // s.num_key_value_heads
        return q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)

    def output(self, mixed: Tensor) -> Tensor:
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class DenseMlp(nn.Module):
    def __init__(self, s: Shape, width: int, out_scale: float) -> None:
        super().__init__()
        self.gate_proj = matrix(width, s.hidden_size)
        self.up_proj = matrix(width, s.hidden_size)
        self.down_proj = matrix(s.hidden_size, width, out_scale)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x)), None


class SparseMlp(nn.Module):
    """Sigmoid router with a selection bias, `num_experts_per_tok` experts a row, and a shared expert."""

    def __init__(self, s: Shape, out_scale: float) -> None:
        super().__init__()
        self.shape = s
        experts, width, hidden = s.n_routed_experts, s.moe_intermediate_size, s.hidden_size
        self.gate = matrix(experts, hidden)
        self.register_buffer("bias", torch.zeros(experts))
        self.gate_proj = nn.Parameter(torch.randn(experts, width, hidden) * 0.6 / hidden**0.5)
        self.up_proj = nn.Parameter(torch.randn(experts, width, hidden) * 0.6 / hidden**0.5)
        self.down_proj = nn.Parameter(torch.randn(experts, hidden, width) * 0.6 * out_scale / width**0.5)
        self.shared_experts = DenseMlp(s, width * s.n_shared_experts, out_scale)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, S, hidden] -> the sum of experts, and how many rows chose each expert [experts]."""
        s = self.shape
        with torch.autocast(x.device.type, enabled=False):
            scores = F.linear(x.float(), self.gate.weight.float()).sigmoid()
            chosen = torch.topk(scores.detach() + self.bias, s.num_experts_per_tok, dim=-1).indices
            selected = (chosen[..., None] == torch.arange(s.n_routed_experts, device=x.device)).any(-2)
            weights = scores * selected
            weights = s.routed_scaling_factor * weights / (weights.sum(-1, keepdim=True) + 1e-20)
        inner = F.silu(F.linear(x, self.gate_proj.flatten(0, 1))) * F.linear(x, self.up_proj.flatten(0, 1))
        inner = inner.unflatten(-1, (s.n_routed_experts, -1)) * weights.to(inner.dtype)[..., None]
        routed = F.linear(inner.flatten(-2), self.down_proj.transpose(0, 1).flatten(1))
        return routed + self.shared_experts(x)[0], selected.float().sum((0, 1))


class Layer(nn.Module):
    def __init__(self, s: Shape, index: int) -> None:
        super().__init__()
        out_scale = (2 * s.num_hidden_layers) ** -0.5
        self.input_layernorm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.self_attn = Attention(s, out_scale)
        self.post_attention_layernorm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        dense = index < s.first_k_dense_replace
        self.mlp = DenseMlp(s, s.intermediate_size, out_scale) if dense else SparseMlp(s, out_scale)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Plain causal layer -> output, expert loads, and its keys and values for a later chain."""
        q, k, v = self.self_attn.heads(self.input_layernorm(x), cos, sin)
        x = x + self.self_attn.output(F.scaled_dot_product_attention(q, k, v, is_causal=True))
        y, load = self.mlp(self.post_attention_layernorm(x))
        return x + y, load, k, v

    def chained(self, x: Tensor, cos: Tensor, sin: Tensor, first: tuple[Tensor, Tensor], chain: list[tuple[Tensor, Tensor]]):
        """A later chain step: see `chain_attention`; -> output, expert loads, own keys and values."""
        q, k, v = self.self_attn.heads(self.input_layernorm(x), cos, sin)
        x = x + self.self_attn.output(chain_attention(q, first, [*chain, (k, v)]))
        y, load = self.mlp(self.post_attention_layernorm(x))
        return x + y, load, k, v


def chain_attention(q: Tensor, first: tuple[Tensor, Tensor], chain: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Attention of chain step j = len(chain) + 1 for all rows at once, exactly as drafting runs it.

    Row p sees the rows 0 .. p-len(chain) of the first step (those of accepted tokens) and then one row of
    each chain step: p - len(chain) + 1 of the second step, ..., p of its own.
    """
    k1, v1 = first
    steps, rows = len(chain), q.shape[2]
    scale = q.shape[-1] ** -0.5
    index = torch.arange(rows, device=q.device)
    visible = index[None, :] <= index[:, None] - steps
    scores = (q @ k1.transpose(2, 3)).float() * scale
    scores = scores.masked_fill(~visible, float("-inf"))
    moved = [(shifted(k, steps - 1 - i), shifted(v, steps - 1 - i)) for i, (k, v) in enumerate(chain)]
    extra = torch.stack([(q * k).float().sum(-1) * scale for k, _ in moved], -1)
    top = torch.maximum(scores.amax(-1), extra.amax(-1))[..., None]
    weights, extra = (scores - top).exp(), (extra - top).exp()
    total = weights.sum(-1, keepdim=True) + extra.sum(-1, keepdim=True)
    mixed = (weights / total).to(v1.dtype) @ v1
    for i, (_, v) in enumerate(moved):
        mixed = mixed + (extra[..., i : i + 1] / total).to(v.dtype) * v
    return mixed


def shifted(rows: Tensor, by: int) -> Tensor:
    """Row p of the result is row p - by (zeros before the start); rows are dimension -2."""
    return F.pad(rows, (0, 0, by, 0))[..., : rows.shape[-2], :] if by else rows


class Mtp(nn.Module):
    """One MTP layer: row p pairs the hidden state of p with token p+1 and predicts token p+2."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.enorm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.hnorm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.eh_proj = matrix(s.hidden_size, 2 * s.hidden_size)
        self.layer = Layer(s, s.num_hidden_layers)
        self.head_norm = RmsNorm(s.hidden_size, s.rms_norm_eps)

    def forward(self, hidden: Tensor, embedded: Tensor, cos: Tensor, sin: Tensor, steps: int) -> tuple[list[Tensor], list[Tensor]]:
        """hidden [B, S, D] of rows p, embedded [B, S, D] of tokens p+1 -> normed output of each step, loads.

        Step j > 1 of row p reads step j-1's output of row p-1: that row guessed token p+1, and here the
        guess was right. Rows p < j-1 of step j have no such row and mean nothing.
        """
        outputs, loads, chain, first = [], [], [], None
        for step in range(steps):
            x = self.eh_proj(torch.cat([self.enorm(embedded), self.hnorm(hidden)], -1))
            if first is None:
                y, load, *first = self.layer(x, cos, sin)
            else:
                y, load, k, v = self.layer.chained(x, cos, sin, tuple(first), chain)
                chain.append((k, v))
            y = self.head_norm(y)
            outputs.append(y)
            loads.append(load)
            hidden = shifted(y, 1)
        return outputs, loads


class Model(nn.Module):
    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.shape = s
        self.embed_tokens = nn.Embedding(s.vocab_size, s.hidden_size)
        nn.init.normal_(self.embed_tokens.weight, std=0.1)
        self.layers = nn.ModuleList(Layer(s, i) for i in range(s.num_hidden_layers))
        self.norm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.lm_head = matrix(s.vocab_size, s.hidden_size)
        self.mtp = Mtp(s)

    def hidden(self, ids: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, list[Tensor]]:
        """ids [B, S] -> states after the final norm, expert loads of the MoE layers."""
        x, loads = self.embed_tokens(ids), []
        for layer in self.layers:
            x, load, _, _ = layer(x, cos, sin)
            if load is not None:
                loads.append(load)
        return self.norm(x), loads

    def routers(self) -> list[SparseMlp]:
        return [layer.mlp for layer in (*self.layers, self.mtp.layer) if isinstance(layer.mlp, SparseMlp)]

    # ---- files

    def renamed(self) -> dict[str, Tensor]:
        """Views of all tensors under the names that checkpoint files use."""
        last = f"model.layers.{self.shape.num_hidden_layers}"
        result = {}
        for name, tensor in self.state_dict().items():
            if name == "lm_head.weight":
                result[name] = tensor
                continue
            name = name.replace("mtp.layer.", f"{last.removeprefix('model.')}.").replace("mtp.head_norm", f"{last.removeprefix('model.')}.shared_head.norm")
            name = "model." + name.replace("mtp.", f"{last.removeprefix('model.')}.")
            head, _, leaf = name.rpartition(".")
            if leaf == "bias":
                result[f"{head}.gate.e_score_correction_bias"] = tensor
            elif tensor.dim() == 3:
                for expert in range(tensor.shape[0]):
                    result[f"{head}.experts.{expert}.{leaf}.weight"] = tensor[expert]
            else:
                result[name] = tensor
        return result

    def state(self) -> dict[str, Tensor]:
        """What is stored: bfloat16, but the router's selection bias in float32."""
        return {
            name: t.detach().cpu().to(torch.float32 if name.endswith("e_score_correction_bias") else torch.bfloat16).contiguous()
            for name, t in self.renamed().items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Reads tensors by their names in files into this model."""
        own = self.renamed()
        assert own.keys() == tensors.keys(), own.keys() ^ tensors.keys()
        for name, view in own.items():
            view.copy_(tensors[name])
