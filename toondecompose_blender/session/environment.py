"""What the child inherits: an allow-list, so that Blender's own Python settings and hooks never reach it."""

from __future__ import annotations

from collections.abc import Mapping

_ALLOWED = frozenset({
    # who and where
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TEMP", "TMP",
    # Windows cannot start a process without these
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
    "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
    # which GPU, how many threads
    "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_PATH", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_DRIVER_CAPABILITIES", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ENABLE_MPS_FALLBACK", "CUBLAS_WORKSPACE_CONFIG",
    "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
})
_ALLOWED_PREFIXES = ("LC_", "XDG_", "TOONDECOMPOSE_")
_ALWAYS = {"PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of environ that a child may see. PYTHONPATH, LD_PRELOAD, VIRTUAL_ENV and others are not."""
    kept = {name: value for name, value in environ.items()
            if name.upper() in _ALLOWED or name.upper().startswith(_ALLOWED_PREFIXES)}
    return {**kept, **_ALWAYS}
