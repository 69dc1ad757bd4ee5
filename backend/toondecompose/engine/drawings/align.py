"""Sub-pixel alignment of two pictures of one drawing: inverse-compositional Gauss-Newton on colour.

Source: Baker and Matthews, "Lucas-Kanade 20 years on" (2004), with Tukey weights whose scale is annealed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from .pixels import strongest

DOF = {"translation": 2, "similarity": 4, "affine": 6, "homography": 8}
CAPS = (24.0, 12.0, 6.0, 6.0, 4.0, 4.0)  # grey levels: largest error scale per iteration (anneals outliers away)
PATIENCE, HOPELESS = 3, 0.15  # iterations after which so small an agreement is not followed up
MOST_COLUMNS = 30000  # px: cv2.remap holds at most 32767 columns
STEP = 0.003  # px: smaller updates are below what anyone can see


@dataclass
class Points:
    """Pixels of one picture that say where it is. xy float64 [n, 2] (edge coordinates of pixel centres),
    colour float32 [n, 3], gradient float32 [n, 3, 2], weight float32 [n]. kept: by degrees of freedom, what an
    alignment needs to know of them alone: a picture is laid on many others."""

    xy: np.ndarray
    colour: np.ndarray
    gradient: np.ndarray
    weight: np.ndarray
    kept: dict[int, Steepest] = field(default_factory=dict)

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest (x, y) of the points; there must be some."""
        return self.xy.min(0), self.xy.max(0)


@dataclass
class Steepest:
    """How colours change with a motion's parameters (the method's "steepest descent images").

    norm: 3x3, px -> coordinates of about +-1; radius: px that are 1 there. jacobian: float64 [dof, n * 3]. squares:
    float64 [k, n], each point's part of the normal matrix' upper triangle."""

    norm: np.ndarray
    radius: float
    jacobian: np.ndarray
    squares: np.ndarray


