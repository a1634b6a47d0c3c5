"""Writes two random bf16 models whose sizes are multiples of 128, for `orrery quantize` and then `others.py`.

    python aligned.py OUT_DIR

transformers 5.17 reads blocks of 128 x 128 rightly only if no block is cut off, and the trained models have such.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import make_specks
import make_specks_v4

GLM = replace(
    next(s for s in make_specks.SPECKS if s.name == "speck-groups"),
    name="aligned-glm",
    sharded=False,
    hidden_size=128,
    intermediate_size=256,
    moe_intermediate_size=128,
    num_attention_heads=8,
    num_key_value_heads=4,
    head_dim=32,
    first_k_dense_replace=1,
    tie_word_embeddings=False,
)
V4 = replace(
    next(s for s in make_specks_v4.SPECKS if s.name == "speck-v4-mtp"),
    name="aligned-v4",
    hidden_size=128,
    moe_intermediate_size=128,
    num_attention_heads=8,
    head_dim=64,  # one block of a row of scales, which is read rightly
    qk_rope_head_dim=16,
    q_lora_rank=128,
    o_lora_rank=64,
    index_head_dim=16,
)

if __name__ == "__main__":
    make_specks.write(GLM, Path(sys.argv[1]))
    make_specks_v4.write(V4, Path(sys.argv[1]))
