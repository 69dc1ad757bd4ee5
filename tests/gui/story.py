"""The whole story in a real window: strip, decompose, hints, Sequencer, import, X-sheet, time curve, compositor, back.

    blender --factory-startup --python tests/gui/story.py -- ZIP BACKEND_PYTHON FRAMES PICTURES [LAYERS [SPRITE PLANE]]

See README.md for how to run it. It plays with the engine's own result, whatever that is: SPRITE, or the one with most
drawings, is called “runner” and slowed down; PLANE, or the nearest background, is blurred.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
import steps

MODULE = "bl_ext.user_default.toondecompose"
# a real run of the demo clip takes minutes on a software-rendered machine, s
_LONGEST_RUN = 1200
# time for EEVEE to compile its shaders on a software renderer, s
_COMPILING = 45.0


def module(name: str):
    return importlib.import_module(f"{MODULE}.{name}")


def say(*words: object) -> None:
    print("GUI:", *words, flush=True)


def timeline():
    """The Sequencer's area with the strips."""
    return max((a for a in steps.window().screen.areas if a.type == "SEQUENCE_EDITOR"
                and a.spaces.active.view_type != "PREVIEW"), key=lambda a: a.width)


def install(zip_file: Path, python: Path) -> None:
    bpy.context.preferences.view.show_splash = False
    bpy.ops.extensions.package_install_files(filepath=str(zip_file), repo="user_default", enable_on_install=True)
    bpy.context.preferences.addons[MODULE].preferences.backend_python = str(python)
    for panel in (module("panels.hints").TOONDECOMPOSE_PT_hints,
                  module("panels.sprite_panel").TOONDECOMPOSE_PT_sprite_check):
        bpy.utils.unregister_class(panel)
        panel.bl_options = set()  # else it is closed until somebody opens it
        bpy.utils.register_class(panel)


