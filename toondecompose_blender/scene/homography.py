"""The mathematics between 3x3 homographies and keyed planes: numpy only, no bpy, under test alone.

A sprite's homography H maps canvas px to frame px (edge coordinates, y down). In the scene, the clip has a camera at
its root's origin, looking along -Z with Y up, and the sprite is a plane whose local coordinates are centred on the
canvas, y up, in Blender units. A plane placed by M = [a b n t] is seen by the camera through K [a b t]. Solving
K [a b t] ~ H L (L: plane units -> canvas px) gives the columns a, b, t for ANY homography, exactly. Gram-Schmidt then
writes [a b] as rotation x scale x one shear, which is continuous over time (the SVD is not) and leaves a similarity
motion with location x/y, rotation z and one scale only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PIXELS_PER_UNIT = 100.0  # a 1920 px wide frame is 19.2 units: comfortable numbers in Blender's side bar
FOCAL_WIDTHS = 2.0  # the camera's focal length in frame widths: a mild perspective (72 mm on a 36 mm sensor)


_SPARE_PX = 0.01  # a plate's edge nearer to the frame's edge than this may leave a pixel's centre uncovered


@dataclass(frozen=True)
class CameraModel:
    """The camera that shows the frame: size (width, height) in px; perspective or orthographic."""

    size: tuple[int, int]
    perspective: bool
    focal_px: float
    pixels_per_unit: float = PIXELS_PER_UNIT

    @property
    def distance(self) -> float:
        """Distance from the camera, in units, at which one frame px is 1 / pixels_per_unit wide."""
        return self.focal_px / self.pixels_per_unit

    def inverse(self) -> np.ndarray:
        """float64 [3, 3]: frame px (homogeneous) -> camera-space direction (perspective), or position for z =
        -distance."""
        w, h = self.size
        f = self.focal_px if self.perspective else self.pixels_per_unit
        if self.perspective:
            return np.array([[1 / f, 0, -w / 2 / f], [0, -1 / f, h / 2 / f], [0, 0, -1.0]])
        return np.array([[1 / f, 0, -w / 2 / f], [0, -1 / f, h / 2 / f], [0, 0, -self.distance]])


def camera_for(size: tuple[int, int], perspective: bool) -> CameraModel:
    """The camera of a clip of the given frame size in px."""
    return CameraModel(size, perspective, FOCAL_WIDTHS * size[0])


@dataclass
class Placement:
    """One sprite's motion as Blender shows it, arrays over T frames, float64.

    location [T, 3] units; rotation [T, 3] radians, Euler XYZ without jumps; scale [T, 3] (z = 1); shear [T] (x +=
    shear * y in plane units, before scale).
    """

    location: np.ndarray
    rotation: np.ndarray
    scale: np.ndarray
    shear: np.ndarray


def canvas_corners(canvas: tuple[int, int]) -> np.ndarray:
    """float64 [4, 2]: the canvas's corners in canvas px, clockwise from the top left."""
    w, h = canvas
    return np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)


