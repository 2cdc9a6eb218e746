"""Runs inside Unreal's editor, not in Translight: makes a show's assets and actors, as translight_project.json says.

``translight unreal project`` copies this file beside that one (project.py), so it imports nothing but Python and
``unreal``. Tools > Execute Python Script… runs it, as often as one likes: what is there is looked up before it is made,
and set to what the project says. The level is left unsaved, for its owner to look at. Every class and member of
``unreal`` that is used here is one of Epic's Python API reference (tests/ue_bridge/unreal_api.json).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import unreal

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = "TranslightSha256"
_PLAYED = ("_Player", "_Source")


class Project:
    """The project in the editor that is open; ``made`` and ``kept`` say what was found to do."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.folder = plan["folder"]
        self.made: list[str] = []
        self.kept: list[str] = []
        self.warned: list[str] = []
        self.tools = unreal.AssetToolsHelpers.get_asset_tools()
        self.assets = unreal.get_editor_subsystem(unreal.EditorAssetSubsystem)
        self.actors = unreal.get_editor_subsystem(unreal.EditorActorSubsystem)

    def run(self) -> list[str]:
        """Make or set everything; the paths of the actors."""
        for media in self.plan["media"]:
            self.media(media)
        camera = self.camera(self.plan["camera"])
        environment = self.environment(self.plan["environment"])
        stage = self.stage(self.plan["stage"])
        self.follow_file(camera, environment)
        for what, paths in (("made", self.made), ("kept", self.kept)):
            for path in paths:
                unreal.log(f"Translight: {what} {path}")
        for warning in self.warned:
            unreal.log_warning("Translight: " + warning)
        return [thing.get_path_name() for thing in (camera, environment, stage) if thing is not None]

    def media(self, media: dict[str, Any]) -> None:
        """A media source, its player and texture, and a plate that shows them; ``label`` begins their names."""
        label = media["label"]
        source = self.source(label + "_Source", media)
        if source is None:
            return
        player = self.asset(label + "_Player", unreal.MediaPlayer, unreal.MediaPlayerFactoryNew)
        player.set_editor_property("play_on_open", True)
        texture = self.asset(label + "_Texture", unreal.MediaTexture, unreal.MediaTextureFactoryNew)
        texture.set_editor_property("media_player", player)
        self.plate(label + "_Plate", texture)
        for thing in (source, player, texture):
            self.assets.save_loaded_asset(thing, True)

    def source(self, name: str, media: dict[str, Any]) -> Any:
        """The media source: an NDI name, or a stream's URL."""
        if media["kind"] == "stream":
            source = self.asset(name, unreal.StreamMediaSource, unreal.StreamMediaSourceFactoryNew)
            source.set_editor_property("stream_url", media["url"])
            return source
        kind = self.plugin("NDIMediaSource", "NDI Media (Unreal 5.5 and later)")
        if kind is None:
            return None
        source = self.asset(name, kind, None)
        wanted = "ndi://" + media["name"]
        if source.get_url() != wanted:
            # The structs' fields are read-only one by one; as text they are taken whole.
            configuration = source.get_editor_property("media_configuration")
            device = f'(DeviceName="{media["name"]}",DeviceIdentifier=0)'
            configuration.import_text(f'(MediaConnection=(Device={device},Protocol="ndi",PortIdentifier=0))')
            source.set_editor_property("media_configuration", configuration)
        if source.get_url() != wanted:
            self.warned.append(f"{name}: choose the device {media['name']} by hand, in its Configuration")
        return source

    def plate(self, name: str, texture: Any) -> Any:
        """An unlit material that shows the texture, for a mesh behind or before which things stand."""
        there = self.assets.does_asset_exist(self.path(name))
        material = self.asset(name, unreal.Material, unreal.MaterialFactoryNew)
        if there:
            return material
        material.set_editor_property("shading_model", unreal.MaterialShadingModel.MSM_UNLIT)
        material.set_editor_property("two_sided", True)
        sample = unreal.MaterialEditingLibrary.create_material_expression(
            material, unreal.MaterialExpressionTextureSample, -400, 0
        )
        sample.set_editor_property("texture", texture)
        sample.set_editor_property("sampler_type", unreal.MaterialSamplerType.SAMPLERTYPE_EXTERNAL)
        unreal.MaterialEditingLibrary.connect_material_property(
            sample, "RGB", unreal.MaterialProperty.MP_EMISSIVE_COLOR
        )
        unreal.MaterialEditingLibrary.recompile_material(material)
        self.assets.save_loaded_asset(material, True)
        return material

    def camera(self, camera: dict[str, Any]) -> Any:
        """A CineCamera that Live Link moves."""
        actor = self.actor(camera["label"], unreal.CineCameraActor, camera)
        component = actor.get_cine_camera_component()
        filmback = component.get_editor_property("filmback")
        filmback.set_editor_property("sensor_width", camera["sensor_mm"][0])
        filmback.set_editor_property("sensor_height", camera["sensor_mm"][1])
        component.set_editor_property("filmback", filmback)
        component.set_editor_property("current_focal_length", camera["focal_length_mm"])
        self.live_link(actor, camera)
        return actor

    def live_link(self, actor: Any, camera: dict[str, Any]) -> None:
        """A Live Link Controller on the camera, for the subject that the tracker's source makes."""
        kind = self.plugin("LiveLinkComponentController", "Live Link")
        role = self.plugin(camera["role"], camera["role_plugin"])
        if kind is None or role is None:
            return
        controller = actor.get_component_by_class(kind)
        if controller is None:
            subobjects = unreal.get_engine_subsystem(unreal.SubobjectDataSubsystem)
            root = subobjects.k2_gather_subobject_data_for_instance(actor)[0]
            subobjects.add_new_subobject(unreal.AddNewSubobjectParams(parent_handle=root, new_class=kind))
            controller = actor.get_component_by_class(kind)
            self.made.append(controller.get_path_name())
        controller.subject_representation = unreal.LiveLinkSubjectRepresentation(
            subject=unreal.LiveLinkSubjectName(camera["subject"]), role=role
        )

    def environment(self, environment: dict[str, Any]) -> Any:
        """An empty, movable actor where the environment's origin stands; attach to it what was imported of it."""
        actor = self.actor(environment["label"], unreal.StaticMeshActor, environment)
        actor.set_mobility(unreal.ComponentMobility.MOVABLE)
        actor.set_actor_scale3d(unreal.Vector(*environment["scale"]))
        return actor

    def stage(self, stage: dict[str, Any]) -> Any:
        """The walls, imported as an nDisplay configuration when the file is another than the last one."""
        if self.plugin("DisplayClusterBlueprint", "nDisplay") is None:
            return None
        path = self.path(stage["name"])
        there = self.assets.does_asset_exist(path)
        asset = self.assets.load_asset(path) if there else None
        if asset is not None and self.assets.get_metadata_tag(asset, MARK) == stage["sha256"]:
            self.kept.append(path)
        else:
            task = unreal.AssetImportTask()
            task.set_editor_property("filename", os.path.join(HERE, stage["file"]))
            task.set_editor_property("destination_path", self.folder)
            task.set_editor_property("destination_name", stage["name"])
            task.set_editor_property("automated", True)
            task.set_editor_property("replace_existing", True)
            self.tools.import_asset_tasks([task])
            asset = self.assets.load_asset(path)
            if asset is None:
                self.warned.append(f"{stage['file']}: Unreal did not import it")
                return None
            self.assets.set_metadata_tag(asset, MARK, stage["sha256"])
            self.assets.save_loaded_asset(asset, True)
            self.made.append(path)
        return self.placed(stage, lambda where, turned: self.actors.spawn_actor_from_object(asset, where, turned))

    def follow_file(self, camera: Any, environment: Any) -> None:
        """An unreal.toml for ``translight unreal follow``, with the paths that these actors have here; never twice."""
        path = os.path.join(HERE, "unreal.toml")
        if os.path.exists(path):
            return
        paths = {"camera": camera.get_path_name(), "environment": environment.get_path_name()}
        paths["lens"] = camera.get_cine_camera_component().get_path_name()
        text = "# Written by the editor script: what Unreal follows of the show; see translight unreal follow.\n"
        for value, to in self.plan["follow"]:
            text += f'\n[[follow]]\nfrom = "{value}"\nto = "{paths[to]}"\n'
        for media in self.plan["media"]:
            player, source = (f"{self.path(media['label'] + part)}.{media['label'] + part}" for part in _PLAYED)
            text += f'\n[[start]]\nto = "{player}"\nfunction = "OpenSource"\n'
            text += f'parameters = {{ MediaSource = "{source}" }}\n'
            text += f'\n[[end]]\nto = "{player}"\nfunction = "Close"\n'
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        self.made.append(path)

    def path(self, name: str) -> str:
        """An asset's path."""
        return self.folder + "/" + name

    def asset(self, name: str, kind: Any, factory: Any) -> Any:
        """The asset of that name, made if it is not there."""
        path = self.path(name)
        if self.assets.does_asset_exist(path):
            self.kept.append(path)
            return self.assets.load_asset(path)
        self.made.append(path)
        return self.tools.create_asset(name, self.folder, kind, None if factory is None else factory())

    def actor(self, label: str, kind: Any, place: dict[str, Any]) -> Any:
        """The actor of that label, made if it is not there, and put where the plan has it."""
        return self.placed(
            {**place, "label": label}, lambda where, turned: self.actors.spawn_actor_from_class(kind, where, turned)
        )

    def placed(self, place: dict[str, Any], spawn: Callable[[Any, Any], Any]) -> Any:
        """An actor by its label, spawned or moved to its place."""
        where = unreal.Vector(*place["location_cm"])
        pitch, yaw, roll = place["rotator_deg"]
        turned = unreal.Rotator(roll=roll, pitch=pitch, yaw=yaw)
        for actor in self.actors.get_all_level_actors():
            if actor.get_actor_label() == place["label"]:
                self.kept.append(actor.get_path_name())
                actor.set_actor_location_and_rotation(where, turned, False, True)
                return actor
        actor = spawn(where, turned)
        actor.set_actor_label(place["label"])
        self.made.append(actor.get_path_name())
        return actor

    def plugin(self, name: str, plugin: str) -> Any:
        """A class that a plugin brings, or None and a word."""
        kind = getattr(unreal, name, None)
        if kind is None:
            self.warned.append(f"enable the plugin {plugin} and run this again: there is no {name} now")
        return kind


def main() -> list[str]:
    """Read the plan and carry it out."""
    with open(os.path.join(HERE, "translight_project.json"), encoding="utf-8") as plan:
        return Project(json.load(plan)).run()


if __name__ == "__main__":
    main()
