"""The node tree of an import: order, hiding, neutral slots, and slots that work."""

import numpy as np
import pytest
import rendering
import result_folders as rf
from test_import import shot

from toondecompose_blender import versions
from toondecompose_blender.scene import compositor
from toondecompose_blender.scene.importer import import_result


@pytest.fixture
def imported(context, tmp_path):
    return import_result(context, rf.make_result(tmp_path / "r", shot()))


def node(imported, kind, sprite):
    found = compositor.find(versions.compositor_tree(imported.scene), kind, sprite)
    assert found is not None
    return found


def test_muting_an_alpha_over_hides_its_sprite(imported, tmp_path):
    for hidden in ("girl", "background", "mist"):
        over = node(imported, compositor.OVER, hidden)
        over.mute = True
        got = rendering.render(imported.scene, 2, tmp_path / "o.png")
        over.mute = False
        left = [s for s in shot() if s["name"] != hidden]
        # alone on nothing, straight 8-bit colour loses up to a step more where alpha is low
        assert rendering.worst(got, rf.reference(left, 1)) <= (2 if hidden == "background" else 1)


def test_every_sprite_has_a_named_frame_with_its_nodes(imported):
    tree = versions.compositor_tree(imported.scene)
    frames = {n.label: n for n in tree.nodes if n.bl_idname == "NodeFrame"}
    assert set(frames) == {"background", "girl", "mist"}
    for name, frame in frames.items():
        inside = [n.name for n in tree.nodes if n.parent == frame]
        assert sorted(inside) == sorted(
            compositor.node_name(kind, name) for kind in ("Layer", "Colour", "Blur", "Glow", "Shadow", "Over")
        )


@pytest.mark.parametrize("kind", [compositor.COLOUR, compositor.BLUR, compositor.GLOW, compositor.SHADOW])
def test_a_slot_changes_its_own_sprite_when_unmuted(imported, tmp_path, kind):
    plain = rendering.render(imported.scene, 2, tmp_path / "a.png")
    slot = node(imported, kind, "girl")
    if kind == compositor.COLOUR:
        slot.inputs["Saturation"].default_value = 0.0
    if kind == compositor.GLOW:
        versions.set_glow(slot, 0.1)
    slot.mute = False
    changed = rendering.render(imported.scene, 2, tmp_path / "b.png")
    difference = np.abs(changed - plain).max(-1)
    assert difference.max() > 10
    assert (difference > 10).mean() < 0.6 and difference[:10, :20].max() <= 1  # the far corner is the background's
    assert np.array_equal(changed[..., 3], plain[..., 3])
    slot.mute = True
    assert np.abs(rendering.render(imported.scene, 2, tmp_path / "c.png") - plain).max() == 0


def test_a_shadow_falls_below_and_to_the_right(imported, tmp_path):
    plain = rendering.render(imported.scene, 1, tmp_path / "a.png")
    node(imported, compositor.SHADOW, "girl").mute = False
    changed = rendering.render(imported.scene, 1, tmp_path / "b.png")
    darker = (plain - changed)[..., :3].max(-1)
    assert (changed - plain)[..., :3].max() <= 1 and darker.max() > 30
    y, x = np.nonzero(darker > 20)
    assert y.mean() > 45 and x.mean() > 60  # the girl stands at (60, 45)
