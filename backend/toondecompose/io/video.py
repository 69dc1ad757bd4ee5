"""Videos, frame by frame, through the ffmpeg that imageio brings."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..engine.clip import FrameSource
from ..formats.errors import UserError
from ..formats.job import MAX_FRAMES
from .png import read_rgb, write_png


def _frames(path: Path) -> Iterator[Any]:
    """imageio-ffmpeg's generator: first a dict about the video, then the frames' bytes, RGB."""
    import imageio_ffmpeg

    # -vsync passthrough: each stored frame once; the default would repeat and drop frames to keep a constant rate
    return imageio_ffmpeg.read_frames(str(path), pix_fmt="rgb24", output_params=["-fps_mode", "passthrough"])


def video_info(path: str | Path) -> dict[str, Any]:
    """What ffmpeg says about a video: 'size' (width, height) px as shown, 'fps', 'duration' s."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"“{path}” does not exist; check the path.")
    if path.stat().st_size == 0:
        raise UserError(f"“{path}” is empty (0 bytes); render the video again.")
    frames = _frames(path)
    try:
        return next(frames)
    except (OSError, RuntimeError, StopIteration, ValueError, KeyError, IndexError) as error:
        raise UserError(f"“{path}” cannot be read as a video; it may be damaged or of a kind that is not "
                        "supported.") from error
    finally:
        frames.close()


def read_video(path: str | Path) -> Iterator[np.ndarray]:
    """The frames of a video in order, uint8 RGB [h, w, 3], one at a time."""
    info = video_info(path)
    width, height = info["size"]
    frames = _frames(Path(path))
    with contextlib.closing(frames):
        next(frames)
        for data in frames:
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)


def open_video(path: str | Path, check: Callable[[], None] = lambda: None) -> FrameSource:
    """A video as a FrameSource. Its frames are unpacked once into a temporary folder, because the engine reads them in
    any order and seeking in a compressed video is neither exact nor fast; the folder goes with the source. check() is
    called per frame; it may raise to stop."""
    folder = Path(tempfile.mkdtemp(prefix="toondecompose-"))
    count = 0
    size = (0, 0)
    try:
        for frame in read_video(path):
            check()
            if count >= MAX_FRAMES:
                raise UserError(f"“{path}” has more than {MAX_FRAMES} frames; cut it into shots first.")
            write_png(folder / f"{count:07d}.png", frame)
            size = (frame.shape[1], frame.shape[0])
            count += 1
        if not count:
            raise UserError(f"“{path}” has no frames; render the video again.")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    source = FrameSource(lambda t: read_rgb(folder / f"{t:07d}.png"), count, size)
    weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    return source


class VideoWriter:
    """Writes an H.264 MP4 that every player shows, frame by frame. Use it with `with`.

    size: (width, height) px of the frames given; odd sizes get one more row or column, which H.264 needs.
    """

    def __init__(self, path: str | Path, size: tuple[int, int], fps: float, quality: float = 7.0):
        import imageio_ffmpeg

        self._pad = (size[1] % 2, size[0] % 2)
        even = (size[0] + self._pad[1], size[1] + self._pad[0])
        self._writer = imageio_ffmpeg.write_frames(
            str(path), even, fps=fps, codec="libx264", quality=quality, macro_block_size=2, ffmpeg_log_level="error",
            # one thread writes the same bytes everywhere; the colours are declared, or players guess them; slower
            # presets take twice the time for files of the same size
            output_params=["-threads", "1", "-preset", "veryfast", "-colorspace", "bt709", "-color_primaries", "bt709",
                           "-color_trc", "bt709", "-vf", "scale=out_color_matrix=bt709:flags=accurate_rnd",
                           "-movflags", "+faststart", "-fflags", "+bitexact", "-flags:v", "+bitexact",
                           "-map_metadata", "-1"])
        self._writer.send(None)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._writer.close()

    def add(self, frame: np.ndarray) -> None:
        """Add one frame, uint8 RGB [h, w, 3]."""
        if any(self._pad):
            frame = np.pad(frame, ((0, self._pad[0]), (0, self._pad[1]), (0, 0)), mode="edge")
        self._writer.send(np.ascontiguousarray(frame))
