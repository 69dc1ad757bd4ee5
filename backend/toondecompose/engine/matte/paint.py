"""What colour a drawing has where the frames show it only mixed with the background."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.fill import push_pull
from toondecompose.engine.matte.marks import below, places_of, taken
from toondecompose.engine.matte.moments import GREY

PALETTE_BINS = 16  # per channel
LINE_SPREAD = 5.0  # levels (L2 over RGB) off the mixing line that cost one bit
UNKNOWN_PAINT_BITS = 12  # price of a colour that the drawing shows nowhere for sure
SPREAD_BITS = 6.0  # price of the diffused colour: it is nobody's own
FAR_BITS = 0.15  # per px of distance
NEAR, NEAR_BITS = 40.0, 6.0  # levels from the background within which a paint explains anything, and what that costs
RIM_BITS = 3.0  # for calling a px of the outermost rim pure
PURE = 0.9  # share of the paint from which a px is called that
PAINTS = 8  # of a drawing, most common first, that may be its colour anywhere, and
PAINT_BITS = 3.0  # what it costs that none of them was found nearby
COMMON_PAINT_BITS = 7.0  # price up to which a paint is common
PURE_PAINT_BITS = 9.0  # ... or exists at all
ALIKE = 16  # levels per channel that one paint's px may differ by
FILLED = 0.1  # of a fill's px lie deeper in it than a line is wide
FILL_BITS, MOST_FILL_BITS = 0.9, 9.0  # per line's width from the area that a fill covers: it blends at its rim; at most
DIRECTIONS = np.array([d for d in np.ndindex(3, 3, 3) if d != (1, 1, 1)], float) - 1
BLENDS = 3  # px around a region that blend with it
CHUNK = 32_768  # px that look for paint at once: their own values stay in the processor's cache


def _search_offsets(radius: int) -> list[tuple[int, int]]:
    """Px of a disc, near ones first: all of them within 2 px, fewer further out."""
    out = []
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            far = dx * dx + dy * dy
            step = 1 if far <= 4 else 2 if far <= 20 else 3
            if far <= radius * radius and dx % step == 0 and dy % step == 0:
                out.append((far, dy, dx))
    return [(dy, dx) for _, dy, dx in sorted(out)]


def cells_of(c: torch.Tensor) -> torch.Tensor:
    """The cell of colour space of each px: int32 [h, w]. c: [3, h, w] levels relative to GREY."""
    out = torch.zeros(c.shape[1:], dtype=torch.int32, device=c.device)
    for plane in c:
        out.mul_(PALETTE_BINS).add_((plane + GREY).clamp_(0, 255).mul_(PALETTE_BINS / 256).to(torch.int32))
    return out


def _told(cells: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """The cells [n] of the True px of `where`, both [h, w]."""
    return taken(cells, places_of(where))


def palette(cells: torch.Tensor, sure: torch.Tensor) -> torch.Tensor:
    """How many bits each cell of colour space costs under the drawing's own palette: cels are painted with few colours.

    cells: of `cells_of`. sure: bool [h, w], px that certainly show the drawing. Returns [cells]."""
    count = paint_counts(cells, sure).float()
    cube = count.reshape(1, 1, PALETTE_BINS, PALETTE_BINS, PALETTE_BINS)
    soft = torch.nn.functional.avg_pool3d(cube, 3, 1, 1).reshape(-1)  # neighbouring shades are the same paint
    share = soft / soft.sum().clamp(min=1e-6) + 2.0**-UNKNOWN_PAINT_BITS
    return -torch.log2(share)


def palette_bits(cells: torch.Tensor, bits: torch.Tensor, ask: torch.Tensor) -> torch.Tensor:
    """How many bits each px's colour costs under a palette. cells: of `cells_of`. bits: of `palette`. ask: bool [h, w],
    px whose price is wanted. Returns [number of True px in ask]."""
    return bits.index_select(0, _told(cells, ask))


def paint_counts(cells: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """How many True px of `where`, bool [h, w], lie in each cell of colour space: int64 [cells]. cells: of
    `cells_of`."""
    return torch.bincount(_told(cells, where), minlength=PALETTE_BINS**3)


def painted_alike(cells: torch.Tensor, inside: torch.Tensor, region: torch.Tensor, counts: torch.Tensor,
                  corner: tuple[int, int] = (0, 0)) -> float:
    """How much of a drawing has a region's colours, without the region: 0..1.

    cells: of `cells_of`. inside: bool [h, w], px of the drawing. region: bool, the px that ask, in a
    box of the drawing whose first px is `corner` (x, y); they do not count themselves, nor do what they blend into
    around them. counts: paint_counts of `inside`, once for all regions."""
    n, (x, y), (rh, rw) = PALETTE_BINS, corner, region.shape
    left, top = max(0, x - BLENDS), max(0, y - BLENDS)
    at = (slice(top, y + rh + BLENDS), slice(left, x + rw + BLENDS))
    here = torch.zeros_like(inside[at])
    here[y - top:y - top + rh, x - left:x - left + rw] = region
    around = torch.nn.functional.max_pool2d(here[None, None].float(), 2 * BLENDS + 1, 1, BLENDS)[0, 0] > 0
    near = cells[at]
    count = (counts - paint_counts(near, inside[at] & around)).float()
    ask = paint_counts(near, here).float()
    alike = torch.nn.functional.avg_pool3d(count.reshape(1, 1, n, n, n), 3, 1, 1).reshape(-1) * 27  # their sum
    return float((alike * ask).sum() / ask.sum().clamp(min=1) / count.sum().clamp(min=1))


def common_paints(c: torch.Tensor, cells: torch.Tensor, sure: torch.Tensor) -> tuple[torch.Tensor, list[float]]:
    """The paints that most of a drawing is done in, and its purest ones: (colours [m, 3], their prices in bits).

    c: [3, h, w] levels relative to GREY. cells: of `cells_of`. sure: bool [h, w], px that certainly show the drawing.
    The purest are those farthest out in one of 26 directions of colour space: nothing is a blend of others out there
    (Boardman's pixel purity), as a thin dark outline that most px show blended with a fill."""
    at, n = places_of(sure), PALETTE_BINS
    cell = taken(cells, at).cpu().numpy().astype(np.intp)  # as bincount wants it, once for all
    count = np.bincount(cell, minlength=n**3).reshape(n, n, n)
    sums = np.stack([np.bincount(cell, taken(plane, at).cpu().numpy(), minlength=n**3)
                     for plane in c], -1).reshape(n, n, n, 3)
    total, found, prices, covered = max(1, int(count.sum())), [], [], np.zeros(count.shape, bool)
    used = np.argwhere(count > 0)
    if not len(used):
        return torch.zeros((0, 3), device=c.device), []
    masses = _summed_around(count)[tuple(used.T)]
    means = sums[tuple(used.T)] / count[tuple(used.T)][:, None]
    heavy = masses > total * 2.0**-PURE_PAINT_BITS
    pure = {int(np.argmax(np.where(heavy, means @ d, -np.inf))) for d in DIRECTIONS} if heavy.any() else set()
    common = [k for k in np.argsort(-masses, kind="stable") if masses[k] > total * 2.0**-COMMON_PAINT_BITS]
    purest = sorted(pure, key=lambda k: -masses[k])
    for group, most in ((purest, len(pure)), (common, PAINTS)):
        for k in group:
            near = _around(used[k])
            if covered[tuple(used[k])] or most == 0:
                continue
            covered[near] = True
            most -= 1
            # around a purest one lie its blends with others, around a common one its shades and noise
            found.append(_fullest(count[near], sums[near]) if group is purest
                         else sums[near].sum((0, 1, 2)) / masses[k])
            prices.append(-float(np.log2(masses[k] / total)))
    return torch.tensor(np.array(found), dtype=torch.float32, device=c.device).reshape(-1, 3), prices


def fills_away(c: torch.Tensor, sure: torch.Tensor, colours: torch.Tensor, line: int) -> torch.Tensor:
    """What it costs, bits, to see paints in places that lie far from the areas which they fill: float32 [m, h', w'], h'
    and w' on a grid of `line` px.

    c: [3, h, w] levels relative to GREY. sure: bool [h, w], px that certainly show the drawing. colours: [m, 3], of
    `common_paints`. line: px that a line is wide. Lines cost nothing anywhere: an outline may show its ink only
    blended, far from all pure px."""
    picture = c[:, ::line, ::line].cpu().numpy()
    shown = sure[::line, ::line].cpu().numpy()
    out = np.zeros((len(colours), *shown.shape), np.float32)
    off = np.empty_like(picture[0])
    for paint, far in zip(colours.cpu().numpy(), out, strict=True):
        has = shown.copy()
        for plane, level in zip(picture, paint, strict=True):
            has &= np.abs(np.subtract(plane, level, out=off), out=off) < ALIKE
        has = has.view(np.uint8)
        deep = cv2.erode(has, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
        if np.count_nonzero(deep) > FILLED * np.count_nonzero(has):
            far[:] = cv2.distanceTransform(1 - has, cv2.DIST_L2, 3)
    return torch.from_numpy(np.minimum(out * FILL_BITS, MOST_FILL_BITS)).to(c.device)


def _fullest(count: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """The mean colour of the fullest cell. count: [...] px, sums: [..., 3] of their colours."""
    k = int(count.argmax())
    return sums.reshape(-1, 3)[k] / count.reshape(-1)[k]


def _summed_around(count: np.ndarray) -> np.ndarray:
    """Of every cell of a cube [n, n, n], the sum of the whole numbers in it and in the 26 cells around it."""
    for axis in range(3):
        along = np.moveaxis(count, axis, 0)
        total = along.copy()
        total[1:] += along[:-1]
        total[:-1] += along[1:]
        count = np.moveaxis(total, 0, axis)
    return count


def _around(bin_: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(max(0, k - 1), k + 2) for k in bin_)


def diffused(c: torch.Tensor, seeds: np.ndarray) -> torch.Tensor:
    """The colour of the nearest seeds, softly. c: [3, h, w]. seeds: bool [h, w]. Returns [3, h, w]."""
    h, w = seeds.shape
    half = ((w + 1) // 2, (h + 1) // 2)
    weight = seeds.astype(np.float32)
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    out = np.empty(c.shape, np.float32)
    planes = [cv2.resize(np.multiply(p, weight, out=out[0]), half, interpolation=cv2.INTER_AREA)
              for p in c.cpu().numpy()]
    least = np.maximum(small_weight, 1e-6)
    small = cv2.merge([np.divide(p, least, out=p) for p in planes])
    small = push_pull(small, np.minimum(small_weight * 2, 1))
    for plane, far in zip(cv2.split(small), out, strict=True):
        cv2.resize(plane, (w, h), dst=far, interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(out).to(c.device)


def find_colour(c: torch.Tensor, b: torch.Tensor, want: torch.Tensor, spread: torch.Tensor, price: torch.Tensor,
                rim: torch.Tensor, inside: torch.Tensor, noise: float, radius: int,
                paints: tuple[torch.Tensor, list[float]], away: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The drawing's own colour for px that may be mixed with the background.

    c: mean colour [3, h, w]. b, spread: the background and the diffused sure colour, which is always a candidate, of
    the px that ask [3, p]. want: bool [h, w], those px. price: [h, w], bits of a px's colour as paint; inf where a px
    cannot lend its colour. rim: bool [p], outermost px, which are blends. inside: [p] 0..1, how far the masks hold px
    that differ from the background for sure. noise: levels. paints: the drawing's common ones and their prices,
    candidates everywhere. away: [m, p], what each of them costs besides, because it is far away.
    Returns (F [3, p], distance off the mixing line [p]), in torch.nonzero order of `want`.
    The cheapest explanation wins: distance off the mixing line through B and F, plus the price of the paint F. So a
    blend of a common paint with the background beats a paint of its own that nothing else of the drawing has.
    """
    device, (h, w) = c.device, want.shape
    width = w + 2 * radius
    at = places_of(want)
    at = at + torch.div(at, w, rounding_mode="floor") * (2 * radius) + radius * (width + 1)
    # candidates by number: first the px, with a rim of none around them, then the common paints
    offsets, own = _search_offsets(radius), len(paints[1])
    beside, first_own = len(offsets), (h + 2 * radius) * width
    shown = lambda x: x[:first_own].view(-1, width)[radius:radius + h, radius:radius + w]  # noqa: E731
    planes = [torch.empty(first_own + own, device=device) for _ in c]
    for plane, seen, paint in zip(planes, c, paints[0].T, strict=True):
        shown(plane).copy_(seen)
        plane[first_own:] = paint
    prices = torch.full_like(planes[0], float("inf"))
    shown(prices).copy_(price)
    prices[first_own:] = torch.tensor(paints[1], device=device) + PAINT_BITS
    number = torch.tensor([dy * width + dx for dy, dx in offsets], device=device)[:, None]
    far_bits = torch.tensor([FAR_BITS * float(np.hypot(dy, dx)) for dy, dx in offsets], device=device)[:, None]
    colour, off = torch.empty_like(b), torch.empty_like(b[0])
    scale = 1 / (LINE_SPREAD * max(1.0, noise / 2)) ** 2

    def judge(F: Sequence[torch.Tensor], B: Sequence[torch.Tensor], D: Sequence[torch.Tensor], D2: torch.Tensor,
              rims: torch.Tensor, doubts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        line = [paint - behind for paint, behind in zip(F, B, strict=True)]
        length2, along = _dot(line, line).clamp_(min=1.0), _dot(D, line)
        share = (along / length2).clamp_(0, 1)
        miss2 = (D2 + share * (share * length2 - 2 * along)).clamp_(min=0)  # |D - share line|^2
        cost = (miss2 * scale).add_(1).log2_().mul_(1.5)
        cost.addcmul_(length2.sqrt_().mul_(-1 / NEAR).exp_(), doubts)
        return cost.addcmul_(rims, (share > PURE).float()), miss2

    for start in range(0, len(at), CHUNK):
        part = slice(start, start + CHUNK)
        place, B = at[part], b[:, part]
        D = [plane.index_select(0, place) - behind for plane, behind in zip(planes, B, strict=True)]
        # what judge is told of each px. Within the masks a paint that is like the background is no worse than others
        asks = [*B, *D, _dot(D, D), rim[part].float() * RIM_BITS, (1 - inside[part]) * NEAR_BITS]
        best, best_miss2 = judge(spread[:, part], asks[:3], asks[3:6], *asks[6:])
        best += SPREAD_BITS
        source = torch.full_like(place, -1)
        together = max(1, CHUNK // len(place))  # candidates that are judged at once
        for group in [slice(k, min(end, k + together)) for begin, end in ((0, beside), (beside, beside + own))
                      for k in range(begin, end, together)]:
            if group.start < beside:
                them = (place + number[group]).view(-1)
                least = prices.index_select(0, them).view(-1, len(place)) + far_bits[group]
            else:
                paint = slice(group.start - beside, group.stop - beside)
                least = prices[first_own:][paint, None] + away[paint, part]
            # most cost too much already, whatever they look like
            open_ = places_of(below(least, best))
            if not len(open_):
                continue
            who = open_ if len(least) == 1 else open_ % len(place)
            if group.start < beside:
                them = them.index_select(0, open_)
            else:
                them = torch.div(open_ - who, len(place), rounding_mode="floor") + (first_own + paint.start)
            mine = [x.index_select(0, who) for x in asks]
            cost, miss2 = judge([plane.index_select(0, them) for plane in planes], mine[:3], mine[3:6], *mine[6:])
            cost.add_(least.view(-1).index_select(0, open_))
            wins = _winners(cost, who, open_, best, len(least))
            won = who.index_select(0, wins)
            for mine, theirs in ((best, cost), (best_miss2, miss2), (source, them)):
                mine.index_copy_(0, won, theirs.index_select(0, wins))
        off[part] = best_miss2.sqrt()
        lent, index = source >= 0, source.clamp_(min=0)
        for plane, soft, out in zip(planes, spread[:, part], colour[:, part], strict=True):
            torch.where(lent, plane.index_select(0, index), soft, out=out)
    return colour, off


def _winners(cost: torch.Tensor, who: torch.Tensor, places: torch.Tensor, best: torch.Tensor,
             rows: int) -> torch.Tensor:
    """Which candidates are cheaper than the best so far of the px that asks, and the first cheapest of those judged
    with them: their indices. cost: [m]. who: [m], the px that asks. places: [m], theirs in a table of `rows` candidates
    of every px. best: [n]."""
    if rows == 1:
        return places_of(below(cost, best.index_select(0, who)))
    table = torch.full((rows * len(best),), float("inf"), device=cost.device).index_copy_(0, places, cost)
    number = torch.zeros(len(table), dtype=torch.long, device=cost.device)
    number.index_copy_(0, places, torch.arange(len(cost), device=cost.device))
    least, row = table.view(rows, -1).min(0)
    better = places_of(below(least, best))
    return number.index_select(0, row.index_select(0, better) * len(best) + better)


def _dot(x: Sequence[torch.Tensor], y: Sequence[torch.Tensor]) -> torch.Tensor:
    """Sum over the three channels of x * y."""
    return (x[0] * y[0]).addcmul_(x[1], y[1]).addcmul_(x[2], y[2])
