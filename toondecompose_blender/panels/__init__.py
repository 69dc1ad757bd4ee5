"""The ToonDecompose tab of the Sequencer's side bar. Panels only draw."""

from __future__ import annotations

from . import advanced, pictures, result, shot, sprite_panel

_MODULES = (pictures, shot, advanced, result, sprite_panel)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
