"""Which device computes, and under which rules."""

from __future__ import annotations

import os

import torch

from ..formats.errors import UserError


def choose_device(wanted: str) -> str:
    """'auto' | 'cpu' | 'cuda' | 'mps' -> the device that is used. 'auto' takes CUDA where there is one, else the CPU
    (MPS only when asked for: its float kernels do not agree with the CPU to the stated tolerance)."""
    if wanted in ("auto", "cuda") and torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise UserError("CUDA was asked for, but PyTorch finds no CUDA device here; choose Auto or CPU, or run "
                        "'toondecompose doctor'.")
    if wanted == "mps":
        if not torch.backends.mps.is_available():
            raise UserError("MPS was asked for, but PyTorch finds no Apple GPU here; choose Auto or CPU.")
        return "mps"
    return "cpu"


def make_deterministic(seed: int, device: str) -> None:
    """The same job gives the same bytes: fixed seeds, deterministic kernels, and full float32 products on CUDA."""
    torch.manual_seed(seed)
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic cuBLAS asks for
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
    # the same as use_deterministic_algorithms(True, warn_only=True), which imports the compiler: seconds of every job
    torch.set_deterministic_debug_mode("warn")
    # or every new tensor is written twice: once with NaN, to show who reads what nobody wrote, and once with its values
    torch.utils.deterministic.fill_uninitialized_memory = False