def strip_and_run(scene, files: list[Path], layers: str, pictures: Path) -> Iterator[float]:
    """The strip, its panel, and a run of the backend."""
    bpy.context.workspace.sequencer_scene = scene
    scene.render.resolution_x, scene.render.resolution_y = module("pictures").picture_size(files[0])
    scene.frame_start, scene.frame_end = 1, len(files)
    steps.add_shot(scene, files, 1)
    steps.no_file_browser()
    scene.view_settings.view_transform = "Standard"
    scene.frame_set(len(files) // 2)
    area = timeline()
    with steps.override(area):
        bpy.ops.sequencer.view_all()
    yield from steps.raise_area(area, 160)
    steps.mouse_away()
    yield 1.0
    yield from steps.side_bar(area, "ToonDecompose")
    steps.shot(pictures, "panel_before")
    settings = scene.toondecompose
    if layers != "auto":
        settings.count_mode, settings.count = "number", int(layers)
    with steps.override(area):
        say("decompose", bpy.ops.toondecompose.decompose("INVOKE_DEFAULT"))
    board, end, wanted = module("running").board, time.monotonic() + _LONGEST_RUN, [0.3, 0.5, 0.7]
    while board.queue.busy:
        current = board.queue.current
        if current is not None and wanted and current.state.fraction >= wanted[0]:
            yield 0.5
            steps.shot(pictures, f"panel_during_{round(100 * wanted.pop(0))}")
        assert time.monotonic() < end, "the run took too long"
        yield 0.3
    say("ended", board.notice, [r.state.phase for r in board.queue.finished])
    yield 1.5
    steps.shot(pictures, "panel_after")


def drawn_hint(scene, name: str, pictures: Path) -> Iterator[float]:
    """A stroke over the preview, drawn with the mouse on a sprite's layer; what it becomes is printed."""
    preview = steps.area_of("SEQUENCE_EDITOR", "PREVIEW")
    region = next(r for r in preview.regions if r.type == "PREVIEW")
    with bpy.context.temp_override(window=steps.window(), area=preview, region=region):
        bpy.ops.sequencer.view_all_preview()
        say("hint layers", bpy.ops.toondecompose.hint_layers())
        bpy.ops.toondecompose.hint_choose(layer=name)
    yield 1.0
    # (x, y) from the frame's middle, y up, in px of the frame
    drawn = [(10, -5), (0, -20), (5, -40), (15, -55)]
    places = [region.view2d.view_to_region(*point, clip=False) for point in drawn]
    screen = [(region.x + x, steps.window().height - (region.y + y)) for x, y in places]
    for i, (x, y) in enumerate(screen):
        subprocess.run(["xdotool", "mousemove", str(x), str(y)], check=True)
        yield 0.3
        if i == 0:
            subprocess.run(["xdotool", "mousedown", "1"], check=True)
            yield 0.3
    subprocess.run(["xdotool", "mouseup", "1"], check=True)
    steps.mouse_away()
    yield 1.0
    read_result = importlib.import_module("toondecompose.formats.result").read_result
    found = module("operators.refine").collect(bpy.context, read_result(
        module("results").folder_of(scene.toondecompose.results[0])))
    w, h = scene.render.resolution_x, scene.render.resolution_y
    say("hint", {**found[0], "points": len(found[0]["points"])})
    say("drawn", [(x + w / 2, h / 2 - y) for x, y in drawn], "read", found[0]["points"][0], found[0]["points"][-1])
    steps.scroll_side_bar(timeline(), down=True)
    yield 1.0
    steps.shot(pictures, "hints")
    for layer, _ in module("operators.refine").layers_in_view(bpy.context):
        layer.annotation_hide = True  # the next pictures are about something else
    with steps.override(preview):
        bpy.ops.wm.tool_set_by_id(name="builtin.select_box")


def in_the_sequencer(scene, name: str, pictures: Path) -> Iterator[float]:
    """Every sprite as a strip, one shown alone; afterwards the strips are taken away again."""
    area, board = timeline(), module("running").board
    sprites = scene.toondecompose.results[0].sprites
    with steps.override(area):
        say("to the Sequencer", bpy.ops.toondecompose.add_to_sequencer())
    while board.queue.busy:
        yield 0.3
    say("ended", board.notice)
    with steps.override(area):
        bpy.ops.sequencer.view_all()
        bpy.ops.toondecompose.solo_sprite(index=len(sprites) - 1 - sprites.find(name))
    steps.scroll_side_bar(area, down=False)
    yield 3.0
    steps.shot(pictures, "sequencer")
    strips = scene.sequence_editor.strips
    for strip in list(strips):
        if module("strips").is_sprite(strip):
            strips.remove(strip)
        else:
            strip.mute = False


def drawings(scene, imported, name: str, pictures: Path) -> Iterator[float]:
    """The camera's view, the sprite's drawings and sheet. Returns the areas of the Sprite tab and the Dope Sheet."""
    steps.window().workspace = bpy.data.workspaces["Animation"]
    yield 1.0
    steps.window().scene = imported
    sprite = imported.objects[name]
    for other in imported.objects:
        other.select_set(other == sprite)
    imported.view_layers[0].objects.active = sprite
    with steps.override(steps.area_of("VIEW_3D")):
        bpy.ops.toondecompose.rename_sprite(name="runner")  # its nodes are found by its first name all the same
    views = sorted((a for a in steps.window().screen.areas if a.type == "VIEW_3D"), key=lambda a: a.x)
    for view in views:
        view.spaces.active.region_3d.view_perspective = "CAMERA"
        view.spaces.active.shading.type = "MATERIAL"
        view.spaces.active.overlay.show_relationship_lines = False
        with steps.override(view):
            bpy.ops.view3d.view_center_camera()
    steps.mouse_away()
    yield _COMPILING
    yield from steps.side_bar(views[-1], "Sprite")
    sheet = steps.area_of("DOPESHEET_EDITOR")
    sheet.spaces.active.show_region_ui = False
    with steps.override(sheet):
        bpy.ops.anim.channels_select_all(action="SELECT")
        for _ in range(3):
            bpy.ops.anim.channels_expand(all=False)
        bpy.ops.action.view_all()
    yield 5.0
    steps.shot(pictures, "drawings")
    return views[-1], sheet


def unresolved(imported, view, pictures: Path) -> Iterator[float]:
    """The map of doubt over the camera's view, if the engine had any, and the Check panel."""
    steps.scroll_side_bar(view, down=True)
    with steps.override(view):
        try:
            say("unresolved", bpy.ops.toondecompose.show_unresolved())
        except RuntimeError as error:
            say("unresolved", error)
            return
        yield 3.0
        steps.shot(pictures, "unresolved")
        bpy.ops.toondecompose.show_unresolved()


def time_curve(imported, view, sheet, middle: int, pictures: Path) -> Iterator[float]:
    """Slow the sprite down in the first half of the shot, by its curve."""
    with steps.override(view):
        bpy.ops.toondecompose.retime_curve()
        imported.frame_set(middle)
        bpy.ops.toondecompose.retime_key(frame=middle / 2)
    steps.scroll_side_bar(view, down=True)
    sheet.ui_type = "FCURVES"
    yield 1.0
    with steps.override(sheet):
        bpy.ops.graph.view_all()
    yield 5.0
    steps.shot(pictures, "time_curve")


def blurred(imported, name: str, plane: str, pictures: Path) -> Iterator[float]:
    """Unmute a background's blur in the compositor."""
    steps.window().workspace = bpy.data.workspaces["Compositing"]
    yield 1.0
    steps.window().scene = imported
    compositor, tree = module("scene.compositor"), module("versions").compositor_tree(imported)
    compositor.find(tree, compositor.BLUR, plane).mute = False
    yield 2.0
    bpy.context.preferences.view.render_display_type = "NONE"
    bpy.ops.render.render("INVOKE_DEFAULT", scene=imported.name)
    yield 25.0
    picture = steps.area_of("IMAGE_EDITOR")
    picture.spaces.active.image = bpy.data.images["Render Result"]
    nodes = steps.area_of("NODE_EDITOR")
    nodes.spaces.active.show_region_ui = False
    nodes.spaces.active.show_region_asset_shelf = False
    yield 1.0
    with steps.override(picture):
        bpy.ops.image.view_all(fit_view=True)
    for node in tree.nodes:
        node.select = node.name.endswith((f": {name}", f": {plane}"))
    with steps.override(nodes):
        bpy.ops.node.view_selected()
    yield 2.0
    steps.shot(pictures, "compositor")


def replaced(scene, middle: int, pictures: Path) -> Iterator[float]:
    """The composited scene in the source's place."""
    steps.window().scene = scene
    steps.window().workspace = bpy.data.workspaces["Video Editing"]
    yield 2.0
    scene.frame_set(middle)
    area = timeline()
    with steps.override(area):
        say("replace", bpy.ops.toondecompose.replace_source())
        bpy.ops.sequencer.view_all()
    steps.mouse_away()
    yield 20.0
    steps.shot(pictures, "replaced")
    scene.render.filepath = str(pictures / "rendered.png")
    bpy.ops.render.render(write_still=True, scene=scene.name)


def story() -> Iterator[float]:
    zip_file, python, frames, pictures = (Path(a) for a in steps.arguments()[:4])
    layers = steps.arguments()[4] if len(steps.arguments()) > 4 else "auto"
    install(zip_file, python)
    folder, files = steps.film(frames, "film")
    yield 1.0
    steps.video_editing()
    yield 2.0
    scene, middle = bpy.context.scene, len(files) // 2
    yield from strip_and_run(scene, files, layers, pictures)
    sprites = scene.toondecompose.results[0].sprites
    if len(steps.arguments()) > 6:
        name, plane = steps.arguments()[5:7]
    else:
        name = max((s for s in sprites if s.kind == "sprite"), key=lambda s: s.drawings).name
        plane = next(s for s in sprites if s.kind == "background").name  # the nearest comes first in the list
    say("slows", name, "blurs", plane)
    yield from drawn_hint(scene, name, pictures)
    yield from in_the_sequencer(scene, name, pictures)
    steps.window().workspace = bpy.data.workspaces["Layout"]
    yield 1.0
    result = module("results").folder_of(scene.toondecompose.results[0])
    with bpy.context.temp_override(window=steps.window()):
        bpy.ops.toondecompose.import_result(filepath=str(result / "result.json"))
    imported = next(other for other in bpy.data.scenes if other != scene)
    imported.frame_set(middle)
    yield 1.0
    view, sheet = yield from drawings(scene, imported, name, pictures)
    yield from unresolved(imported, view, pictures)
    yield from time_curve(imported, view, sheet, middle, pictures)
    yield from blurred(imported, name, plane, pictures)
    yield from replaced(scene, middle, pictures)
    bpy.ops.wm.save_mainfile()
    say("saved", folder.name)


steps.run(story)
