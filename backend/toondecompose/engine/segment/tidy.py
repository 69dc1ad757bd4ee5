"""Pieces of labels that nothing speaks for, and who gets them."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from .layers import best_label

THREAD = 3  # px at labelling size; what is thinner is a thread: hair and lines, or the edge between two layers
NEAR_BODY = 0.03  # of the frame's width: hair is nearer than this to the head it grows on
SUPPORT = 0.02  # share of a piece that must be textured and repeat, or not repeat, as its layer should


def only_supported(p: torch.Tensor, label: int, heir: int, sure: torch.Tensor) -> None:
    """Take from a layer, in place, the pieces that its own evidence does not support, and give them to the heir.

    A further plane may get a sprite's flat parts for their like colour; a redrawn sprite gets soft clouds that slide at
    a rate of their own. p: [L, T, h, w]. sure: [T, h, w], the layer's evidence from repetition.
    """
    found = (best_label(p) == label).to(torch.uint8).cpu().numpy()
    strong = sure.cpu().numpy()
    for t in range(len(found)):
        count, piece = cv2.connectedComponents(found[t], connectivity=8)
        area = np.bincount(piece.ravel(), minlength=count)
        support = np.bincount(piece.ravel(), strong[t].ravel(), minlength=count)
        weak = support < np.maximum(SUPPORT * area, 1.0)
        weak[0] = False
        if not weak.any():
            continue
        drop = weak[piece].astype(np.uint8)
        drop = torch.from_numpy(cv2.dilate(drop, np.ones((5, 5), np.uint8))).to(p.device).to(torch.float32)
        p[heir, t] += p[label, t] * drop
        p[label, t] *= 1 - drop


def without_slivers(p: torch.Tensor, label: int) -> None:
    """Take from a redrawn sprite, in place, the threads that are far from any body, for the likeliest rest.

    Where two rigid layers meet, neither explains the mixed pixels of their common edge. p: [L, T, h, w].
    """
    found = (best_label(p) == label).to(torch.uint8).cpu().numpy()
    reach = max(3, round(NEAR_BODY * found.shape[2]))
    for t in range(len(found)):
        body = cv2.erode(found[t], np.ones((THREAD, THREAD), np.uint8), borderValue=1)
        near = cv2.dilate(body, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        count, piece = cv2.connectedComponents(found[t], connectivity=8)
        kept = np.bincount(piece.ravel(), near.ravel(), minlength=count) > 0
        kept[0] = True
        if kept.all():
            continue
        drop = torch.from_numpy(~kept[piece]).to(p.device)
        rest = p[:, t].clone()
        rest[label] = 0
        heir = rest.argmax(0)
        for i in range(p.shape[0]):
            p[i, t] = torch.where(drop, (heir == i).to(torch.float32), p[i, t])
