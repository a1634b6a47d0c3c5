"""The `deepseek_v4` architecture with its MTP layer, in a form that trains fast at this size.

It computes what transformers' class computes (`evaluate_v4.py` asserts it), in other steps: all experts are one
wide matrix product whose unselected parts are multiplied by zero; windows are computed block by block, each block
of W queries against its own and the block before; `sinkhorn.py` normalises the mixing matrices in one kernel. And
it adds what transformers lacks: a loss from which the indexer learns. Selecting entries has no gradient. As in
DeepSeek-V3.2 ("DeepSeek Sparse Attention"), the indexer learns to predict where the heads look if they may
look at all entries.

`state()` writes the tensors under the names of DeepSeek's release.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from config_v4 import ratio
from model import RmsNorm, matrix, shifted
from sinkhorn import sinkhorn

FLOAT32 = ("attn_sink", "ape", "gate.bias")  # and all of hc_*, whatever the checkpoint's dtype is


@dataclass(frozen=True)
class Shape:
    """The sizes and options of the model, with the names of DeepSeek's config.json."""

    layers: tuple[str, ...] = ("swa", "csa", "hca", "csa", "hca", "csa")
    csa: int = 4
    hca: int = 16
    num_hash_layers: int = 1
    vocab_size: int = 2048
    hidden_size: int = 192
    moe_intermediate_size: int = 64
    num_attention_heads: int = 16
    head_dim: int = 48
    qk_rope_head_dim: int = 16
    q_lora_rank: int = 96
    o_groups: int = 4
    o_lora_rank: int = 48
    n_routed_experts: int = 16
    num_experts_per_tok: int = 2
    routed_scaling_factor: float = 1.5
    swiglu_limit: float = 7.0
    sliding_window: int = 64
    index_n_heads: int = 16
    index_head_dim: int = 32
    index_topk: int = 32
    hc_mult: int = 4
    hc_sinkhorn_iters: int = 20
    hc_eps: float = 1e-6
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10000.0
    compress_rope_theta: float = 40000.0
    yarn: dict = field(
        default_factory=lambda: {"factor": 4, "original_max_position_embeddings": 1024, "beta_fast": 32, "beta_slow": 1}
    )
    num_nextn_predict_layers: int = 1
    max_position_embeddings: int = 4096
    eos_token_id: int = 0
    dtype: str = "bfloat16"

    def unit(self) -> int:
        """Rows of a batch have a multiple of this many tokens."""
        return math.lcm(self.sliding_window, self.csa, self.hca)


# ---- positions


