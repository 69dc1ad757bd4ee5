"""Which device a job would run on, for the first message and for the doctor."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path


def memory_mb() -> int:
    """This computer's memory, MB; within a container, what the container may use; 0 where unknown."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):
        total = _windows_memory_mb() if os.name == "nt" else 0
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()  # control groups, version 2
    except OSError:
        return total
    return min(total, int(limit) // 2**20) if limit.isdigit() else total


def _windows_memory_mb() -> int:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong),
                    *((name, ctypes.c_ulonglong) for name in ("total", "free", "page_total", "page_free", "virtual",
                                                              "virtual_free", "extended"))]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status.total // 2**20


def cpu_name() -> str:
    """The processor's name, e.g. for the add-on's preferences."""
    if sys.platform.startswith("linux"):
        try:
            for line in Path("/proc/cpuinfo").read_text().splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
        except OSError:
            pass  # some containers hide it; the generic name below does
    return platform.processor() or platform.machine()


def device_for(wanted: str) -> tuple[str, str, int]:
    """(device, its name, its memory in MB) that a job asking for `wanted` gets. Imports torch.

    UserError when that device is not here.
    """
    import torch

    from ..engine.devices import choose_device

    device = choose_device(wanted)
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        return device, properties.name, properties.total_memory // 2**20
    return device, cpu_name(), memory_mb()
