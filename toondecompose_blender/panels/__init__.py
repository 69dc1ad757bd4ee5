"""The ToonDecompose tab of the Sequencer's side bar, the Sprite tab of the 3D view's, and the Dope Sheet's numbers.
Panels only draw."""

from __future__ import annotations

from . import advanced, dope_sheet, hints, menus, pictures, presets, queue, result, shot, sprite_panel

_MODULES = (pictures, presets, shot, queue, advanced, result, hints, sprite_panel, dope_sheet, menus)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
