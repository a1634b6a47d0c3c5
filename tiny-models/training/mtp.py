"""A plain reading of the MTP layer of a `glm4_moe` checkpoint, for golden numbers and evaluation.

transformers 5.17 ignores `model.layers.{num_hidden_layers}.*` of these checkpoints, so the layer is put
together here from the library's own decoder layer. The convention is that of SGLang for GLM-4.5:

    row p:  x = eh_proj(concat(enorm(embedding of token p+1), hnorm(h_p)))      h_p after the final norm
            y = shared_head.norm(decoder_layer(x at RoPE position p))
            head(y) = logits of token p+2

A chain of drafts after a prefix of n tokens runs the rows 0 .. n-2 first. The last one predicts token n,
the first draft. Each further row n-1, n, ... takes the y of the row before as its h and the embedding of
the newest draft, and attends to every earlier row, those of the chain included.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import Glm4MoeForCausalLM
from transformers.models.glm4_moe.modeling_glm4_moe import Glm4MoeDecoderLayer, Glm4MoeRMSNorm


def read_tensors(directory: Path, prefix: str) -> dict[str, Tensor]:
    """All tensors whose name starts with `prefix`, in float32, from one file or from shards."""
    tensors = {}
    for file in sorted(directory.glob("model*.safetensors")):
        with safe_open(file, framework="pt") as f:
            for name in f.keys():
                if name.startswith(prefix):
                    tensors[name.removeprefix(prefix)] = f.get_tensor(name).float()
    return tensors


class Mtp(nn.Module):
    """The MTP layer of the checkpoint in `directory`, in float32."""

    def __init__(self, directory: Path, main: Glm4MoeForCausalLM) -> None:
        super().__init__()
        config = main.config
        width, eps = config.hidden_size, config.rms_norm_eps
        stored = read_tensors(directory, f"model.layers.{config.num_hidden_layers}.")
        self.rotary = main.model.rotary_emb
        self.enorm = Glm4MoeRMSNorm(width, eps)
        self.hnorm = Glm4MoeRMSNorm(width, eps)
        self.eh_proj = nn.Linear(2 * width, width, bias=False)
        self.head_norm = Glm4MoeRMSNorm(width, eps)
        self.layer = Glm4MoeDecoderLayer(config, config.num_hidden_layers)
        self.embedding = stored.pop("embed_tokens.weight", main.model.embed_tokens.weight.detach())
        self.head = stored.pop("shared_head.head.weight", main.lm_head.weight.detach())
        own = {
            "enorm.weight": stored.pop("enorm.weight"),
            "hnorm.weight": stored.pop("hnorm.weight"),
            "eh_proj.weight": stored.pop("eh_proj.weight"),
            "head_norm.weight": stored.pop("shared_head.norm.weight"),
        }
        for name, tensor in fuse_experts(stored, config.n_routed_experts).items():
            own[f"layer.{name}"] = tensor
        self.load_state_dict(own, strict=True)
        self.eval()

    def forward(self, tokens: Tensor, hidden: Tensor, positions: Tensor) -> Tensor:
        """tokens [B, R], hidden [B, R, width], positions [R] of consecutive rows -> y [B, R, width]."""
        joined = torch.cat([self.enorm(self.embedding[tokens]), self.hnorm(hidden)], dim=-1)
        x = self.eh_proj(joined)
        rows = x.shape[1]
        mask = torch.full((rows, rows), float("-inf"), device=x.device).triu(1)[None, None]
        angles = self.rotary(x, position_ids=positions[None])
        y = self.layer(x, attention_mask=mask, position_ids=positions[None], position_embeddings=angles)
        return self.head_norm(y)

    def logits(self, y: Tensor) -> Tensor:
        return y @ self.head.T

    def chain(self, ids: Tensor, hidden: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Greedy drafts after the prefix `ids` [n] with its main hidden states [n, width].

        Recomputes all rows for every draft: a later row never changes an earlier one.
        Returns drafts [steps] and their logits [steps, vocab].
        """
        tokens = ids[1:].tolist()
        states = list(hidden[: len(tokens)])
        drafts, rows = [], []
        for _ in range(steps):
            y = self(torch.tensor([tokens], device=ids.device), torch.stack(states)[None], torch.arange(len(tokens), device=ids.device))
            last = y[0, -1]
            rows.append(self.logits(last))
            drafts.append(int(rows[-1].argmax()))
            tokens.append(drafts[-1])
            states.append(last)
        return torch.tensor(drafts), torch.stack(rows)


def fuse_experts(tensors: dict[str, Tensor], experts: int) -> dict[str, Tensor]:
    """Per-expert matrices as files hold them -> the stacked ones of the library's module."""
    result = {name: t for name, t in tensors.items() if ".experts." not in name}
    if len(result) == len(tensors):
        return result
    part = lambda e, which: tensors[f"mlp.experts.{e}.{which}_proj.weight"]  # noqa: E731
    result["mlp.experts.gate_up_proj"] = torch.stack(
        [torch.cat([part(e, "gate"), part(e, "up")]) for e in range(experts)]
    )
    result["mlp.experts.down_proj"] = torch.stack([part(e, "down") for e in range(experts)])
    return result
