"""A plain reading of the MTP layer of a `deepseek_v4` checkpoint, for golden numbers and evaluation.

transformers 5.17 ignores `mtp.0.*`, so the layer is put together here from the library's own modules: a decoder
layer with a sliding window and routed experts, a head collapse and RMS norms. The convention is that of
DeepSeek's MTPBlock with SGLang's pairing of rows:

    row p:  x_j = e_proj(enorm(embedding of token p+1)) + h_proj(hnorm(X_p[j]))       for each stream j
            X_p: the streams of the main model after its last layer, before the head collapse, not normed
            Y = decoder_layer(x at RoPE position p)                                    streams, as X
            head(norm(collapse(Y))) = logits of token p+2; own collapse and norm, the main model's head

A chain of drafts after a prefix of n tokens runs the rows 0 .. n-2 first. The last one predicts token n, the
first draft. Each further row n-1, n, ... takes the Y of the row before as its X and the embedding of the
newest draft, and attends to the rows of its window, those of the chain included.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import DeepseekV4ForCausalLM
from transformers.models.deepseek_v4.modeling_deepseek_v4 import (
    DeepseekV4DecoderLayer,
    DeepseekV4HyperHead,
    DeepseekV4RMSNorm,
)

from mtp import read_tensors
from names_v4 import experts_stacked, layer_name

OWN = ("enorm", "hnorm", "norm", "e_proj", "h_proj")


def own_name(name: str) -> str:
    """The name behind `mtp.0.` -> the name in `MtpV4`."""
    if name.split(".")[0] in OWN:
        return name
    if name.startswith("hc_head_"):
        return name.replace("hc_head_", "collapse.hc_")
    return "layer." + layer_name(name)


class MtpV4(nn.Module):
    """The MTP layer of the checkpoint in `directory`, in float32."""

    def __init__(self, directory: Path, main: DeepseekV4ForCausalLM) -> None:
        super().__init__()
        config = copy.deepcopy(main.config)
        layers = config.num_hidden_layers
        config.layer_types = [*config.layer_types, "sliding_attention"]
        config.mlp_layer_types = [*config.mlp_layer_types, "moe"]
        config._attn_implementation = "eager"
        width, eps = config.hidden_size, config.rms_norm_eps
        self.streams, self.window = config.hc_mult, config.sliding_window
        self.rotary = main.model.rotary_emb
        self.embedding, self.head = main.model.embed_tokens.weight.detach(), main.lm_head.weight.detach()
        self.enorm = DeepseekV4RMSNorm(width, eps)
        self.hnorm = DeepseekV4RMSNorm(width, eps)
        self.norm = DeepseekV4RMSNorm(width, eps)
        self.e_proj = nn.Linear(width, width, bias=False)
        self.h_proj = nn.Linear(width, width, bias=False)
        self.layer = DeepseekV4DecoderLayer(config, layers)
        self.collapse = DeepseekV4HyperHead(config)
        stored = {own_name(name): t for name, t in read_tensors(directory, "mtp.0.").items()}
        self.load_state_dict(experts_stacked(stored, config.n_routed_experts), strict=True)
        self.layer.mlp.experts.config._experts_implementation = "eager"
        self.eval()

    def forward(self, tokens: Tensor, streams: Tensor, positions: Tensor) -> Tensor:
        """tokens [B, R], streams [B, R, n, width], positions [R] of consecutive rows -> Y [B, R, n, width]."""
        x = self.e_proj(self.enorm(self.embedding[tokens])).unsqueeze(2) + self.h_proj(self.hnorm(streams))
        row = torch.arange(x.shape[1], device=x.device)
        distance = row[:, None] - row[None, :]
        hidden = (distance < 0) | (distance >= self.window)
        mask = torch.zeros(hidden.shape, device=x.device).masked_fill(hidden, float("-inf"))[None, None]
        angles = {kind: self.rotary(x, position_ids=positions[None], layer_type=kind) for kind in ("main", "compress")}
        return self.layer(
            x,
            attention_mask=mask.expand(x.shape[0], -1, -1, -1),
            position_ids=positions[None],
            position_embeddings=angles,
            past_key_values=None,
        )

    def logits(self, y: Tensor) -> Tensor:
        """Y [B, R, n, width] -> logits [B, R, vocab]."""
        return self.norm(self.collapse(y)) @ self.head.T

    def chain(self, ids: Tensor, streams: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Greedy drafts after the prefix `ids` [n] with its main streams [n, streams, width].

        Recomputes all rows for every draft: a later row never changes an earlier one.
        Returns drafts [steps], their logits [steps, vocab] and the streams behind them [steps, streams, width].
        """
        tokens = ids[1:].tolist()
        states = list(streams[: len(tokens)])
        drafts, rows, ys = [], [], []
        for _ in range(steps):
            rope = torch.arange(len(tokens), device=ids.device)
            y = self(torch.tensor([tokens], device=ids.device), torch.stack(states)[None], rope)
            ys.append(y[0, -1])
            rows.append(self.logits(y)[0, -1])
            drafts.append(int(rows[-1].argmax()))
            tokens.append(drafts[-1])
            states.append(ys[-1])
        return torch.tensor(drafts), torch.stack(rows), torch.stack(ys)
