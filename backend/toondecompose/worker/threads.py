"""How the engine's threads wait and share. Call before NumPy and torch are imported: both read their settings once."""

from __future__ import annotations

import os


def use_one_core() -> None:
    """Let torch and OpenCV compute on one thread, if the environment does not ask for more; let more of them sleep
    while they are idle.

    The engine's steps are small. Handing them to a second thread takes longer than what it saves: with two, the final
    mattes of a shot of 78 frames of 1280 x 720 px took half as much CPU time again, and a third more of wall clock.
    By default torch's threads also spin between kernels, on the core that Blender's drawing needs: 300 CPU-seconds for
    a job of 47.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")


def share_no_sums() -> None:
    """Let NumPy's matrix products run on one thread, whatever the environment says.

    OpenBLAS shares a product's sums among its threads, and adds them up in another order for every number of these. In
    one shot motions differed by a ten-thousandth of a pixel between one thread and two: enough for other bytes, and for
    masks that differed by .0006 of their overlap.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
