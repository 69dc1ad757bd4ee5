"""One operator per file; each only parses, asks the rest to work, and reports."""

from __future__ import annotations

from . import cancel, decompose, forget_result, import_result, open_folder, test_backend

_MODULES = (decompose, cancel, test_backend, import_result, open_folder, forget_result)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
