"""What a .blend remembers: the settings of the next run, and earlier results (plain values, relative paths)."""

from __future__ import annotations

import bpy

from . import versions

QUALITIES = (
    ("preview", "Preview", "Small and fast: to see whether the shot comes apart as wanted"),
    ("standard", "Standard", "Full resolution"),
    ("best", "Best", "Full resolution with more rounds of solving; takes about twice as long"),
)
DEVICES = (
    ("auto", "Automatic", "The graphics card if the backend can use it, otherwise the processor"),
    ("cpu", "CPU", "The processor: works everywhere"),
    ("cuda", "CUDA", "An NVIDIA graphics card"),
    ("mps", "Metal", "The graphics part of an Apple processor"),
)
MOTION_MODELS = (
    ("auto", "Automatic", "For each sprite the simplest motion that explains it"),
    ("translation", "Translation", "Sprites only slide"),
    ("similarity", "Similarity", "Sprites slide, turn and scale"),
    ("affine", "Affine", "Sprites may also be sheared and stretched"),
    ("homography", "Perspective", "Sprites may also tilt in space"),
)


class SpriteEntry(bpy.types.PropertyGroup):
    """One sprite of a result, as the panel lists it."""

    # `name` is inherited
    kind: bpy.props.StringProperty()
    drawings: bpy.props.IntProperty()
    confidence: bpy.props.FloatProperty()
    picture: bpy.props.StringProperty(description="Its most exposed drawing, relative to the result's folder")


class ResultEntry(bpy.types.PropertyGroup):
    """A finished decomposition."""

    folder: bpy.props.StringProperty(name="Folder", subtype="DIR_PATH", options=versions.RELATIVE_PATH)
    strip: bpy.props.StringProperty(name="Strip")
    frame_start: bpy.props.IntProperty()
    content_start: bpy.props.IntProperty(description="Scene frame of the strip's first picture at that time")
    frame_count: bpy.props.IntProperty()
    width: bpy.props.IntProperty()
    height: bpy.props.IntProperty()
    fps: bpy.props.FloatProperty()
    seconds: bpy.props.FloatProperty(description="How long the run took")
    psnr: bpy.props.FloatProperty(description="Recomposition against the source in dB, 0 where it is not known")
    sprites: bpy.props.CollectionProperty(type=SpriteEntry)
    active_sprite: bpy.props.IntProperty(name="Sprite", description="Sprites of this result, the nearest on top",
                                         options={"SKIP_SAVE"})


class SceneSettings(bpy.types.PropertyGroup):
    """Settings of the next run, and the results so far."""

    count_mode: bpy.props.EnumProperty(
        name="Sprites", default="auto", description="How many layers the shot has",
        items=(("auto", "Auto", "Find out how many layers there are"),
               ("number", "Number", "I know how many layers there are")))
    count: bpy.props.IntProperty(
        name="Layers", default=2, min=1, max=32,
        description="Number of layers including the background: 2 is one character over one background")
    quality: bpy.props.EnumProperty(name="Quality", items=QUALITIES, default="standard",
                                    description="How much time to spend")
    device: bpy.props.EnumProperty(name="Device", items=DEVICES, default="auto", description="What computes")
    motion_model: bpy.props.EnumProperty(name="Motion", items=MOTION_MODELS, default="auto",
                                         description="What sprites may do besides changing their drawings")
    seed: bpy.props.IntProperty(name="Seed", default=0, min=0,
                                description="Another number makes other random choices; the same one repeats a result")
    output: bpy.props.StringProperty(
        name="Output", default="", subtype="DIR_PATH", options=versions.RELATIVE_PATH,
        description="Folder in which each strip gets its own. Left empty, “toondecompose” beside the .blend file")
    flow_weights: bpy.props.StringProperty(
        name="Flow Weights", default="", subtype="FILE_PATH", options=versions.RELATIVE_PATH,
        description="A file of RAFT's weights (.pth): motions are then found by learned flow, which wants a GPU. "
                    "Left empty, no learned network is used")
    diagnostics: bpy.props.BoolProperty(name="Diagnostics", default=False,
                                        description="Also write pictures that show how the result was found")
    import_when_done: bpy.props.BoolProperty(name="Import When Done", default=False,
                                             description="Import the sprites as soon as the backend has finished")
    results: bpy.props.CollectionProperty(type=ResultEntry)
    active_result: bpy.props.IntProperty(name="Result", description="Results of this scene")


_CLASSES = (SpriteEntry, ResultEntry, SceneSettings)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.toondecompose = bpy.props.PointerProperty(type=SceneSettings)


def unregister() -> None:
    del bpy.types.Scene.toondecompose
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
