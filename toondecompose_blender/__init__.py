"""ToonDecompose in Blender: strips of the Video Sequencer become sprites, drawings, exposures and moves.

The computing happens in a child process (`session/`); nothing here needs torch or OpenCV. bpy is imported when the
add-on is registered, so that `session/` and the mathematics can be used and tested without Blender.
"""

from __future__ import annotations

import importlib
from types import ModuleType

# in order: later ones use what earlier ones register
_MODULES = ("properties", "preferences", "operators", "panels")


def _modules() -> list[ModuleType]:
    return [importlib.import_module(f"{__package__}.{name}") for name in _MODULES]


def register() -> None:
    """Called by Blender. All or nothing: a part that fails takes the registered ones back with it."""
    done: list[ModuleType] = []
    try:
        for module in _modules():
            module.register()
            done.append(module)
    except Exception:
        for module in reversed(done):
            module.unregister()
        raise


def unregister() -> None:
    """Called by Blender. The child process and the timer end first: they use what is taken away."""
    from . import running

    running.stop()
    for module in reversed(_modules()):
        module.unregister()
