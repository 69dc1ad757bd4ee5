"""Compare with the source: render frames, measure them against the frames that were decomposed, show the difference."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from toondecompose.formats.errors import UserError
from toondecompose.formats.job import read_job

from .. import versions
from ..folders import JOB_FILE, JOB_FOLDER
from .drawings import result_folder

AMPLIFIED = 8  # differences are shown this many times larger: 1/8 of the range is already white
COMPARED = "compared"  # folder for difference pictures, inside the result's


@dataclass(frozen=True)
class Comparison:
    """One frame. psnr_db: of the rendered picture against the source, inf where they are equal. difference: float32
    [h, w, 3], 0..1, amplified."""

    frame: int
    psnr_db: float
    worst: int
    difference: np.ndarray


def source_files(root: Any, folder: str = "") -> list[Path]:
    """The clip's source frames in order: of a folder that was chosen, else those that the result's job names."""
    count = int(root["td_frame_count"])
    if folder:
        base = Path(bpy.path.abspath(folder))
        entries = sorted(base.iterdir()) if base.is_dir() else []
        files = [path for path in entries if path.suffix.lower() in bpy.path.extensions_image]
        if len(files) != count:
            raise UserError(f"“{base}” has {len(files)} pictures, but the clip has {count} frames; choose the "
                            "folder of the frames that were decomposed.")
        return files
    job = result_folder(root) / JOB_FOLDER / JOB_FILE
    if not job.is_file():
        raise UserError(f"“{root['td_clip']}” does not say where its source frames are; choose their folder.")
    files = read_job(job).frame_paths(job.parent)
    missing = next((path for path in files if not path.is_file()), None)
    if len(files) != count or missing:
        raise UserError(f"The source frame “{missing or job}” is not there any more; choose the frames' folder.")
    return files


def read_picture(path: Path) -> np.ndarray:
    """A picture file's own values, colour times alpha: float32 [h, w, 3], 0..1, top row first."""
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise UserError(f"“{path}” cannot be opened as a picture; check the file.") from error
    try:
        image.colorspace_settings.name = "Non-Color"
        image.alpha_mode = "CHANNEL_PACKED"
        w, h = image.size
        if not w:
            raise UserError(f"“{path}” cannot be opened as a picture; check the file.")
        pixels = np.empty(w * h * 4, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    pixels = pixels.reshape(h, w, 4)[::-1]
    return pixels[..., :3] * pixels[..., 3:]


def compare(context: Any, root: Any, frames: list[int], sources: list[Path]) -> Iterator[Comparison]:
    """Render frames of the scene in view and compare them with the source, one after another."""
    scene = context.scene
    first = int(root["td_frame_start"])
    with _rendering(scene), tempfile.TemporaryDirectory() as folder:
        for frame in frames:
            if not 0 <= frame - first < len(sources):
                raise UserError(f"Frame {frame} is not in the clip, which has the frames {first} to "
                                f"{first + len(sources) - 1}.")
            path = Path(folder) / "frame.png"
            scene.frame_set(frame)
            scene.render.filepath = versions.literal_path(str(path))
            bpy.ops.render.render(write_still=True, scene=scene.name)
            yield measure(frame, read_picture(path), read_picture(sources[frame - first]))


def measure(frame: int, rendered: np.ndarray, source: np.ndarray) -> Comparison:
    """Compare two pictures float32 [h, w, 3], 0..1."""
    if rendered.shape != source.shape:
        raise UserError(f"The scene renders {rendered.shape[1]} x {rendered.shape[0]} px, the source has "
                        f"{source.shape[1]} x {source.shape[0]} px; set the scene's resolution to the source's.")
    error = np.abs(rendered - source)
    mean_square = float(np.mean(error.astype(np.float64) ** 2))
    psnr = float("inf") if mean_square == 0 else -10 * np.log10(mean_square)
    return Comparison(frame, float(psnr), round(float(error.max()) * 255), np.clip(error * AMPLIFIED, 0, 1))


@contextmanager
def _rendering(scene: Any) -> Iterator[None]:
    """Whole frames as 8-bit PNG; the scene's own settings come back."""
    render, settings = scene.render, scene.render.image_settings
    kept = {name: getattr(render, name) for name in ("filepath", "use_border", "use_file_extension", "use_overwrite",
                                                     "resolution_percentage", "use_sequencer")}
    kept_settings = {name: getattr(settings, name) for name in ("file_format", "color_mode", "color_depth")}
    frame = scene.frame_current
    try:
        render.use_border, render.use_file_extension, render.use_overwrite = False, True, True
        render.resolution_percentage = 100
        render.use_sequencer = False  # strips in this scene would be rendered instead of its sprites
        versions.set_png_output(scene)
        settings.color_mode = "RGBA"
        yield
    finally:
        for name, value in kept_settings.items():
            setattr(settings, name, value)
        for name, value in kept.items():
            setattr(render, name, value)
        scene.frame_set(frame)


def show_difference(root: Any, comparison: Comparison) -> Any:
    """The difference as an image data-block named after the clip, for the Image Editor. Returns it."""
    name = f"{root['td_clip']} difference"
    h, w = comparison.difference.shape[:2]
    image = bpy.data.images.get(name)
    if image is None or image.source != "GENERATED":
        image = bpy.data.images.new(name, w, h)
    if tuple(image.size) != (w, h):
        image.scale(w, h)
    image.colorspace_settings.name = "sRGB"
    pixels = np.ones((h, w, 4), np.float32)
    pixels[..., :3] = comparison.difference[::-1]
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    return image


def save_difference(image: Any, path: Path) -> None:
    """Write a difference picture as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
