"""A layout for panels drawn without a window: it takes notes of what it is asked for."""

from types import SimpleNamespace

import bpy


class FakeLayout:
    """Takes notes of what a panel asks for, and refuses what a real layout would refuse."""

    def __init__(self, notes=None):
        self.notes = [] if notes is None else notes

    def _child(self, *_, **__):
        return FakeLayout(self.notes)

    row = column = box = split = grid_flow = _child

    def label(self, text="", icon="NONE", icon_value=0, translate=True):
        assert icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items, icon
        self.notes.append(text)

    def prop(self, data, name, **options):
        if name.startswith("["):
            assert name[2:-2] in data, name
            self.notes.append(name[2:-2])
            return
        assert name in data.bl_rna.properties, name
        self.notes.append(data.bl_rna.properties[name].name)
        if options.get("text"):
            self.notes.append(options["text"])

    def operator(self, idname, text=None, icon="NONE", **options):
        group, name = idname.split(".")
        kind = getattr(getattr(bpy.ops, group), name).get_rna_type()
        assert icon in bpy.types.UILayout.bl_rna.functions["operator"].parameters["icon"].enum_items, icon
        self.notes.append(kind.name if text is None else text)
        return SimpleNamespace()

    def progress(self, factor=0.0, text=""):
        assert 0 <= factor <= 1
        self.notes.append(text)

    def template_icon(self, icon_value, scale=1.0):
        self.notes.append("picture")

    def template_list(self, kind, _name, data, name, active, active_name, **options):
        assert hasattr(bpy.types, kind)
        for index, item in enumerate(getattr(data, name)):
            getattr(bpy.types, kind).draw_item(None, bpy.context, self, data, item, 0, active, active_name, index)


def drawn(panel) -> list[str]:
    layout = FakeLayout()
    if hasattr(panel, "poll") and not panel.poll(bpy.context):
        return []
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout.notes
