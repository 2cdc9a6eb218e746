"""A stand-in for Unreal's ``unreal`` module that has what unreal_api.json lists, and nothing else.

Classes, methods, parameters and properties come from that list, which comes from Epic's published API: a member that is
not on it is an AttributeError, a property an error, a parameter too many a TypeError, as in the editor. What the methods
do is written here, as their documentation has it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

API = json.loads((Path(__file__).parent / "unreal_api.json").read_text())
PLUGINS = {
    "NDI Media": ("NDIMediaSource", "MediaIOConfiguration"),
    "Live Link": ("LiveLinkComponentController",),
    "Live Link OpenTrackIO": ("LiveLinkOpenTrackIORole",),
    "nDisplay": ("DisplayClusterBlueprint",),
}
ROOTS = ("", "EnumBase", "_WrapperBase")
"""Bases of listed classes that end a chain; others that are not listed, for nothing of theirs is used, are Objects."""


class Editor:
    """The project that is open: assets by path, actors in order, and what was logged."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.assets: dict[str, Any] = {}
        self.actors: list[Any] = []
        self.saved: list[str] = []
        self.imported: list[dict[str, Any]] = []
        self.expressions: dict[int, list[Any]] = {}
        self.wires: list[tuple[str, str]] = []
        self.links: list[tuple[Any, str, Any, str]] = []
        self.links_fail = False
        self.log: list[str] = []
        self.warnings: list[str] = []
        self.imports_fail = False
        self.text_is_read = True
        gone = {name for plugin in without for name in PLUGINS[plugin]}
        self.module = ModuleType("unreal")
        self._classes: dict[str, type] = {}
        for name in API["classes"]:
            if name not in gone:
                setattr(self.module, name, self._class(name))
        self._functions()

    def _class(self, name: str) -> type:
        if name not in self._classes:
            entry = API["classes"].get(name, {})
            base = entry.get("base", "")
            parent = _Thing if base in ROOTS else self._class(base if base in API["classes"] else "Object")
            own: dict[str, Any] = {"_editor": self, "_properties": frozenset(entry.get("properties", ()))}
            for method, parameters in entry.get("methods", {}).items():
                if method != "__init__":
                    own[method] = _method(name, method, parameters)
            if "__init__" in entry.get("methods", {}):
                own["_fields"] = tuple(entry["methods"]["__init__"])
            self._classes[name] = kind = type(name, (parent,), own)
            for value in entry.get("values", ()):
                setattr(kind, value, f"{name}.{value}")
        return self._classes[name]

    def _functions(self) -> None:
        does: dict[str, Callable[..., Any]] = {
            "log": lambda arg: self.log.append(arg),
            "log_warning": lambda arg: self.warnings.append(arg),
            "get_editor_subsystem": lambda subsystem: subsystem(),
            "get_engine_subsystem": lambda subsystem: subsystem(),
        }
        for name, parameters in API["functions"].items():
            setattr(self.module, name, _checked(name, parameters, does[name]))


class _Thing:
    """Any object or struct of the editor's."""

    _editor: Editor
    _properties: frozenset[str] = frozenset()
    _fields: tuple[str, ...] = ()

    def __init__(self, *given: Any, **named: Any) -> None:
        if len(given) > len(self._fields) or set(named) - set(self._fields):
            raise TypeError(f"{type(self).__name__}() takes {self._fields}")
        values = {**dict(zip(self._fields, given, strict=False)), **named}
        object.__setattr__(self, "state", {"fields": values})

    def __setattr__(self, name: str, value: Any) -> None:
        self._known(name)
        self.state[name] = value

    def _known(self, name: str) -> None:
        if not any(name in kind.__dict__.get("_properties", ()) for kind in type(self).__mro__):
            raise AttributeError(f"{type(self).__name__}: Failed to find property '{name}'")


