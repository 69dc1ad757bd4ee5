"""Segmentation: which layer every pixel of every frame belongs to."""

from .solve import segment

__all__ = ["segment"]
