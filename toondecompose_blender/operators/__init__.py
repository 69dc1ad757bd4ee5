"""One operator per file; each only parses, asks the rest to work, and reports."""

from __future__ import annotations

from . import (
    cancel,
    decompose,
    forget_result,
    import_result,
    open_folder,
    retime,
    sprite_drawings,
    test_backend,
    x_sheet,
)

_MODULES = (decompose, cancel, test_backend, import_result, open_folder, forget_result,
            x_sheet, sprite_drawings, retime)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