def _checked(name: str, parameters: list[str], do: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        if len(given) > len(parameters) or set(named) - set(parameters[len(given) :]):
            raise TypeError(f"{name}({', '.join(parameters)}) does not take {given} and {named}")
        return do(*given, **named)

    return call


def _method(kind: str, name: str, parameters: list[str]) -> Any:
    do = DOES[kind, name]
    if (kind, name) in STATIC:
        return classmethod(
            lambda cls, *given, **named: _checked(name, parameters, lambda *a: do(cls._editor, *a))(*given, **named)
        )

    def call(self: Any, *given: Any, **named: Any) -> Any:
        return _checked(f"{kind}.{name}", parameters, lambda *a: do(self, *a))(*given, **named)

    return call


def _name(path: str) -> str:
    return f"{path}.{path.rpartition('/')[2]}"


def _create(tools: Any, name: str, folder: str, kind: type, factory: Any) -> Any:
    path = f"{folder}/{name}"
    if path in tools._editor.assets:
        raise RuntimeError(f"create_asset would ask whether to replace {path}")
    asset = kind()
    asset.state["path"] = _name(path)
    asset.state["factory"] = factory
    tools._editor.assets[path] = asset
    return asset


def _import(tools: Any, tasks: list[Any]) -> None:
    for task in tasks:
        told = {key: value for key, value in task.state.items() if key != "fields"}
        tools._editor.imported.append(told)
        if not tools._editor.imports_fail and Path(told["filename"]).suffix == ".ndisplay":
            json.loads(Path(told["filename"]).read_text())
            path = f"{told['destination_path']}/{told['destination_name']}"
            asset = tools._editor.module.DisplayClusterBlueprint()
            asset.state["path"] = _name(path)
            tools._editor.assets[path] = asset


def _spawn(subsystem: Any, what: Any, location: Any, rotation: Any = None, transient: bool = False) -> Any:
    editor = subsystem._editor
    kind = what if isinstance(what, type) else editor._class("Actor")
    actor = kind()
    actor.state.update(
        path=f"/Game/Main.Main:PersistentLevel.{kind.__name__}_{len(editor.actors)}", label=kind.__name__, components=[],
        of=what, location=location.state["fields"], rotation=rotation.state["fields"],
    )  # fmt: skip
    if kind.__name__ == "CineCameraActor":
        lens = editor.module.CineCameraComponent()
        lens.state["path"] = actor.state["path"] + ".CameraComponent"
        lens.state["filmback"] = editor.module.CameraFilmbackSettings()
        actor.state["components"].append(lens)
    editor.actors.append(actor)
    return actor


def _place(actor: Any, location: Any, rotation: Any, sweep: bool, teleport: bool) -> None:
    actor.state.update(location=location.state["fields"], rotation=rotation.state["fields"])


def _component(actor: Any, kind: type) -> Any:
    return next((one for one in actor.state["components"] if isinstance(one, kind)), None)


def _subobject(subsystem: Any, params: Any) -> Any:
    fields = params.state["fields"]
    component = fields["new_class"]()
    component.state["path"] = f"{fields['parent_handle'].state['path']}.{fields['new_class'].__name__}"
    fields["parent_handle"].state["components"].append(component)
    return component, ""


def _expression(editor: Editor, material: Any, kind: type, x: int = 0, y: int = 0) -> Any:
    expression = kind()
    editor.expressions.setdefault(id(material), []).append(expression)
    return expression


def _link(editor: Editor, expression: Any, output: str, to: Any, name: str) -> bool:
    """Between expressions; a Custom one has the inputs that it was given, by name, others are asked for their first."""
    inputs = [one.state["input_name"] for one in to.state.get("inputs", [])]
    if editor.links_fail or (name not in inputs if inputs else name != ""):
        return False
    editor.links.append((expression, output, to, name))
    return True


def _set(thing: Any, name: str, value: Any) -> None:
    thing._known(name)
    thing.state[name] = value


def _get(thing: Any, name: str) -> Any:
    thing._known(name)
    if name == "media_configuration" and name not in thing.state:
        return thing._editor.module.MediaIOConfiguration()
    return thing.state[name]


def _import_text(struct: Any, content: str) -> bool:
    if not struct._editor.text_is_read:
        return False
    struct.state["text"] = content
    return True


def _url(source: Any) -> str:
    """NDIMediaSource: ndi:// and the device's name."""
    configuration = source.state.get("media_configuration")
    text = "" if configuration is None else configuration.state.get("text", "")
    return "ndi://" + text.partition('DeviceName="')[2].partition('"')[0]


STATIC = {
    ("AssetToolsHelpers", "get_asset_tools"),
    ("MaterialEditingLibrary", "create_material_expression"),
    ("MaterialEditingLibrary", "connect_material_property"),
    ("MaterialEditingLibrary", "connect_material_expressions"),
    ("MaterialEditingLibrary", "recompile_material"),
}
DOES: dict[tuple[str, str], Callable[..., Any]] = {
    ("AssetToolsHelpers", "get_asset_tools"): lambda editor: editor.module.AssetTools(),
    ("AssetTools", "create_asset"): _create,
    ("AssetTools", "import_asset_tasks"): _import,
    ("EditorAssetSubsystem", "does_asset_exist"): lambda s, path: path in s._editor.assets,
    ("EditorAssetSubsystem", "load_asset"): lambda s, path: s._editor.assets.get(path),
    ("EditorAssetSubsystem", "save_loaded_asset"): lambda s, asset, only=True: s._editor.saved.append(asset.state["path"]),
    ("EditorAssetSubsystem", "set_metadata_tag"): lambda s, asset, tag, value: asset.state.setdefault("tags", {}).update({tag: value}),
    ("EditorAssetSubsystem", "get_metadata_tag"): lambda s, asset, tag: asset.state.get("tags", {}).get(tag, ""),
    ("EditorActorSubsystem", "get_all_level_actors"): lambda s: list(s._editor.actors),
    ("EditorActorSubsystem", "spawn_actor_from_class"): _spawn,
    ("EditorActorSubsystem", "spawn_actor_from_object"): _spawn,
    ("MediaSource", "get_url"): _url,
    ("MaterialEditingLibrary", "create_material_expression"): _expression,
    ("MaterialEditingLibrary", "connect_material_property"): lambda e, expression, output, to: e.wires.append((output, to)),
    ("MaterialEditingLibrary", "connect_material_expressions"): _link,
    ("MaterialEditingLibrary", "recompile_material"): lambda e, material: None,
    ("_ObjectBase", "get_path_name"): lambda thing: thing.state["path"],
    ("_ObjectBase", "get_editor_property"): _get,
    ("_ObjectBase", "set_editor_property"): lambda thing, name, value, mode=None: _set(thing, name, value),
    ("StructBase", "get_editor_property"): _get,
    ("StructBase", "set_editor_property"): lambda thing, name, value, mode=None: _set(thing, name, value),
    ("StructBase", "import_text"): _import_text,
    ("Actor", "get_actor_label"): lambda actor, create=True: actor.state["label"],
    ("Actor", "set_actor_label"): lambda actor, label, dirty=True: actor.state.update(label=label),
    ("Actor", "set_actor_location_and_rotation"): _place,
    ("Actor", "set_actor_scale3d"): lambda actor, scale: actor.state.update(scale=scale.state["fields"]),
    ("Actor", "get_component_by_class"): _component,
    ("StaticMeshActor", "set_mobility"): lambda actor, mobility: actor.state.update(mobility=mobility),
    ("CineCameraActor", "get_cine_camera_component"): lambda actor: actor.state["components"][0],
    ("SubobjectDataSubsystem", "k2_gather_subobject_data_for_instance"): lambda s, actor: [actor],
    ("SubobjectDataSubsystem", "add_new_subobject"): _subobject,
}  # fmt: skip
