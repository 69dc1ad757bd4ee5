"""How the engine's threads wait and share. Call before NumPy and torch are imported: both read their settings once."""

from __future__ import annotations

import os


def wait_politely() -> None:
    """Let idle OpenMP threads sleep instead of spinning.

    Torch's threads spin between kernels by default. On a machine that does anything else at the same time, Blender's
    own drawing for one, the spinning takes the core that the other thread needs: 300 CPU-seconds for a job of 47.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def share_no_sums() -> None:
    """Let NumPy's matrix products run on one thread, whatever the environment says.

    OpenBLAS shares a product's sums among its threads, and adds them up in another order for every number of these. In
    one shot motions differed by a ten-thousandth of a pixel between one thread and two: enough for other bytes, and for
    masks that differed by .0006 of their overlap.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
