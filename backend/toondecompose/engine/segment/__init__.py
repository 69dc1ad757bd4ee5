"""Segmentation: which layer every pixel of every frame belongs to."""

from .segment import segment

__all__ = ["segment"]
