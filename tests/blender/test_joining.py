"""A clip that joins a scene with a compositor, a 3D set or another clip: both are seen, nothing else is touched."""

import bpy
import numpy as np
import pytest
import rendering
import result_folders as rf
from fake_layout import drawn
from test_import import shot
from test_xsheet import activate

from toondecompose_blender import results, versions
from toondecompose_blender.panels import sprite_panel
from toondecompose_blender.scene import camera, compositor
from toondecompose_blender.scene.importer import ImportOptions, import_result
from toondecompose_blender.session.run import Origin

CURRENT = ImportOptions(scene="CURRENT")
GREEN = (0.0, 0.5, 0.0, 1.0)


@pytest.fixture
def ready(scene):
    """The current scene, set up as the clip wants it, so that pictures can be compared."""
    camera.match_clip(scene, (160, 90), 24.0, 1, 6)
    camera.exact_render(scene, "RAW")
    return scene


@pytest.fixture
def folder(tmp_path):
    return rf.make_result(tmp_path / "r", shot()[1:])  # no background: what is behind stays visible


def own_tree(scene):
    """A compositor tree as a person makes it: a green picture, brightened."""
    tree, final = versions.new_compositor_tree(scene, "mine")
    green, gain = tree.nodes.new("CompositorNodeRGB"), tree.nodes.new("CompositorNodeHueSat")
    green.outputs[0].default_value = GREEN
    gain.inputs["Value"].default_value = 1.0
    tree.links.new(green.outputs[0], gain.inputs["Image"])
    tree.links.new(gain.outputs[0], final)
    return tree


def wiring(tree):
    """Nodes with their places and settings, and links, of a tree."""
    return ({(n.name, n.bl_idname, tuple(n.location), n.mute) for n in tree.nodes},
            {(link.from_node.name, link.to_node.name, link.to_socket.identifier) for link in tree.links})


def over_green(sprites, t):
    picture = rf.reference(sprites, t)
    return picture + np.array([0, 127.5, 0, 255]) * (1 - picture[..., 3:] / 255)


def test_over_a_tree_of_ones_own(context, ready, folder, tmp_path):
    tree = own_tree(ready)
    nodes, links = wiring(tree)
    made = import_result(context, folder, CURRENT)
    after = versions.compositor_tree(ready)
    assert after == tree and nodes <= wiring(after)[0] and len(links - wiring(after)[1]) == 1  # the last one
    for t in (0, 4):
        got = rendering.render(ready, 1 + t, tmp_path / "o.png")
        assert rendering.worst(got, over_green(shot()[1:], t)) <= 1
    frame = next(n for n in after.nodes if n.bl_idname == "NodeFrame" and n.label == "shot")
    assert {n.label for n in after.nodes if n.parent == frame} >= {"girl", "mist"}
    lowest = min(place[1] for _, _, place, _ in nodes)
    assert all(n.location.y < lowest for n in after.nodes if n.name.startswith("Over: "))
    compositor.find(after, compositor.OVER, "girl").mute = True
    got = rendering.render(ready, 1, tmp_path / "o.png")
    assert rendering.worst(got, over_green(shot()[2:], 0)) <= 1
    assert context.view_layer.layer_collection.children["shot"].exclude is False and made.scene == ready


def test_two_clips_in_one_scene(context, folder, tmp_path):
    other = rf.make_result(tmp_path / "other", shot()[:1], name="street")
    behind = import_result(context, other)
    before = import_result(context, folder, CURRENT)
    assert before.scene == behind.scene
    for t in (1, 5):
        got = rendering.render(before.scene, 1 + t, tmp_path / "o.png")
        assert rendering.worst(got, rf.reference(shot(), t)) <= 1
    working = [layer for layer in before.scene.view_layers if not layer.use]
    assert len(working) == 1 and working[0] == context.view_layer
    assert {"girl", "background"} <= {o.name for o in working[0].objects if o.visible_get(view_layer=working[0])}


