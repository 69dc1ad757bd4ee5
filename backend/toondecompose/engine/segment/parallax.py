"""Planes that slide with the camera at another rate than the background: far roofs, clouds.

They have no path of their own when they show too little texture for motion search, and would be left over as pieces of
sprites. What gives them away: under a fixed fraction of the background's slide they repeat over long gaps, where a
redrawn sprite does not. (Votes over the fraction, as the far planes of multiplane pans were found in practice.)
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import LayerPath

# Pairs of gaps, frames; primes, so that cycles of drawings do not repeat at both. What shows between near things is
# hidden again soon: the shorter gaps find it. Under slow pans only the longer ones tell rates apart.
GAPS = ((5, 11), (3, 7))
STEP = 0.05
RATES = np.arange(0.1, 0.96, STEP)  # of the way of the fastest plane
APART = 0.06  # rates nearer than this are one plane's
LEAST_SLIDE = 8.0  # px at labelling size between the compared frames, so that rates can be told apart
BLUR = 5  # px across which differences are averaged
SAME = 9 * BLUR**2  # grey levels, summed over these px: repeats
OTHER = 14 * BLUR**2  # so much worse: does not repeat as background, or as standing still
LEAST_VOTES = 4e-4  # of the frame's area: a few places of 5 x 5 px, in
LEAST_FRAMES = 4  # of the frames asked (half as many votes say as much in twice as many frames: bushes in gaps), and
CLEAR_PEAK = 10  # times any other rate: coincidences spread over all rates
EVERY = 3  # frames: enough of them vote on how fast, and
MOST_ASKED = 30  # of a long clip on whether at all
SHARPENING = 2e-3  # of the frame's area: so many pixels, in all frames asked, tell a rate to a fraction of a pixel
FASTER = 0.1  # of the speed: planes that differ by less may be at the same distance
PARALLAX_SAYS = 0.15  # of a unanimous vote of the pixels, which choose.VOTES_PAY prices; and
CAMERA_SAYS = 0.5  # where two planes slide in step: by a fixed share, at least
STAYS = 0.03  # of the way, and but for
OUT_OF_STEP = 0.1  # of the shorter way, rms: a redrawn or walking thing leaves its step by more

Window = tuple[slice, slice]


def _window(mask: np.ndarray) -> Window:
    """Rows and columns that hold all of a bool mask [h, w] and the neighbours that a blurred difference looks at."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (slice(max(0, rows[0] - BLUR // 2), rows[-1] + 1 + BLUR // 2),
            slice(max(0, columns[0] - BLUR // 2), columns[-1] + 1 + BLUR // 2))


def difference_sums(frames: np.ndarray, t: int, u: int, moves: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Sums over BLUR x BLUR px of the differences of frame t and frame u moved back by each of moves [n, 2], at the n
    pixels of `where` bool [h, w] -> uint16 [moves, n]."""
    window = _window(where)
    asked = np.flatnonzero(where[window])
    here = frames[t][window]
    h, w = here.shape[:2]
    top, left = window[0].start, window[1].start
    out = np.empty((len(moves), len(asked)), np.uint16)
    for i, (dx, dy) in enumerate(moves):
        there = cv2.warpAffine(frames[u], np.float32([[1, 0, -dx - left], [0, 1, -dy - top]]), (w, h),
                               flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 0, 255))
        red, green, blue = cv2.split(cv2.absdiff(here, there))
        out[i] = cv2.boxFilter(cv2.max(cv2.max(red, green), blue), cv2.CV_16U, (BLUR, BLUR),
                               normalize=False).ravel()[asked]
    return out


def _votes(frames: np.ndarray, shift: np.ndarray, loose: np.ndarray, rates: np.ndarray, known: list[float],
           gaps: tuple[int, ...], every: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Pixels of `loose` bool [T, h, w] that repeat at each rate and at none of those known, in how many frames any
    does, and how many pixels could have voted."""
    votes, voters = np.zeros(len(rates)), np.zeros(len(rates))
    asked = 0
    for t in range(0, len(frames), every):
        if loose[t].sum() < 20:
            continue
        for side in (-1, 1):
            at = [t + side * g for g in gaps]
            if min(at) < 0 or max(at) >= len(frames) or np.hypot(*(shift[at[0]] - shift[t])) < LEAST_SLIDE:
                continue
            asked += int(loose[t].sum())
            moves = [shift[u] - shift[t] for u in at]
            still = np.maximum.reduce([difference_sums(frames, t, u, np.asarray(known)[:, None] * m, loose[t])
                                       for u, m in zip(at, moves, strict=True)]).min(0)
            able = loose[t].copy()
            able[loose[t]] = still > OTHER  # what a known rate explains votes for no other
            still = still[still > OTHER]
            tried, e = rates, np.zeros((len(rates), len(still)), np.uint16)
            for u, m in zip(reversed(at), reversed(moves), strict=True):
                if not able.any():
                    break
                e = np.maximum(e, difference_sums(frames, t, u, tried[:, None] * m, able))
                # what does not repeat over one gap need not be looked at over the other one
                some = e.min(0) < SAME
                able[able], still, e = some, still[some], e[:, some]
                likely = (e < SAME).any(1)
                tried, e = tried[likely], e[likely]
            if not able.any():
                continue
            best, least = np.flatnonzero(np.isin(rates, tried))[e.argmin(0)], e.min(0)
            good = still > least + OTHER
            found = np.bincount(best[good], minlength=len(rates))
            votes += found
            voters += found > 0
    return votes, voters, asked


def sharpened(frames: np.ndarray, shift: np.ndarray, loose: np.ndarray, rate: float, gap: int) -> float:
    """A plane's rate to what its whole way needs: a hundredth of the way is pixels on a long pan.

    Gauss-Newton of the rate on the pixels of `loose` bool [T, h, w] that repeat under it, over gaps that double until
    the plane has left the frame: each gap is so sharp that the next one finds its way.
    """
    width, start = frames.shape[2], rate
    while gap < len(frames):
        for _ in range(2):
            up, down, pixels = 0.0, 0.0, 0
            for t in range(0, len(frames) - gap, max(EVERY, len(frames) // MOST_ASKED)):
                d = shift[t + gap] - shift[t]
                if loose[t].sum() < 20 or np.hypot(*d) < LEAST_SLIDE or np.hypot(*d) * abs(rate) > 0.75 * width:
                    continue
                mine = loose[t].copy()
                mine[loose[t]] = difference_sums(frames, t, t + gap, rate * d[None], loose[t])[0] < SAME
                if not mine.any():
                    continue
                back = np.float32([[1, 0, -rate * d[0]], [0, 1, -rate * d[1]]])
                there = cv2.warpAffine(frames[t + gap], back, (width, frames.shape[1]), flags=cv2.INTER_CUBIC)
                here, there = frames[t].astype(np.float32), there.astype(np.float32)
                slope = [cv2.Sobel(here + there, cv2.CV_32F, 1 - i, i, ksize=1, scale=0.25)[mine] for i in (0, 1)]
                along = slope[0] * d[0] + slope[1] * d[1]
                up += float((along * (there - here)[mine]).sum())
                down += float((along * along).sum())
                pixels += int(mine.sum())
            if pixels < SHARPENING * loose[0].size or down <= 0:
                return rate
            rate -= float(np.clip(up / down, -STEP / 4, STEP / 4))
        if abs(rate - start) > STEP / 2:
            return start
        gap *= 2
    return rate


def way(H: np.ndarray) -> np.ndarray:
    """A translation's way over the clip, [T, 2] px, about its mean."""
    return H[:, :2, 2] - H[:, :2, 2].mean(0)


def travel(H: np.ndarray) -> float:
    """How far a translation goes over the clip: rms distance from its mean, px."""
    return float(np.sqrt(np.square(way(H)).sum(1).mean()))


def widest(paths: list[LayerPath]) -> LayerPath | None:
    """The translation that goes farthest, of those that are there in all frames: the rates are shares of its way."""
    able = [q for q in paths if q.model == "translation" and q.present.all()]
    return max(able, key=lambda q: travel(q.H), default=None)


def rate(path: LayerPath, of: LayerPath) -> float:
    """The share of another translation's way that a path makes."""
    return float((way(path.H) * way(of.H)).sum() / np.maximum(np.square(way(of.H)).sum(), 1e-6))


def parallax_path(frames: np.ndarray, paths: list[LayerPath], scale: float, left_over: np.ndarray
                  ) -> LayerPath | None:
    """The plane that most clearly slides at a fixed fraction of the way of the fastest of the planes known.

    frames: uint8 [T, h, w, 3] at labelling size. paths: the planes', full size; scale: labelling size by full size.
    left_over: bool [T, h, w], texture that no rigid layer explains. Returns a path at full size, or None.
    """
    path = widest(paths)
    if path is None:
        return None
    shift = way(path.H) * scale
    known = [0.0, *(rate(q, path) for q in paths)]
    rates = RATES[np.abs(RATES[:, None] - known).min(1) >= APART]
    for gaps in GAPS:
        votes, voters, asked = _votes(frames, shift, left_over, rates, known, gaps,
                                     max(EVERY, len(frames) // MOST_ASKED))
        near = np.array([votes[np.abs(rates - r) < 1.5 * STEP].sum() for r in rates])
        peak = int(near.argmax())
        about = np.abs(rates - rates[peak]) < 1.5 * STEP
        elsewhere = votes[np.abs(rates - rates[peak]) > 2.5 * STEP].max(initial=0.0)
        often = voters[about].max() / LEAST_FRAMES
        least = LEAST_VOTES * left_over[0].size / (2 if often >= 2 else 1)
        if often >= 1 and near[peak] >= max(least, CLEAR_PEAK * elsewhere):
            break
    else:
        return None
    fine = float((rates * votes)[about].sum() / votes[about].sum()) + np.arange(-0.04, 0.041, 0.01)
    counts = np.convolve(_votes(frames, shift, left_over, fine, known, gaps, EVERY)[0], [0.5, 1, 0.5], "same")
    sharp = sharpened(frames, shift, left_over, float(fine[counts.argmax()]), gaps[-1])
    moved = path.H.copy()
    moved[:, :2, 2] = sharp * (path.H[:, :2, 2] - path.H[path.ref, :2, 2])
    return LayerPath(moved, path.present.copy(), path.ref, "translation", path.gain * near[peak] / asked)


def speeds(H: list[np.ndarray], present: list[np.ndarray], size: tuple[int, int]) -> list[float]:
    """How far each path moves the frame's corners per frame, on average, px."""
    w, h = size
    corners = np.array([[x * w, y * h, 1.0] for x in (0, 1) for y in (0, 1)]).T
    out = []
    for path, on in zip(H, present, strict=True):
        moves = []
        for t in np.flatnonzero(on[1:] & on[:-1]):
            there = path[t + 1] @ np.linalg.inv(path[t]) @ corners
            moves.append(np.hypot(*(there[:2] / there[2] - corners[:2])).mean())
        out.append(float(np.mean(moves)) if moves else 0.0)
    return out


def by_parallax(guess: tuple[int, ...], across: set[int], speed: list[float]) -> tuple[int, ...]:
    """A guess at the layers' order in which those that reach across the frame, perhaps planes, are put from the slowest
    to the fastest: under a moving camera what is far away slides less. (What never moves may also be an overlay.)"""
    planes = iter(sorted((i for i in guess if i in across), key=lambda i: speed[i]))
    return tuple(next(planes) if i in across else i for i in guess)


def in_step(Ha: np.ndarray, Hb: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether of two motions over the clip the lesser one is a fixed share of the other, as planes at two distances
    slide or grow before one camera. What stays where it is does so before any camera, and says nothing.

    size: of the frame (w, h) px, whose corners' ways are compared."""
    corners = np.array([[x * size[0], y * size[1], 1.0] for x in (0, 1) for y in (0, 1)]).T
    places = [H @ np.linalg.inv(H[len(H) // 2]) @ corners for H in (Ha, Hb)]
    ways = [p[:, :2] / p[:, 2:] - (p[:, :2] / p[:, 2:]).mean(0) for p in places]
    less, more = sorted(ways, key=lambda one: float(np.square(one).sum()))
    share = float((less * more).sum() / max(np.square(more).sum(), 1e-6))
    left = np.square(less - share * more).sum() / max(np.square(more).sum(), 1e-6)
    return share >= STAYS and float(left) <= (OUT_OF_STEP * share) ** 2


def lean_on_parallax(hides: dict[tuple[int, int], float], across: set[int], wide: set[int], speed: list[float],
                     H: list[np.ndarray], size: tuple[int, int]) -> None:
    """Count parallax among the votes on who hides whom, in place: as far as pixels leave it open, and weakly but where
    one camera explains both motions. across: paths that are seen all over the frame; wide: also those of a few posts or
    twigs along its edges, which only a camera moves in step."""
    for i, j in hides:
        if {i, j} <= across | wide and abs(speed[i] - speed[j]) > FASTER * max(speed[i], speed[j]):
            camera = in_step(H[i], H[j], size)
            if not camera and not {i, j} <= across:
                continue
            says = CAMERA_SAYS if camera else PARALLAX_SAYS
            hides[i, j] += (1 - abs(hides[i, j])) * (says if speed[i] > speed[j] else -says)