def project(H: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [n, 2] through homographies [..., 3, 3] -> [..., n, 2]."""
    hom = np.concatenate([points, np.ones((len(points), 1))], 1)
    out = np.einsum("...ij,nj->...ni", np.asarray(H, np.float64), hom)
    return out[..., :2] / out[..., 2:]


def needs_perspective(H: np.ndarray, canvas: tuple[int, int], tolerance_px: float = 1e-3) -> bool:
    """Whether any homography of [T, 3, 3] bends its canvas more than tolerance_px away from an affine motion."""
    H = np.asarray(H, np.float64)
    tl, tr, br, bl = np.moveaxis(project(H, canvas_corners(canvas)), -2, 0)
    return bool(np.abs(tl - tr + br - bl).max(initial=0.0) > tolerance_px)


def _plane_to_canvas(canvas: tuple[int, int], ppu: float) -> np.ndarray:
    return np.array([[ppu, 0, canvas[0] / 2], [0, -ppu, canvas[1] / 2], [0, 0, 1.0]])


def columns(H: np.ndarray, canvas: tuple[int, int], camera: CameraModel) -> np.ndarray:
    """Plane columns [a b t] in camera space for homographies [T, 3, 3] -> float64 [T, 3, 3].

    Raises ValueError (with the index of the frame in args[1]) where the canvas's centre lies on or behind the horizon.
    """
    P = np.asarray(H, np.float64) @ _plane_to_canvas(canvas, camera.pixels_per_unit)
    middle = P[:, 2, 2]
    behind = np.flatnonzero(~(middle > 1e-6))
    if len(behind):
        raise ValueError("the canvas's centre is behind the horizon", int(behind[0]))
    P = P / middle[:, None, None]
    if camera.perspective:
        return camera.distance * (camera.inverse() @ P)
    out = camera.inverse() @ P
    out[:, 2, :2] = 0.0  # an orthographic camera does not see tilt; numerical dust must not become rotation
    return out


def decompose(H: np.ndarray, canvas: tuple[int, int], camera: CameraModel) -> Placement:
    """Homographies [T, 3, 3] -> what to key. Raises as columns() does."""
    cols = columns(H, canvas, camera)
    a, b, t = cols[:, :, 0], cols[:, :, 1], cols[:, :, 2]
    # a picture seen mirrored gets a negative x scale, so that its plane keeps facing the camera and does not spin by
    # pi; of the two ways to say it, x is what an animator means by flipping a drawing
    mirrored = np.linalg.det(cols) > 0
    sx = np.linalg.norm(a, axis=1) * np.where(mirrored, -1.0, 1.0)
    r1 = a / sx[:, None]
    along = np.einsum("ti,ti->t", r1, b)
    rest = b - along[:, None] * r1
    sy = np.linalg.norm(rest, axis=1)
    r2 = rest / sy[:, None]
    rotation = np.stack([r1, r2, np.cross(r1, r2)], -1)
    return Placement(t, euler_xyz(rotation), np.stack([sx, sy, np.ones_like(sx)], 1), along / sx)


def euler_xyz(R: np.ndarray) -> np.ndarray:
    """Rotation matrices [T, 3, 3] -> XYZ Euler angles [T, 3] as Blender's (R = Rz Ry Rx), without jumps over time."""
    flat = np.hypot(R[:, 0, 0], R[:, 1, 0])
    first = np.stack([np.arctan2(R[:, 2, 1], R[:, 2, 2]), np.arctan2(-R[:, 2, 0], flat),
                      np.arctan2(R[:, 1, 0], R[:, 0, 0])], 1)
    second = np.stack([np.arctan2(-R[:, 2, 1], -R[:, 2, 2]), np.arctan2(-R[:, 2, 0], -flat),
                       np.arctan2(-R[:, 1, 0], -R[:, 0, 0])], 1)
    out = first.copy()
    for i in range(1, len(out)):
        options = [e + np.round((out[i - 1] - e) / (2 * np.pi)) * 2 * np.pi for e in (first[i], second[i])]
        out[i] = min(options, key=lambda e: np.abs(e - out[i - 1]).sum())
    return out


def rotation_matrix(euler: np.ndarray) -> np.ndarray:
    """XYZ Euler angles [T, 3] -> rotation matrices [T, 3, 3] (Rz Ry Rx)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(euler).T, np.sin(euler).T
    return np.stack([
        np.stack([cy * cz, cz * sx * sy - cx * sz, cx * cz * sy + sx * sz], -1),
        np.stack([cy * sz, cx * cz + sx * sy * sz, cx * sy * sz - cz * sx], -1),
        np.stack([-sy, cy * sx, cx * cy], -1),
    ], 1)


def compose(placement: Placement, canvas: tuple[int, int], camera: CameraModel) -> np.ndarray:
    """What the camera sees of a placement: homographies [T, 3, 3], canvas px -> frame px. The inverse of
    decompose()."""
    R = rotation_matrix(placement.rotation)
    a = R[:, :, 0] * placement.scale[:, :1]
    b = R[:, :, 1] * placement.scale[:, 1:2] + placement.shear[:, None] * a
    return project_columns(np.stack([a, b, placement.location], -1), canvas, camera)


def project_columns(cols: np.ndarray, canvas: tuple[int, int], camera: CameraModel) -> np.ndarray:
    """Plane columns [a b t] [T, 3, 3] in camera space -> homographies [T, 3, 3], last element 1."""
    if camera.perspective:
        seen = np.linalg.inv(camera.inverse()) @ cols
    else:
        w, h = camera.size
        ppu = camera.pixels_per_unit
        seen = cols.copy()
        seen[:, 0], seen[:, 1] = ppu * cols[:, 0], -ppu * cols[:, 1]
        seen[:, 0, 2] += w / 2
        seen[:, 1, 2] += h / 2
        seen[:, 2] = [0, 0, 1]
    H = seen @ np.linalg.inv(_plane_to_canvas(canvas, camera.pixels_per_unit))
    return H / H[:, 2:, 2:]


def margin_to_cover(H: np.ndarray, canvas: tuple[int, int], size: tuple[int, int]) -> float:
    """How many canvas px a canvas must grow on every side to cover the frame (width, height) under all of [T, 3, 3].

    0 where it does already, with a little to spare; otherwise one px more than it takes.
    """
    seen = project(np.linalg.inv(np.asarray(H, np.float64)), canvas_corners(size)).reshape(-1, 2)
    beyond = max(float(np.max(-seen)), float(np.max(seen - np.array(canvas))))
    # a plate that loses more than its own size was not meant to fill the frame (or the frame looks past its horizon)
    return 0.0 if beyond < -_SPARE_PX or beyond > max(canvas) else max(0.0, beyond) + 1.0


def corner_error(A: np.ndarray, B: np.ndarray, canvas: tuple[int, int]) -> np.ndarray:
    """[T]: how far apart, in frame px, two motions put the canvas's corners (the largest of the four)."""
    corners = canvas_corners(canvas)
    return np.linalg.norm(project(A, corners) - project(B, corners), axis=-1).max(-1)