def gradients(smooth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences, float32 [h, w, 3] each."""
    kernel = np.array([[-0.5, 0.0, 0.5]], np.float32)
    return (cv2.filter2D(smooth, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE),
            cv2.filter2D(smooth, cv2.CV_32F, kernel.T, borderType=cv2.BORDER_REPLICATE))


def choose_points(smooth: np.ndarray, weight: np.ndarray, limit: int = 2500, texture: float = 2.0) -> Points:
    """Pixels with weight and texture, thinned evenly to at most `limit`.

    smooth: float32 [h, w, 3]. weight: float32 [h, w]. texture: least gradient, grey levels per px.
    """
    use = weight > 0
    use[[0, -1]] = False
    use[:, [0, -1]] = False
    left, top, width, height = cv2.boundingRect(use.view(np.uint8))
    if not width:
        left, top, width, height = 1, 1, 1, 1
    # only what is asked about is looked at, with the px beside it that its slopes need
    part = slice(max(0, top - 1), top + height + 1), slice(max(0, left - 1), left + width + 1)
    smooth, weight, use = np.ascontiguousarray(smooth[part]), weight[part], use[part]
    gx, gy = gradients(smooth)
    strength = cv2.add(cv2.multiply(gx, gx), cv2.multiply(gy, gy))
    index = np.flatnonzero(use & (strongest(strength) > texture * texture))
    if len(index) > limit:
        index = index[(np.arange(limit) * (len(index) / limit)).astype(np.int64)]
    y, x = np.divmod(index, smooth.shape[1])
    colour, *slopes = (picture.reshape(-1, picture.shape[2]).take(index, 0) for picture in (smooth, gx, gy))
    return Points(np.stack([x + (part[1].start + 0.5), y + (part[0].start + 0.5)], 1), colour, np.stack(slopes, -1),
                  weight[y, x].astype(np.float32))


def sample(picture: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Bilinear samples at edge coordinates -> float32 [n, c]; outside the picture the edge repeats."""
    points = (xy - 0.5).astype(np.float32)
    out = []
    for start in range(0, len(points), MOST_COLUMNS):
        out.append(cv2.remap(picture, points[None, start : start + MOST_COLUMNS], None, cv2.INTER_LINEAR,
                             borderMode=cv2.BORDER_REPLICATE)[0])
    channels = picture.shape[2] if picture.ndim == 3 else 1
    result = np.zeros((0, channels), np.float32) if not out else out[0] if len(out) == 1 else np.concatenate(out)
    return result.reshape(len(points), channels)


def project(H: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Points [n, 2] through a homography."""
    return cv2.perspectiveTransform(np.asarray(xy, np.float64)[:, None], H)[:, 0] if len(xy) else np.zeros((0, 2))


def _basis(xy: np.ndarray, dof: int) -> np.ndarray:
    """d(displacement)/d(parameter), float64 [dof, 2, n]; coordinates are normalised to about +-1."""
    x, y = xy[:, 0], xy[:, 1]
    out = np.zeros((dof, 2, len(xy)))
    out[0, 0] = 1
    out[1, 1] = 1
    if dof == 4:
        out[2] = x, y
        out[3] = -y, x
    if dof >= 6:
        out[2, 0], out[3, 0] = x, y
        out[4, 1], out[5, 1] = x, y
    if dof == 8:
        out[6] = x * x, x * y
        out[7] = x * y, y * y
    return out


def _matrix(p: np.ndarray) -> np.ndarray:
    """Small parameter step -> 3x3 in normalised coordinates."""
    m = np.eye(3)
    m[:2, 2] = p[:2]
    if len(p) == 4:
        m[:2, :2] += [[p[2], -p[3]], [p[3], p[2]]]
    if len(p) >= 6:
        m[:2, :2] += [[p[2], p[3]], [p[4], p[5]]]
    if len(p) == 8:  # x + x(ax + by) = x / (1 - ax - by) to first order
        m[2, :2] = -p[6:8]
    return m


def _steepest(points: Points, dof: int) -> Steepest:
    centre = points.xy.mean(0)
    radius = max(4.0, float(np.sqrt(((points.xy - centre) ** 2).sum(1).mean())))
    norm = np.array([[1 / radius, 0, -centre[0] / radius], [0, 1 / radius, -centre[1] / radius], [0, 0, 1]])
    basis = _basis((points.xy - centre) / radius, dof)
    # plane by plane: numpy takes many times as long over axes of two or three
    right, down = np.ascontiguousarray(points.gradient.transpose(2, 1, 0), np.float64) * radius  # [channels, n] each
    jacobian = np.stack([right * x + down * y for x, y in basis])
    squares = np.empty((dof * (dof + 1) // 2, len(points.xy)))
    for out, i, j in zip(squares, *np.triu_indices(dof), strict=True):
        red, green, blue = jacobian[i] * jacobian[j]
        np.add(np.add(red, blue, out=out), green, out=out)
    return Steepest(norm, radius, np.ascontiguousarray(jacobian.transpose(0, 2, 1)).reshape(dof, -1), squares)


def align(points: Points, smooth: np.ndarray, valid: np.ndarray, H: np.ndarray, dof: int, caps=CAPS
          ) -> tuple[np.ndarray, float, float]:
    """Move H (points' picture px -> other picture px) so that the other picture shows the points' colours.

    smooth: float32 [h, w, 3], the other picture. valid: float32 [h, w], where it may be compared.
    dof: 2, 4, 6 or 8. Returns (H, robust residual in grey levels, share of the weight that agrees).
    """
    if len(points.xy) < 3 * dof:
        return H, np.inf, 0.0
    if dof not in points.kept:
        points.kept[dof] = _steepest(points, dof)
    norm, radius = points.kept[dof].norm, points.kept[dof].radius
    jacobian, squares = points.kept[dof].jacobian, points.kept[dof].squares
    back = np.linalg.inv(norm)
    upper = np.triu_indices(dof)  # the normal matrix is symmetric
    pattern = np.zeros((dof, dof))
    (h, w), seen = valid.shape, valid.ravel()
    residual, agree = np.inf, 0.0
    for k, cap in enumerate(caps):
        xy = project(H, points.xy)
        x, y = xy[:, 0], xy[:, 1]
        inside = (x > 0.5) & (y > 0.5) & (x < w - 0.5) & (y < h - 0.5)
        if inside.all():
            weight = points.weight * seen.take(y.astype(np.intp) * w + x.astype(np.intp))
        else:
            weight = points.weight * inside
            weight[inside] *= valid[y[inside].astype(np.intp), x[inside].astype(np.intp)]
        total = float(weight.sum())
        if total < 3 * dof:
            return H, np.inf, 0.0
        error = sample(smooth, xy).astype(np.float64) - points.colour
        size = np.abs(error)
        size = np.maximum(np.maximum(size[:, 0], size[:, 1]), size[:, 2])
        told = size[weight > 0]
        middle = 1.48 * float(np.partition(told, len(told) // 2)[len(told) // 2])
        spread = min(max(middle, 1.0), cap)
        robust = np.maximum(1 - (size / (4 * spread)) ** 2, 0) ** 2 * weight
        agree = float(robust.sum()) / total
        residual = float(np.sqrt((robust * size**2).sum() / max(robust.sum(), 1e-9)))
        if k >= PATIENCE and agree < HOPELESS:
            break
        pattern[upper] = np.einsum("kn,n->k", squares, robust)
        normal = pattern + np.triu(pattern, 1).T
        right = np.einsum("pk,k->p", jacobian, error.ravel() * np.repeat(robust, 3))
        normal[np.diag_indices(dof)] += 1e-6 * np.trace(normal) / dof + 1e-9
        step = np.linalg.solve(normal, right)
        step = step * min(1.0, 3.0 / radius / max(1e-12, float(np.abs(step).max())))  # never more than 3 px at once
        H = H @ back @ np.linalg.inv(_matrix(step)) @ norm
        H = H / H[2, 2]
        # errors so small that no later, smaller scale would cut any
        if np.abs(step).max() * radius < STEP and (cap == caps[-1] or middle <= caps[-1]):
            break
    return H, residual, agree
