"""The ToonDecompose tab of the Sequencer's side bar. Panels only draw."""

from __future__ import annotations

from . import advanced, hints, menus, pictures, presets, queue, result, shot, sprite_panel

_MODULES = (pictures, presets, shot, queue, advanced, result, hints, sprite_panel, menus)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