def frequencies(theta: float, dims: int, yarn: dict | None) -> Tensor:
    """Inverse frequencies [dims / 2], in float32 as transformers computes them."""
    powers = theta ** (torch.arange(0, dims, 2).float() / dims)
    if not yarn:
        return 1.0 / powers
    turns = lambda beta: dims * math.log(yarn["original_max_position_embeddings"] / (beta * 2 * math.pi)) / (2 * math.log(theta))  # noqa: E731
    low, high = max(math.floor(turns(yarn["beta_fast"])), 0), min(math.ceil(turns(yarn["beta_slow"])), dims - 1)
    ramp = ((torch.arange(dims // 2).float() - low) / (high - low if high != low else 0.001)).clamp(0, 1)
    kept = 1 - ramp
    return 1.0 / (yarn["factor"] * powers) * (1 - kept) + 1.0 / powers * kept


Tables = dict[str, tuple[Tensor, Tensor]]


def rope_tables(s: Shape, positions: int, device: torch.device | str) -> Tables:
    """cos and sin [positions, dims / 2] of layers with a window alone (`main`) and of those that compress."""
    at = torch.arange(positions).float()[:, None]
    kinds = {"main": (s.rope_theta, None), "compress": (s.compress_rope_theta, s.yarn)}
    angles = {kind: at * frequencies(theta, s.qk_rope_head_dim, yarn) for kind, (theta, yarn) in kinds.items()}
    return {kind: (a.cos().to(device), a.sin().to(device)) for kind, a in angles.items()}


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates neighbours (2i, 2i+1) among the last columns of x; cos and sin broadcast to x."""
    kept, turned = x[..., : -2 * cos.shape[-1]], x[..., -2 * cos.shape[-1] :].float().unflatten(-1, (-1, 2))
    a, b = turned.unbind(-1)
    return torch.cat([kept.float(), torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)], -1)


# ---- hyper-connections


class Mixing(nn.Module):
    """`fn`, `base` and `scale`: what streams [B, S, n, d] say about how to mix them."""

    def __init__(self, s: Shape, rows: int, scales: int) -> None:
        super().__init__()
        self.eps = s.rms_norm_eps
        self.fn = nn.Parameter(torch.randn(rows, s.hc_mult * s.hidden_size) * 0.25 / (s.hc_mult * s.hidden_size) ** 0.5)
        self.base = nn.Parameter(torch.zeros(rows))
        self.scale = nn.Parameter(torch.ones(scales))

    def mixes(self, streams: Tensor) -> Tensor:
        flat = streams.flatten(2).float()
        with torch.autocast(streams.device.type, enabled=False):
            return F.linear(flat, self.fn) * torch.rsqrt(flat.square().mean(-1, keepdim=True) + self.eps)


class HyperConnection(Mixing):
    def __init__(self, s: Shape) -> None:
        super().__init__(s, (2 + s.hc_mult) * s.hc_mult, 3)
        self.shape = s
        n = s.hc_mult
        with torch.no_grad():  # streams differ from the start, and mostly keep what they hold
            self.base[: 2 * n] = torch.randn(2 * n) * 0.5
            self.base[2 * n :] = (2.0 * torch.eye(n)).flatten()

    def forward(self, streams: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> the collapsed streams [B, S, d], post [B, S, n], comb [B, S, n, n]."""
        s, n = self.shape, self.shape.hc_mult
        m, base = self.mixes(streams), self.base
        pre = torch.sigmoid(m[..., :n] * self.scale[0] + base[:n]) + s.hc_eps
        post = 2 * torch.sigmoid(m[..., n : 2 * n] * self.scale[1] + base[n : 2 * n])
        logits = (m[..., 2 * n :] * self.scale[2] + base[2 * n :]).unflatten(-1, (n, n))
        return (pre[..., None] * streams).sum(2), post, sinkhorn(logits, s.hc_sinkhorn_iters, s.hc_eps)


def expanded(streams: Tensor, output: Tensor, post: Tensor, comb: Tensor) -> Tensor:
    """X'_k = post_k * output + sum over j of comb[j, k] * X_j."""
    return post[..., None] * output.float().unsqueeze(2) + (comb[..., None] * streams.unsqueeze(3)).sum(2)


class Collapse(Mixing):
    def __init__(self, s: Shape) -> None:
        super().__init__(s, s.hc_mult, 1)
        self.hc_eps = s.hc_eps

    def forward(self, streams: Tensor) -> Tensor:
        pre = torch.sigmoid(self.mixes(streams) * self.scale + self.base) + self.hc_eps
        return (pre[..., None] * streams).sum(2)


# ---- attention


class Compressor(nn.Module):
    def __init__(self, s: Shape, width: int, ratio: int, shares: int) -> None:
        super().__init__()
        self.ratio, self.shares, self.width = ratio, shares, width
        self.wkv = matrix(shares * width, s.hidden_size)
        self.wgate = matrix(shares * width, s.hidden_size)
        self.ape = nn.Parameter(torch.randn(ratio, shares * width) * 0.02)
        self.norm = RmsNorm(width, s.rms_norm_eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x [B, S, hidden] -> entries [B, S / ratio, width]."""
        split = lambda y: y.float().unflatten(1, (-1, self.ratio)).unflatten(-1, (self.shares, self.width))  # noqa: E731
        values, gates = split(self.wkv(x)), split(self.wgate(x)) + self.ape.unflatten(-1, (self.shares, self.width))
        if self.shares == 2:  # the window before gives its first share, this window its second
            before = lambda y, fill: F.pad(y[:, :-1, :, 0], (0, 0, 0, 0, 1, 0), value=fill)  # noqa: E731
            values = torch.cat([before(values, 0.0), values[:, :, :, 1]], 2)
            gates = torch.cat([before(gates, float("-inf")), gates[:, :, :, 1]], 2)
        else:
            values, gates = values[:, :, :, 0], gates[:, :, :, 0]
        mixed = (values * gates.softmax(2)).sum(2)
        return rotate(self.norm(mixed), cos[:: self.ratio], sin[:: self.ratio])


class Indexer(nn.Module):
    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.heads, self.width, self.topk = s.index_n_heads, s.index_head_dim, s.index_topk
        self.wq_b = matrix(self.heads * self.width, s.q_lora_rank)
        self.weights_proj = matrix(self.heads, s.hidden_size)
        self.compressor = Compressor(s, self.width, s.csa, 2)

    def forward(self, x: Tensor, qr: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """-> scores [B, S, entries]."""
        keys = self.compressor(x, cos, sin)
        q = self.wq_b(qr).unflatten(-1, (self.heads, self.width))
        q = rotate(q, cos[:, None], sin[:, None]).to(qr.dtype)
        weights = self.weights_proj(x).float() * (self.heads * self.width) ** -0.5
        hits = torch.einsum("bshd,bed->bhse", q, keys.to(qr.dtype)).float().relu()
        return (hits * weights.transpose(1, 2)[..., None]).sum(1)

    def selected(self, scores: Tensor, visible: Tensor) -> Tensor:
        """Which entries each row keeps: `topk` of the visible ones, or all of them."""
        if scores.shape[-1] <= self.topk:
            return visible.expand(scores.shape)
        scores = scores.masked_fill(~visible, float("-inf"))
        return visible & (scores >= scores.topk(self.topk, dim=-1).values[..., -1:])


class Attention(nn.Module):
    def __init__(self, s: Shape, kind: str, out_scale: float) -> None:
        super().__init__()
        self.shape, self.kind, self.ratio = s, kind, ratio(s, kind)
        self.positions = "compress" if self.ratio else "main"
        self.blind = False  # for measurements: hides all entries
        self.wq_a = matrix(s.q_lora_rank, s.hidden_size)
        self.q_norm = RmsNorm(s.q_lora_rank, s.rms_norm_eps)
        self.wq_b = matrix(s.num_attention_heads * s.head_dim, s.q_lora_rank)
        self.wkv = matrix(s.head_dim, s.hidden_size)
        self.kv_norm = RmsNorm(s.head_dim, s.rms_norm_eps)
        self.wo_a = matrix(s.o_groups * s.o_lora_rank, s.num_attention_heads * s.head_dim // s.o_groups)
        self.wo_b = matrix(s.hidden_size, s.o_groups * s.o_lora_rank, out_scale)
        self.attn_sink = nn.Parameter(torch.zeros(s.num_attention_heads))
        if self.ratio:
            self.compressor = Compressor(s, s.head_dim, self.ratio, 2 if kind == "csa" else 1)
        if kind == "csa":
            self.indexer = Indexer(s)

    def latents(self, x: Tensor, tables: Tables) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, S, hidden] -> q [B, H, S, D], kv [B, S, D], both rotated, and the low-rank query [B, S, rank]."""
        s = self.shape
        cos, sin = tables[self.positions]
        qr = self.q_norm(self.wq_a(x))
        raw = self.wq_b(qr)
        q = raw.float().unflatten(-1, (-1, s.head_dim))
        q = q * torch.rsqrt(q.square().mean(-1, keepdim=True) + s.rms_norm_eps)
        q = rotate(q, cos[:, None], sin[:, None]).to(raw.dtype).transpose(1, 2)
        kv = rotate(self.kv_norm(self.wkv(x)), cos, sin).to(raw.dtype)
        return q, kv, qr.to(raw.dtype)

    def output(self, mixed: Tensor, tables: Tables) -> Tensor:
        """mixed [B, H, S, D] -> [B, S, hidden]: rotated back, projected by groups of heads, then together."""
        s = self.shape
        cos, sin = tables[self.positions]
        mixed = rotate(mixed.transpose(1, 2), cos[:, None], -sin[:, None]).to(mixed.dtype)
        grouped = mixed.flatten(2).unflatten(-1, (s.o_groups, -1))
        low = torch.einsum("bsgi,gri->bsgr", grouped, self.wo_a.weight.unflatten(0, (s.o_groups, -1)).to(grouped.dtype))
        return self.wo_b(low.flatten(2))

    def forward(self, x: Tensor, tables: Tables, everything: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> output [B, S, hidden], kv [B, S, D] for a later chain, and the indexer's loss (0 if there is none).

        `everything`, a truth value on the device: whether the indexer selects nothing yet.
        """
        s = self.shape
        q, kv, qr = self.latents(x, tables)
        scale, length = s.head_dim**-0.5, x.shape[1]
        near, values = window_scores(q, kv, s.sliding_window, 0)
        near = near.float() * scale
        sink = self.attn_sink[:, None, None].expand(*near.shape[:-1], 1)
        loss = torch.zeros((), device=x.device)
        if not self.ratio or self.blind:
            weights = torch.cat([near, sink], -1).softmax(-1)[..., :-1].to(kv.dtype)
            return self.output(window_mix(weights, values), tables), kv, loss
        entries = self.compressor(x, *tables["compress"]).to(kv.dtype)
        far = torch.einsum("bhsd,bed->bhse", q, entries).float() * scale
        complete = (torch.arange(length, device=x.device) + 1) // self.ratio
        visible = (torch.arange(entries.shape[1], device=x.device) < complete[:, None])[None]
        shown = visible
        if self.kind == "csa":
            scores = self.indexer(x.detach(), qr.detach(), *tables["compress"])
            with torch.no_grad():
                shown = self.indexer.selected(scores, visible) | (visible & everything)
                full = torch.cat([near, far.masked_fill(~visible[:, None], float("-inf")), sink], -1).softmax(-1)
                looked = full[..., near.shape[-1] : -1].mean(1)
            expected = scores.masked_fill(~visible, -1e30).log_softmax(-1)
            loss = -(looked * expected).sum(-1).mean()
        far = far.masked_fill(~shown[:, None], float("-inf"))
        weights = torch.cat([near, far, sink], -1).softmax(-1).to(kv.dtype)
        mixed = window_mix(weights[..., : near.shape[-1]], values)
        mixed = mixed + torch.einsum("bhse,bed->bhsd", weights[..., near.shape[-1] : -1], entries)
        return self.output(mixed, tables), kv, loss

    def chained(self, x: Tensor, tables: Tables, first: Tensor, chain: list[Tensor]) -> tuple[Tensor, Tensor]:
        """A later chain step, exactly as drafting runs it -> output, own kv.

        Row p of step j sees the rows of the first step (those of accepted tokens) up to p - j + 1 and then one
        row of each later step: p - j + 2 of the second, ..., p of its own; of all these the last W.
        """
        s = self.shape
        q, kv, _ = self.latents(x, tables)
        chain = [*chain, kv]
        steps, scale = len(chain), s.head_dim**-0.5
        near, values = window_scores(q, first, s.sliding_window, steps)
        moved = [shifted(row, steps - 1 - i) for i, row in enumerate(chain)]
        extra = torch.stack([(q * row[:, None]).float().sum(-1) for row in moved], -1)
        sink = self.attn_sink[:, None, None].expand(*near.shape[:-1], 1)
        weights = torch.cat([near.float() * scale, extra * scale, sink], -1).softmax(-1).to(kv.dtype)
        mixed = window_mix(weights[..., : near.shape[-1]], values)
        for i, row in enumerate(moved):
            mixed = mixed + weights[..., near.shape[-1] + i, None] * row[:, None]
        return self.output(mixed, tables), kv


def window_scores(q: Tensor, kv: Tensor, window: int, skipped: int) -> tuple[Tensor, Tensor]:
    """q [B, H, S, D], kv [B, S, D] -> scores [B, H, S, 2W] of the own block and the one before, and their kv.

    Row p sees rows p - W + 1 .. p - `skipped`; the others have minus infinity.
    """
    blocks = kv.unflatten(1, (-1, window))
    both = torch.cat([F.pad(blocks, (0, 0, 0, 0, 1, 0))[:, :-1], blocks], 2)  # [B, S / W, 2W, D]
    scores = torch.einsum("bhnqd,bnkd->bhnqk", q.unflatten(2, (-1, window)), both)
    i = torch.arange(window, device=q.device)[None, :, None]
    j = torch.arange(2 * window, device=q.device)[None, None, :]
    first = (torch.arange(both.shape[1], device=q.device) == 0)[:, None, None]
    visible = (j > i) & (j <= i + window - skipped) & ~(first & (j < window))
    return scores.masked_fill(~visible, float("-inf")).flatten(2, 3), both


def window_mix(weights: Tensor, both: Tensor) -> Tensor:
    """weights [B, H, S, 2W], kv as `window_scores` returns it -> [B, H, S, D]."""
    return torch.einsum("bhnqk,bnkd->bhnqd", weights.unflatten(2, (both.shape[1], -1)), both).flatten(2, 3)


# ---- experts


def swiglu(gate: Tensor, up: Tensor, limit: float) -> Tensor:
    return F.silu(gate.clamp(max=limit)) * up.clamp(-limit, limit)


class SharedExpert(nn.Module):
    def __init__(self, s: Shape, out_scale: float) -> None:
        super().__init__()
        self.limit = s.swiglu_limit
        self.w1 = matrix(s.moe_intermediate_size, s.hidden_size)
        self.w2 = matrix(s.hidden_size, s.moe_intermediate_size, out_scale)
        self.w3 = matrix(s.moe_intermediate_size, s.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(swiglu(self.w1(x), self.w3(x), self.limit))


class Gate(nn.Module):
    def __init__(self, s: Shape, hashed: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(s.n_routed_experts, s.hidden_size) * 0.6 / s.hidden_size**0.5)
        if hashed:
            rows = [torch.randperm(s.n_routed_experts)[: s.num_experts_per_tok] for _ in range(s.vocab_size)]
            self.register_buffer("tid2eid", torch.stack(rows))
        else:
            self.register_buffer("bias", torch.zeros(s.n_routed_experts))


class Experts(nn.Module):
    """Router by sqrt(softplus) with a selection bias, or by the token's id; and a shared expert."""

    def __init__(self, s: Shape, hashed: bool, out_scale: float) -> None:
        super().__init__()
        self.shape, self.hashed = s, hashed
        experts, width, hidden = s.n_routed_experts, s.moe_intermediate_size, s.hidden_size
        self.gate = Gate(s, hashed)
        self.w1 = nn.Parameter(torch.randn(experts, width, hidden) * 0.6 / hidden**0.5)
        self.w2 = nn.Parameter(torch.randn(experts, hidden, width) * 0.6 * out_scale / width**0.5)
        self.w3 = nn.Parameter(torch.randn(experts, width, hidden) * 0.6 / hidden**0.5)
        self.shared_experts = SharedExpert(s, out_scale)

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, S, hidden], ids [B, S] -> the sum of experts, and how many rows chose each expert [experts]."""
        s = self.shape
        with torch.autocast(x.device.type, enabled=False):
            scores = F.softplus(F.linear(x.float(), self.gate.weight)).sqrt()
            if self.hashed:
                chosen = self.gate.tid2eid[ids]
            else:
                chosen = torch.topk(scores.detach() + self.gate.bias, s.num_experts_per_tok, dim=-1).indices
            selected = (chosen[..., None] == torch.arange(s.n_routed_experts, device=x.device)).any(-2)
            weights = scores * selected
            weights = s.routed_scaling_factor * weights / weights.sum(-1, keepdim=True)
        inner = swiglu(F.linear(x, self.w1.flatten(0, 1)), F.linear(x, self.w3.flatten(0, 1)), s.swiglu_limit)
        inner = inner.unflatten(-1, (s.n_routed_experts, -1)) * weights.to(inner.dtype)[..., None]
        routed = F.linear(inner.flatten(-2), self.w2.transpose(0, 1).flatten(1))
        return routed + self.shared_experts(x), selected.float().sum((0, 1))


# ---- the model


class LayerV4(nn.Module):
    def __init__(self, s: Shape, kind: str, hashed: bool) -> None:
        super().__init__()
        out_scale = (2 * len(s.layers)) ** -0.5
        self.attn_norm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.attn = Attention(s, kind, out_scale)
        self.ffn_norm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.ffn = Experts(s, hashed, out_scale)
        self.hc_attn = HyperConnection(s)
        self.hc_ffn = HyperConnection(s)

    def forward(self, streams: Tensor, ids: Tensor, tables: Tables, everything: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """-> streams, expert loads, the indexer's loss, kv for a later chain."""
        x, post, comb = self.entered(streams)
        output, kv, loss = self.attn(x, tables, everything)
        streams, load = self.left(streams, output, post, comb, ids)
        return streams, load, loss, kv

    def chained(self, streams: Tensor, ids: Tensor, tables: Tables, first: Tensor, chain: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """A later chain step: see `Attention.chained`; -> streams, expert loads, own kv."""
        x, post, comb = self.entered(streams)
        output, kv = self.attn.chained(x, tables, first, chain)
        streams, load = self.left(streams, output, post, comb, ids)
        return streams, load, kv

    def entered(self, streams: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, post, comb = self.hc_attn(streams)
        return self.attn_norm(x), post, comb

    def left(self, streams: Tensor, output: Tensor, post: Tensor, comb: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        streams = expanded(streams, output, post, comb)
        x, post, comb = self.hc_ffn(streams)
        output, load = self.ffn(self.ffn_norm(x), ids)
        return expanded(streams, output, post, comb), load


class MtpLayer(nn.Module):
    """Row p pairs the main model's streams of p with token p+1 and predicts token p+2."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.enorm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.hnorm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.e_proj = matrix(s.hidden_size, s.hidden_size)
        self.h_proj = matrix(s.hidden_size, s.hidden_size)
        self.layer = LayerV4(s, "swa", False)
        self.hc_head = Collapse(s)
        self.norm = RmsNorm(s.hidden_size, s.rms_norm_eps)

    def forward(self, streams: Tensor, embedded: Tensor, ids: Tensor, tables: Tables, steps: int) -> tuple[list[Tensor], list[Tensor]]:
        """streams [B, S, n, d] of rows p, embedded [B, S, d] of tokens p+1 -> normed output of each step, loads.

        Step j > 1 of row p reads step j-1's streams of row p-1: that row guessed token p+1, and here the guess
        was right. Rows p < j-1 of step j have no such row and mean nothing.
        """
        outputs, loads, chain, first = [], [], [], None
        nothing = torch.ones((), dtype=torch.bool, device=streams.device)
        for _ in range(steps):
            x = self.e_proj(self.enorm(embedded)).unsqueeze(2) + self.h_proj(self.hnorm(streams))
            if first is None:
                y, load, _, first = self.layer(x.float(), ids, tables, nothing)
            else:
                y, load, kv = self.layer.chained(x.float(), ids, tables, first, chain)
                chain.append(kv)
            outputs.append(self.norm(self.hc_head(y)))
            loads.append(load)
            streams = shifted(y.flatten(2), 1).unflatten(-1, y.shape[2:])
        return outputs, loads


class ModelV4(nn.Module):
    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.shape = s
        self.embed = nn.Embedding(s.vocab_size, s.hidden_size)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.layers = nn.ModuleList(LayerV4(s, kind, i < s.num_hash_layers) for i, kind in enumerate(s.layers))
        self.hc_head = Collapse(s)
        self.norm = RmsNorm(s.hidden_size, s.rms_norm_eps)
        self.head = matrix(s.vocab_size, s.hidden_size)
        self.mtp = MtpLayer(s)

    def streams(self, ids: Tensor, tables: Tables, everything: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """ids [B, S] -> streams after the last layer, expert loads of the layers that choose, indexers' loss."""
        x = self.embed(ids).unsqueeze(2).expand(-1, -1, self.shape.hc_mult, -1)
        loads, loss = [], torch.zeros((), device=ids.device)
        for layer in self.layers:
            x, load, part, _ = layer(x, ids, tables, everything)
            loss = loss + part
            if not layer.ffn.hashed:
                loads.append(load)
        return x, loads, loss

    def logits(self, streams: Tensor) -> Tensor:
        return self.head(self.norm(self.hc_head(streams)))

    def routers(self) -> list[Gate]:
        return [layer.ffn.gate for layer in (*self.layers, self.mtp.layer) if not layer.ffn.hashed]

    def blind(self, hidden: bool) -> None:
        """For measurements: hides all compressed entries, or shows them again."""
        for layer in self.layers:
            layer.attn.blind = hidden

    # ---- files

    def renamed(self) -> dict[str, Tensor]:
        """Views of all tensors under the names of DeepSeek's release."""
        result = {}
        for name, tensor in self.state_dict().items():
            name = name.replace("mtp.layer.", "mtp.0.").replace("mtp.0.", "mtp.").replace("mtp.", "mtp.0.")
            for site in ("hc_attn", "hc_ffn", "hc_head"):
                name = name.replace(f"{site}.", f"{site}_")
            head, _, leaf = name.rpartition(".")
            if tensor.dim() == 3:
                for expert in range(tensor.shape[0]):
                    result[f"{head}.experts.{expert}.{leaf}.weight"] = tensor[expert]
            else:
                result[name] = tensor
        return result

    def state(self) -> dict[str, Tensor]:
        """What is stored: as in the release, some small tensors in float32 and the hash table as integers."""
        return {name: t.detach().cpu().to(self.stored(name, t)).contiguous() for name, t in self.renamed().items()}

    def stored(self, name: str, tensor: Tensor) -> torch.dtype:
        if not tensor.is_floating_point():
            return torch.int64
        return torch.float32 if name.endswith(FLOAT32) or "hc_" in name else getattr(torch, self.shape.dtype)

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Reads tensors by their names in files into this model."""
        own = self.renamed()
        assert own.keys() == tensors.keys(), own.keys() ^ tensors.keys()
        for name, view in own.items():
            view.copy_(tensors[name])
