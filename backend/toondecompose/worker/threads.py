"""How the engine's threads wait. Call before torch is imported: OpenMP reads its settings once."""

from __future__ import annotations

import os


def wait_politely() -> None:
    """Let idle OpenMP threads sleep instead of spinning.

    Torch's threads spin between kernels by default. On a machine that does anything else at the same time, Blender's
    own drawing for one, the spinning takes the core that the other thread needs: 300 CPU-seconds for a job of 47.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
