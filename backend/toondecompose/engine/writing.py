"""Turns finished layers into the files of a result folder: drawings, maps, previews, and the quality figures."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from ..formats.result import Result, Sprite
from ..io.png import to_uint16, write_png
from ..output.contact_sheet import frame_thumbnail, sheet_frames, write_contact_sheet
from ..output.layers import LayerRenderer, Part, shown_part
from ..output.preview import MAGENTA, PreviewWriter, sprites_of
from ..output.recompose import recompose_frame
from .clip import FrameSource
from .quality import frame_psnr, low_frames
from .shot import ShotResult
from .types import SolvedLayer

# PNGs that are packed at the same time: OpenCV lets go of Python meanwhile; each holds a 16-bit canvas
WRITERS = min(4, os.cpu_count() or 1)
# of drawings that are kept for the metrics and previews, so that they need not be read back; others are
KEPT_MB = 256


def merge_shots(shots: list[ShotResult], count: int) -> list[SolvedLayer]:
    """The layers of all shots in one list, back to front; a layer is not shown outside its own shot."""
    merged = []
    start = 0
    for i, shot in enumerate(shots):
        for layer in shot.layers:
            frames = len(layer.exposure)
            exposure = np.full(count, -1)
            exposure[start:start + frames] = layer.exposure
            H = np.tile(np.eye(3), (count, 1, 1))
            # outside its shot a layer stays where it was last: no jump in the curves next to the cut
            H[:start], H[start:start + frames], H[start + frames:] = layer.H[0], layer.H, layer.H[-1]
            opacity = np.ones(count)
            opacity[start:start + frames] = layer.opacity
            name = layer.name if len(shots) == 1 else f"shot{i + 1} {layer.name}"
            merged.append(SolvedLayer(name, layer.kind, layer.drawings, exposure, H, opacity, layer.model,
                                      layer.confidence, layer.seen))
        start += frames
    return merged


def folder_name(order: int, name: str) -> str:
    """Folder of a sprite: its order and a name that every file system takes."""
    return f"{order:02d}_{re.sub(r'[^A-Za-z0-9_-]+', '_', name).strip('_') or 'sprite'}"


def write_layers(output: Path, result: Result, layers: list[SolvedLayer],
                 check: Callable[[], None]) -> dict[str, Part]:
    """Write every drawing once and fill result.sprites -> what the drawings show, by their files' names, as far as it
    is worth the memory. The layers' own lists are emptied meanwhile: canvases are large. check() raises when the job is
    cancelled."""
    parts: dict[str, Part] = {}
    room = KEPT_MB * 2**20
    for order, layer in enumerate(layers):
        folder = Path("sprites") / folder_name(order, layer.name)
        (output / folder / "drawings").mkdir(parents=True, exist_ok=True)
        names = []
        # Renderers multiply by alpha in the file's own depth: where that is 8 bits, every soft layer adds a rounding
        # error, and stacked soft edges show it.
        soft = any(_is_soft(part) for part in layer.drawings.parts)
        width, height = layer.drawings.size
        with ThreadPoolExecutor(WRITERS) as writers:
            written = []
            for i in range(len(layer.drawings)):
                check()
                drawing = layer.drawings.pop(0)
                names.append((folder / "drawings" / f"{i + 1:04d}.png").as_posix())
                written.append(writers.submit(_write_drawing, output / names[-1], drawing, soft))
                if len(written) > WRITERS:  # a disk that is full is noticed soon, and few 16-bit pictures wait
                    written.pop(0).result()
                part = shown_part(drawing, whole=order == 0 and layer.kind == "background")
                room -= part.rgba.nbytes
                if room > 0:
                    parts[names[-1]] = part
            for done in written:
                done.result()
        seen = None
        if layer.seen is not None:
            seen = (folder / "seen.png").as_posix()
            write_png(output / seen, layer.seen)
        result.sprites.append(Sprite(
            name=layer.name, order=order, kind=layer.kind, canvas_size=(width, height), drawings=names,
            exposure=[None if d < 0 else int(d) for d in layer.exposure], transform=layer.H / layer.H[:, 2:, 2:],
            opacity=np.round(layer.opacity, 6), motion_model=layer.model,
            confidence=round(float(layer.confidence), 4), seen=seen))
    return parts


def _is_soft(drawing: np.ndarray) -> bool:
    alpha = cv2.extractChannel(drawing, 3)
    return bool(((alpha > 0) & (alpha < 255)).any())


def _write_drawing(path: Path, drawing: np.ndarray, soft: bool) -> None:
    write_png(path, to_uint16(drawing) if soft else drawing)


def write_pictures(output: Path, result: Result, source: FrameSource, shots: list[ShotResult],
                   report: Callable[[float], None], parts: dict[str, Part] | None = None,
                   warn: Callable[[str], None] = lambda sentence: None) -> dict:
    """Recompose every frame for the metrics, and write preview.mp4, contact_sheet.png and unresolved.png.

    parts: drawings that need not be read back, from write_layers. warn: takes a sentence about what did not succeed."""
    figures = []
    renderer, sprites = LayerRenderer(output, result, parts=parts), sprites_of(result)
    on_sheet = dict.fromkeys(sheet_frames(result.clip))
    with PreviewWriter(output / "preview.mp4", result, with_source=True) as preview:
        for t in range(source.count):
            frame = source.read(t)
            recomposed = recompose_frame(output, result, t, renderer)
            figures.append(frame_psnr(recomposed, frame))
            alone = renderer.frame(t, sprites, MAGENTA)
            preview.add(recomposed, alone, frame)
            if t in on_sheet:
                on_sheet[t] = [frame_thumbnail(picture, result.clip) for picture in (recomposed, alone)]
            report(0.8 * (t + 1) / source.count)
    result.preview = "preview.mp4"
    unresolved = [shot.unresolved for shot in shots if shot.unresolved is not None]
    share = 0.0
    if unresolved:
        whole = np.max([cv2.resize(u, source.size, interpolation=cv2.INTER_LINEAR) for u in unresolved], axis=0)
        share = float((whole > 127).mean())
        write_png(output / "unresolved.png", whole)
        result.unresolved = "unresolved.png"
    write_contact_sheet(output, result, source, renderer=renderer, shown=on_sheet)
    result.contact_sheet = "contact_sheet.png"
    report(1.0)
    held_out = {}
    for name in ("foreground", "edge_band", "frame"):
        figures_of_shots = [s.report["held_out"][name] for s in shots if s.report["held_out"][name] is not None]
        held_out[name] = round(float(np.mean(figures_of_shots)), 2) if figures_of_shots else None
    low = low_frames(figures, result.clip.frame_start, max((shot.grain for shot in shots), default=0.0))
    if low is not None:
        warn(low)
    return {"recomposition_psnr_mean": round(float(np.mean(figures)), 3),
            "recomposition_psnr_min": round(float(np.min(figures)), 3),
            "held_out_psnr": held_out,
            "unresolved_share": round(share, 5),
            "confidence": {s.name: s.confidence for s in result.sprites}}
