"""The doubly stochastic mixing matrices of hyper-connections, as one operation with its own gradient.

Forty normalisations of 4 x 4 matrices are thousands of tiny steps for autograd. On a GPU one kernel does them
all; its gradient runs them again and keeps every matrix on the way. On a CPU plain tensors do the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:  # a CPU needs none
    triton = None


def plain(logits: Tensor, iterations: int, eps: float) -> Tensor:
    """The definition: logits [..., j, k] -> softmax over k, then columns and rows by turns."""
    a = logits.softmax(-1) + eps
    a = a / (a.sum(-2, keepdim=True) + eps)
    for _ in range(iterations - 1):
        a = a / (a.sum(-1, keepdim=True) + eps)
        a = a / (a.sum(-2, keepdim=True) + eps)
    return a


def plain_gradient(logits: Tensor, g: Tensor, iterations: int, eps: float) -> Tensor:
    p = logits.softmax(-1)
    kept, dims = [p + eps], [-2, *[-1, -2] * (iterations - 1)]
    for dim in dims:
        kept.append(kept[-1] / (kept[-1].sum(dim, keepdim=True) + eps))
    for dim, before, after in zip(reversed(dims), kept[-2::-1], kept[::-1]):
        g = (g - (g * after).sum(dim, keepdim=True)) / (before.sum(dim, keepdim=True) + eps)
    return p * (g - (g * p).sum(-1, keepdim=True))


if triton:

    @triton.jit
    def forward_kernel(logits, out, rows, eps, iterations, n: tl.constexpr, block: tl.constexpr):
        row = tl.program_id(0) * block + tl.arange(0, block)
        place = row[:, None, None] * (n * n) + tl.arange(0, n)[None, :, None] * n + tl.arange(0, n)[None, None, :]
        inside = (row < rows)[:, None, None]
        x = tl.load(logits + place, mask=inside, other=0.0)
        x = tl.exp(x - tl.max(x, axis=2)[:, :, None])
        x = x / tl.sum(x, axis=2)[:, :, None] + eps
        x = x / (tl.sum(x, axis=1)[:, None, :] + eps)
        for _ in range(iterations - 1):
            x = x / (tl.sum(x, axis=2)[:, :, None] + eps)
            x = x / (tl.sum(x, axis=1)[:, None, :] + eps)
        tl.store(out + place, x, mask=inside)

    @triton.jit
    def backward_kernel(logits, grad, out, kept, rows, eps, iterations, n: tl.constexpr, block: tl.constexpr):
        row = tl.program_id(0) * block + tl.arange(0, block)
        place = row[:, None, None] * (n * n) + tl.arange(0, n)[None, :, None] * n + tl.arange(0, n)[None, None, :]
        inside = (row < rows)[:, None, None]
        size = rows * n * n
        x = tl.load(logits + place, mask=inside, other=0.0)
        x = tl.exp(x - tl.max(x, axis=2)[:, :, None])
        p = x / tl.sum(x, axis=2)[:, :, None]
        x = p + eps
        tl.store(kept + place, x, mask=inside)
        x = x / (tl.sum(x, axis=1)[:, None, :] + eps)
        for i in range(iterations - 1):
            tl.store(kept + (2 * i + 1) * size + place, x, mask=inside)
            x = x / (tl.sum(x, axis=2)[:, :, None] + eps)
            tl.store(kept + (2 * i + 2) * size + place, x, mask=inside)
            x = x / (tl.sum(x, axis=1)[:, None, :] + eps)
        tl.debug_barrier()
        g = tl.load(grad + place, mask=inside, other=0.0)
        for j in range(iterations - 1):
            i = iterations - 2 - j
            x = tl.load(kept + (2 * i + 2) * size + place, mask=inside, other=1.0)
            s = tl.sum(x, axis=1)[:, None, :] + eps
            g = (g - tl.sum(g * x, axis=1)[:, None, :] / s) / s
            x = tl.load(kept + (2 * i + 1) * size + place, mask=inside, other=1.0)
            s = tl.sum(x, axis=2)[:, :, None] + eps
            g = (g - tl.sum(g * x, axis=2)[:, :, None] / s) / s
        x = p + eps
        s = tl.sum(x, axis=1)[:, None, :] + eps
        g = (g - tl.sum(g * x, axis=1)[:, None, :] / s) / s
        g = p * (g - tl.sum(g * p, axis=2)[:, :, None])
        tl.store(out + place, g, mask=inside)


BLOCK = 64


def on_gpu(x: Tensor) -> bool:
    return x.is_cuda and triton is not None


@torch.library.custom_op("orrery::sinkhorn", mutates_args=())
def sinkhorn(logits: Tensor, iterations: int, eps: float) -> Tensor:
    if not on_gpu(logits):
        return plain(logits, iterations, eps)
    logits = logits.contiguous()
    out = torch.empty_like(logits)
    n, rows = logits.shape[-1], logits.numel() // logits.shape[-1] ** 2
    forward_kernel[(triton.cdiv(rows, BLOCK),)](logits, out, rows, eps, iterations, n, BLOCK)
    return out


@torch.library.custom_op("orrery::sinkhorn_gradient", mutates_args=())
def gradient(logits: Tensor, grad: Tensor, iterations: int, eps: float) -> Tensor:
    if not on_gpu(logits):
        return plain_gradient(logits, grad, iterations, eps)
    logits, grad = logits.contiguous(), grad.contiguous()
    out = torch.empty_like(logits)
    n, rows = logits.shape[-1], logits.numel() // logits.shape[-1] ** 2
    kept = torch.empty((2 * iterations - 1, *logits.shape), device=logits.device)
    backward_kernel[(triton.cdiv(rows, BLOCK),)](logits, grad, out, kept, rows, eps, iterations, n, BLOCK)
    return out


@sinkhorn.register_fake
def _(logits, iterations, eps):
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


@gradient.register_fake
def _(logits, grad, iterations, eps):
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


def keep(ctx, inputs, output) -> None:
    logits, ctx.iterations, ctx.eps = inputs
    ctx.save_for_backward(logits)


def backward(ctx, grad: Tensor):
    return gradient(ctx.saved_tensors[0], grad, ctx.iterations, ctx.eps), None, None


sinkhorn.register_autograd(backward, setup_context=keep)
