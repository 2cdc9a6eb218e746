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
COMPOSITE = """// Translight's depth in whole codes: ln(far / z) / ln(far / near); 0 is far, or farther, or nothing.
float code = Depth.r;
if (Linearised > 0.5)
    code = code <= 0.0031308 ? 12.92 * code : 1.055 * pow(code, 1.0 / 2.4) - 0.055;
float plate_cm = 100.0 * FarM * (code < 0.002 ? 1.0 : pow(NearM / FarM, code));
return plate_cm <= Scene ? 1.0 : 0.0;
"""
"""The plate's opacity: 1 where the picture is nearer than what the engine has drawn. Scene is centimetres, along the
camera's axis as depth is; 0.002 is half a step of 8 bits."""


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
        if self.plan["composite"] is not None:
            self.composite(self.plan["composite"])
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

    def composite(self, plan: dict[str, Any]) -> Any:
        """A material that shows the picture where it is nearer than the scene, on a mesh that fills the camera's view.

        Its textures are laid on the view, not on the mesh; near and far are parameters.
        """
        paths = [self.path(plan[which] + "_Texture") for which in ("picture", "depth")]
        name = plan["label"] + "_Plate"
        if not all(self.assets.does_asset_exist(path) for path in paths):
            self.warned.append(f"{name} is not made: it wants both the picture's and the depth's texture")
            return None
        picture, depth = (self.assets.load_asset(path) for path in paths)
        # Between two depths there is nothing: they are not to be averaged
        depth.set_editor_property("filter", unreal.TextureFilter.TF_NEAREST)
        self.assets.save_loaded_asset(depth, True)
        there = self.assets.does_asset_exist(self.path(name))
        material = self.asset(name, unreal.Material, unreal.MaterialFactoryNew)
        if there:
            return material
        material.set_editor_property("shading_model", unreal.MaterialShadingModel.MSM_UNLIT)
        material.set_editor_property("blend_mode", unreal.BlendMode.BLEND_TRANSLUCENT)
        material.set_editor_property("two_sided", True)
        material.set_editor_property("disable_depth_test", True)
        make = unreal.MaterialEditingLibrary.create_material_expression
        join = unreal.MaterialEditingLibrary.connect_material_expressions
        screen = make(material, unreal.MaterialExpressionScreenPosition, -1000, 0)
        samples = []
        for row, texture in enumerate((picture, depth)):
            sample = make(material, unreal.MaterialExpressionTextureSample, -700, 300 * row)
            sample.set_editor_property("texture", texture)
            sample.set_editor_property("sampler_type", unreal.MaterialSamplerType.SAMPLERTYPE_EXTERNAL)
            join(screen, "", sample, "")
            samples.append(sample)
        scene = make(material, unreal.MaterialExpressionSceneDepth, -700, 600)
        inputs = [(samples[1], "RGB", "Depth"), (scene, "", "Scene")]
        for row, (parameter, value) in enumerate(plan["parameters"].items()):
            scalar = make(material, unreal.MaterialExpressionScalarParameter, -700, 750 + 100 * row)
            scalar.set_editor_property("parameter_name", parameter)
            scalar.set_editor_property("default_value", value)
            inputs.append((scalar, "", parameter))
        opacity = make(material, unreal.MaterialExpressionCustom, -300, 300)
        opacity.set_editor_property("code", COMPOSITE)
        opacity.set_editor_property("output_type", unreal.CustomMaterialOutputType.CMOT_FLOAT1)
        named = []
        for _, _, name_of in inputs:
            entry = unreal.CustomInput()
            entry.set_editor_property("input_name", name_of)
            named.append(entry)
        opacity.set_editor_property("inputs", named)
        joined = [join(expression, output, opacity, name_of) for expression, output, name_of in inputs]
        if not all(joined):
            self.warned.append(f"{name}: join the Custom node's inputs by hand: {', '.join(n for _, _, n in inputs)}")
        to = unreal.MaterialEditingLibrary.connect_material_property
        to(samples[0], "RGB", unreal.MaterialProperty.MP_EMISSIVE_COLOR)
        to(opacity, "", unreal.MaterialProperty.MP_OPACITY)
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
