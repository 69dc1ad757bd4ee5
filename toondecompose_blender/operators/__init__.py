"""One operator per file; each only parses, asks the rest to work, and reports."""

from __future__ import annotations

from . import (
    add_to_sequencer,
    cancel,
    compare,
    composite_collection,
    copy_report,
    decompose,
    drop_result,
    find_result,
    forget_result,
    hint_layers,
    import_placed,
    import_result,
    open_folder,
    queue_edit,
    refine,
    rename_sprite,
    replace_source,
    retime,
    show_sprites,
    sprite_drawings,
    test_backend,
    x_sheet,
)

_MODULES = (decompose, cancel, copy_report, test_backend, queue_edit, import_result, drop_result, open_folder,
            forget_result, add_to_sequencer, show_sprites, replace_source,
            x_sheet, sprite_drawings, retime, compare, import_placed, refine, hint_layers, find_result,
            composite_collection, rename_sprite)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