def a_wall(scene, depth):
    """A green plane across the picture, in a collection “studio” of its own."""
    mesh = bpy.data.meshes.new("wall")
    corners = [(-9, -9, depth), (9, -9, depth), (9, 9, depth), (-9, 9, depth)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new("wall")
    tree = versions.enable_material_nodes(material)
    glow, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    glow.inputs["Color"].default_value = GREEN
    tree.links.new(glow.outputs[0], output.inputs[0])
    mesh.materials.append(material)
    studio = bpy.data.collections.new("studio")
    scene.collection.children.link(studio)
    studio.objects.link(bpy.data.objects.new("wall", mesh))
    return studio


def test_before_a_set_in_3d(context, ready, folder, tmp_path):
    """A plane that was there, in its collection, stays in the picture behind the sprites."""
    a_wall(ready, -50)
    made = import_result(context, folder, CURRENT)
    assert not made.warnings
    got = rendering.render(ready, 2, tmp_path / "o.png")
    assert rendering.worst(got, over_green(shot()[1:], 1)) <= 1
    assert {"wall", "girl"} <= {o.name for o in context.view_layer.objects if o.visible_get()}


def test_things_that_are_added_later_are_composited_once_and_in_their_place(context, tmp_path):
    """A wall in front of the background, behind the girl; it would be in every sprite's view layer."""
    made = import_result(context, rf.make_result(tmp_path / "r", shot()))
    activate(made, 0)
    assert not bpy.ops.toondecompose.composite_collection.poll()  # the scene's own collection is active
    studio = a_wall(made.scene, -50)
    context.view_layer.active_layer_collection = context.view_layer.layer_collection.children["studio"]
    assert "Composite “studio”" in drawn(sprite_panel.TOONDECOMPOSE_PT_sprite_compositing)
    assert bpy.ops.toondecompose.composite_collection() == {"FINISHED"}
    assert not bpy.ops.toondecompose.composite_collection.poll()  # it has its nodes
    got = rendering.render(made.scene, 2, tmp_path / "o.png")
    assert rendering.worst(got, over_green(shot()[1:], 1)) <= 1
    compositor.find(versions.compositor_tree(made.scene), compositor.OVER, studio.name).mute = True
    got = rendering.render(made.scene, 2, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference(shot(), 1)) <= 1


def test_back_in_the_edit_the_preview_shows_the_clip_that_joined(context, scene, folder, tmp_path, monkeypatch):
    """In a scene with a tree of its own, the sprites are hidden from the layer that the tree shows. (Before 5.2 the
    preview shows the first rendered layer whatever is chosen.)"""
    from conftest import add_strip, numbered

    strip = add_strip(scene, numbered(tmp_path / "frames", 6), frame_start=1, name="shot")
    results.remember(scene, folder, Origin(scene.name, scene.session_uid, "shot", 1))
    stage = bpy.data.scenes.new("stage")
    own_tree(stage)
    context.window.scene = stage
    import_result(context, folder, CURRENT)
    context.window.scene = scene
    chosen = []
    monkeypatch.setattr(versions, "preview_view_layer", lambda strip, layer: chosen.append(layer))
    assert bpy.ops.toondecompose.replace_source() == {"FINISHED"}
    assert versions.top_strips(scene.sequence_editor)["shot Sprites"].scene == stage and strip.mute
    assert {"girl", "mist"} <= set(chosen[0].objects.keys())


def test_things_outside_collections_and_an_opaque_film_are_told(context, ready, folder):
    ready.render.film_transparent = False
    ready.collection.objects.link(bpy.data.objects.new("loose", bpy.data.meshes.new("loose")))
    made = import_result(context, folder, CURRENT)
    assert ready.render.film_transparent and any("transparent now" in w for w in made.warnings)
    assert any("“loose” is in no collection" in w for w in made.warnings)


def test_a_failure_gives_the_tree_back(context, ready, folder, monkeypatch):
    tree = own_tree(ready)
    before, blocks = wiring(tree), rendering.block_names()
    append = compositor.append
    monkeypatch.setattr(compositor, "append", lambda *a: append(*a) and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_result(context, folder, CURRENT)
    assert wiring(versions.compositor_tree(ready)) == before and rendering.block_names() == blocks


def test_another_scenes_picture_stays(context, ready, folder, tmp_path):
    """From 5.0 on, scenes may share a compositor tree."""
    if not hasattr(ready, "compositing_node_group"):
        pytest.skip("this Blender's scenes own their trees")
    other = bpy.data.scenes.new("other")
    tree = other.compositing_node_group = own_tree(ready)
    before = wiring(tree)
    import_result(context, folder, CURRENT)
    assert other.compositing_node_group == tree and wiring(tree) == before
    assert ready.compositing_node_group != tree
    got = rendering.render(ready, 2, tmp_path / "o.png")
    assert rendering.worst(got, over_green(shot()[1:], 1)) <= 1


def test_joining_a_tree_undoes_and_redoes(context, ready, folder):
    own_tree(ready)
    bpy.ops.ed.undo_push(message="before")
    before = wiring(versions.compositor_tree(bpy.context.scene))
    assert bpy.ops.toondecompose.import_result(filepath=str(folder), scene="CURRENT") == {"FINISHED"}
    bpy.ops.ed.undo_push(message="import")
    after = wiring(versions.compositor_tree(bpy.context.scene))
    bpy.ops.ed.undo()
    assert wiring(versions.compositor_tree(bpy.context.scene)) == before
    bpy.ops.ed.redo()
    assert wiring(versions.compositor_tree(bpy.context.scene)) == after != before
