"""Is a process still there, and is it the same one?"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def start_time(pid: int) -> str | None:
    """When a process started, as an opaque text that no other process with this number shares; None where unknown."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        # field 22 of /proc/PID/stat; the name (field 2) may hold spaces and brackets
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return f"{boot}/{fields[19]}"


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs on this computer."""
    if pid <= 0:
        return False
    if os.name == "nt":
        return _is_alive_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _is_alive_windows(pid: int) -> bool:
    # os.kill(pid, 0) would end the process there
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
