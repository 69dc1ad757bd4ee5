"""Clips by chance: a seed deals a painting, figures, a camera, what happens and how it was filmed.

The cards of a kind are dealt from a shuffled pack, so that seeds which follow each other differ in all of them.
Sizes, speeds, places and exposures are drawn anew until everybody in the clip is seen and moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import cv2
import numpy as np
from drawn.layers import Layer, Scene, shift

from composed.art import Art, plane, plate, read_picture, with_halo, with_shadow
from composed.chance_cast import FLYERS, FRONTS, PAINTINGS, SMALL, TALKERS, WALKERS, Figure
from composed.stage import (
    MIDDLE,
    SIZE,
    Pose,
    actor,
    centred,
    cycle,
    eased,
    first_row,
    grain_and_jpeg,
    held,
    on_feet,
    painting,
    scaled,
    swivel,
    turned,
)

Card = TypeVar("Card")
CAMERAS = "still", "pan", "zoom and tilt", "shake", "swivel", "truck out", "multiplane", "diagonal pan"
ACTIONS = ("walk", "cross", "fast", "turn back", "tumble", "talk", "three", "blurred flight", "soft shadow", "ghost",
           "passer-by")
FILMS = "clean", "H.264", "clean", "grain and JPEG", "clean", "clean"
SIZES = SIZE, SIZE, SIZE, (800, 450), SIZE, SIZE, SIZE, (480, 360)
TRIES = 50  # of drawing numbers anew
SEEN = 400  # px of a figure that have to show for it to be seen
SEEN_FRAMES = 6  # in so many frames at least, and in at least half of those in which it is in the frame
STIRS = 12.0  # px that a figure has to move before the background in the clip


def dealt(seed: int, pack: Sequence[Card], kind: int) -> Card:
    """The card of a pack that a seed gets: `len(pack)` seeds in a row get one each. kind tells packs apart."""
    turn, place = divmod(seed, len(pack))
    return pack[np.random.default_rng([kind, turn]).permutation(len(pack))[place]]


def by_chance(art: Art, seed: int) -> Scene:
    """The clip of a seed."""
    for attempt in range(TRIES):
        scene = Shot(art, seed, attempt).scene()
        if is_told(scene):
            return scene
    raise RuntimeError(f"No clip of seed {seed} shows all its figures.")


class Shot:
    """One try at the clip of a seed. Places are those in a frame of 640x360 px, which `lens` maps to the clip's."""

    def __init__(self, art: Art, seed: int, attempt: int = 0) -> None:
        self.art, self.seed, self.rng = art, seed, np.random.default_rng([seed, attempt])
        self.count = int(self.rng.integers(20, 29))
        self.camera_name, self.action = dealt(seed, CAMERAS, 1), dealt(seed, ACTIONS, 2)
        self.film, self.size = dealt(seed, FILMS, 3), dealt(seed, SIZES, 4)
        self.hold = int(self.rng.integers(1, 4))
        self.lens = scaled(self.size[1] / SIZE[1]) @ shift((self.size[0] * SIZE[1] / self.size[1] - SIZE[0]) / 2, 0)
        self.camera, self.with_camera = self._camera()

    def scene(self) -> Scene:
        """The clip, whether or not it shows all its figures."""
        names = [figure.name for figure in self._figures()]
        layers = [self._painting(), *self._actors()]
        if self.camera_name == "multiplane":
            layers.append(self._front())
        for layer in layers:
            layer.H = self.lens @ layer.H
            layer.blur = None if layer.blur is None else self.lens @ layer.blur
        film = None
        if self.film == "grain and JPEG":
            film = "Grain of 4 levels, JPEG of quality 75.", partial(grain_and_jpeg, seed=self.seed, quality=75)
        return Scene(f"chance{self.seed:03d}", f"{self.action}: {', '.join(names)}, {layers[0].name}; camera "
                     f"{self.camera_name}; on {self.hold}; {self.film}; {self.size[0]}x{self.size[1]}.",
                     [self.action, self.camera_name, self.film], self.size, layers, self.seed, film=film,
                     crf=21 if self.film == "H.264" else None)

    def _between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def _side(self) -> int:
        return int(self.rng.choice([-1, 1]))

    def _camera(self) -> tuple[Pose, Pose]:
        """What the camera does to what it sees: to the painting, and to figures before it."""
        name, last, side = self.camera_name, self.count - 1, self._side()
        speed = side * self._between(2, 9)
        if name in ("pan", "multiplane"):
            return lambda t: shift(-speed * t, 0), lambda t: np.eye(3)
        if name == "diagonal pan":
            rise = self._side() * self._between(1, 3)
            return lambda t: shift(-speed * held(2, t), rise * held(2, t)), lambda t: np.eye(3)
        if name == "shake":
            jolts = self.rng.normal(0, self._between(1.5, 5), (self.count + 1, 2))
            return lambda t: shift(*jolts[int(t)]) @ shift(-speed / 2 * t, 0), lambda t: shift(*jolts[int(t)])
        if name == "swivel":
            sweep = side * self._between(8, 14)
            both: Pose = lambda t: swivel(sweep * (t / last - 0.5))  # noqa: E731
            return both, both
        if name in ("zoom and tilt", "truck out"):
            growth = self._between(0.15, 0.4) * (1 if name == "zoom and tilt" else -0.7)
            tilt = side * self._between(2, 6) * (name == "zoom and tilt")

            def zoom(t: float, nearness: float) -> np.ndarray:
                part = eased(min(max(t / last, 0), 1))
                turn = turned(tilt * part) if nearness == 1 else np.eye(3)
                return shift(*MIDDLE) @ turn @ scaled(1 + nearness * growth * part) @ shift(-MIDDLE[0], -MIDDLE[1])

            return partial(zoom, nearness=1), partial(zoom, nearness=1.4)
        return lambda t: np.eye(3), lambda t: np.eye(3)

    def _painting(self) -> Layer:
        """The background, just large enough that the camera never looks past its edge."""
        package, name = dealt(self.seed, PAINTINGS, 5)
        path = self.art.file(package, name)
        lens = np.linalg.inv(self.lens)
        corners = np.array([[-2, -2, 1], [self.size[0] + 1, -2, 1], [-2, self.size[1] + 1, 1],
                            [self.size[0] + 1, self.size[1] + 1, 1.0]]).T
        seen = np.concatenate([np.linalg.inv(self.camera(t)) @ lens @ corners for t in range(self.count)], axis=1)
        seen = seen[:2] / seen[2]
        low, extent = seen.min(1), np.ptp(seen, 1)
        height, width = read_picture(path).shape[:2]
        wide = max(extent[0], extent[1] * width / height) * self._between(1.02, 1.3)
        spare = np.array([wide, wide * height / width]) - extent
        at = low - spare * self.rng.uniform(0, 1, 2)
        picture = plate(path, int(np.ceil(wide / SMALL)))
        return painting(path.stem, picture, self.count, lambda t: self.camera(t) @ shift(*at) @ scaled(SMALL))

    def _front(self) -> Layer:
        """A plane before everybody, which slides faster than the painting."""
        package, name, width, top = dealt(self.seed, FRONTS, 6)
        picture = plane(self.art.file(package, name), width)
        nearness, down = self._between(1.5, 2.5), top - SMALL * first_row(picture)
        slid = nearness * self.camera(self.count - 1)[0, 2]  # px, of the frame's width, by the last frame
        left = -(width * SMALL - SIZE[0]) / 2 - slid / 2
        return painting(name.split("/")[-2], picture, self.count,
                        lambda t: shift(left + nearness * self.camera(t)[0, 2], down) @ scaled(SMALL))

    def _figures(self) -> list[Figure]:
        """Who acts, back to front."""
        if self.action in ("talk", "passer-by"):
            talker = dealt(self.seed, TALKERS, 7)
            return [talker] if self.action == "talk" else [talker, dealt(self.seed, WALKERS, 8)]
        if self.action in ("blurred flight", "tumble"):
            return [dealt(self.seed, FLYERS, 9)]
        if self.action in ("ghost", "cross"):
            return [dealt(self.seed, WALKERS, 8), dealt(self.seed, FLYERS if self.action == "ghost" else WALKERS, 9)]
        if self.action == "three":
            return [dealt(self.seed, FLYERS, 9), dealt(self.seed, WALKERS, 8), dealt(self.seed, WALKERS, 10)]
        return [dealt(self.seed, WALKERS, 8)]

    def _actors(self) -> list[Layer]:
        sides = [self._side(), 0, 0]
        sides[1:] = -sides[0], sides[0]  # two who cross go opposite ways
        return [self._actor(figure, place, sides[place]) for place, figure in enumerate(self._figures())]

    def _actor(self, figure: Figure, place: int, side: int) -> Layer:
        """One figure. place: of how many others it is in front. side: +1 to go to the right."""
        drawings = figure.drawings(self.art, self._between(*figure.tall))
        hold = self.hold if place == 0 else int(self.rng.integers(1, 4))
        ghost = self.action == "ghost" and place == 1
        if ghost:
            drawings = [with_halo(drawing, opacity=self._between(0.5, 0.7), glow=0.4) for drawing in drawings]
        if self.action == "soft shadow":
            drawings = [with_shadow(drawing, opacity=self._between(0.3, 0.5)) for drawing in drawings]
        exposure = cycle(len(drawings), hold, self.count)
        shutter, middle = 0.0, self.count / 2
        if figure in TALKERS:
            said = self.rng.integers(0, len(drawings), self.count // 3 + 1)
            exposure = [int(said[t // 3]) for t in range(self.count)]
            at, drift = SIZE[0] / 2 + self._between(-120, 120), side * self._between(1, 4)
            low = SIZE[1] + self._between(0, 90)
            pose: Pose = lambda t: on_feet(drawings[0], at + drift * (t - middle), low, SMALL)  # noqa: E731
        elif figure in FLYERS:
            pose, shutter = self._flight(figure, drawings[0], side)
        else:
            pose = self._walk(figure, drawings[0], side, self._between(300, 348) + 4 * place)
        return actor(figure.name, drawings, exposure, lambda t: self.with_camera(t) @ pose(t), hold=hold,
                     shutter=shutter)

    def _walk(self, figure: Figure, canvas: np.ndarray, side: int, ground: float) -> Pose:
        """Along the ground: through the frame's middle at half time, or fast, or to and fro."""
        fast, back = self.action == "fast", self.action == "turn back"
        speed = side * (self._between(30, 60) if fast else self._between(5, 18))
        if self.action == "passer-by":
            speed = side * self._between(16, 34)
        bob, at, middle = self._between(0, 7), SIZE[0] / 2 + self._between(-90, 90), self.count / 2

        def pose(t: float) -> np.ndarray:
            mirrored = bool(figure.looks) and figure.looks != side
            x = at + speed * (t - middle)
            if back:  # it turns where it stands at half time
                x, mirrored = at - speed * abs(t - middle), mirrored != (t >= middle)
            return on_feet(canvas, x, ground - bob * abs(np.sin(0.6 * t)), SMALL, mirrored)

        return pose

    def _flight(self, figure: Figure, canvas: np.ndarray, side: int) -> tuple[Pose, float]:
        """Through the air, with the part of a frame's time that the shutter is open."""
        blurred, tumbles = self.action == "blurred flight", self.action == "tumble"
        speed = side * (self._between(22, 42) if blurred else self._between(6, 16))
        spin = self._side() * self._between(5, 14) if tumbles else 0.0
        growth = self._between(-0.012, 0.018) if tumbles else 0.0
        at, wave = (SIZE[0] / 2 + self._between(-60, 60), self._between(110, 210)), self._between(10, 45)
        middle, mirrored = self.count / 2, bool(figure.looks) and figure.looks != side

        def pose(t: float) -> np.ndarray:
            return centred(canvas, at[0] + speed * (t - middle), at[1] + wave * np.sin(t / 4),
                           SMALL * (1 + growth * (t - middle)), spin * t, mirrored)

        return pose, 0.5 if blurred else 0.0


def is_told(scene: Scene) -> bool:
    """Whether all that stands before the painting is seen long enough, and moves before it."""
    count, width, height = scene.count, *scene.size
    seen, whole = (np.zeros((len(scene.layers), count)) for _ in range(2))
    for t in range(count):
        free = np.ones((height, width), np.float32)
        for k in range(len(scene.layers) - 1, 0, -1):
            layer = scene.layers[k]
            alpha = cv2.warpPerspective(layer.drawings[layer.exposure[t]][..., 3].astype(np.float32) / 255, layer.H[t],
                                        (width, height))
            seen[k, t], whole[k, t] = (alpha * free).sum(), alpha.sum()
            free *= 1 - alpha
    for k, layer in enumerate(scene.layers[1:], 1):
        in_frame = whole[k] >= SEEN
        if in_frame.sum() < SEEN_FRAMES or (seen[k] >= np.maximum(SEEN, 0.3 * whole[k]))[in_frame].mean() < 0.5:
            return False
        middle = np.array([*layer.drawings[0].shape[1::-1], 2.0]) / 2
        before = np.linalg.inv(scene.layers[0].H) @ layer.H @ middle
        before = before[:, :2] / before[:, 2:] * SMALL
        if np.ptp(before, 0).max() < STIRS:
            return False
    return True
