// PlayCanvas Engine's own gsplat component; what is set and why stands in playcanvas.py.

import * as pc from "playcanvas";

const pause = () => new Promise((resolve) => setTimeout(resolve, 2));

function place(entity, { position, quaternion, scale = 1 }) {
  entity.setLocalPosition(...position);
  entity.setLocalRotation(...quaternion);
  entity.setLocalScale(scale, scale, scale);
}

export async function open(canvas, scene, url) {
  const device = await pc.createGraphicsDevice(canvas, { deviceTypes: [pc.DEVICETYPE_WEBGL2], antialias: false, alpha: false });
  const options = new pc.AppOptions();
  options.graphicsDevice = device;
  options.componentSystems = [pc.CameraComponentSystem, pc.GSplatComponentSystem];
  options.resourceHandlers = [pc.GSplatHandler];
  const app = new pc.AppBase(canvas);
  app.init(options);
  app.setCanvasFillMode(pc.FILLMODE_NONE, scene.width, scene.height);
  app.setCanvasResolution(pc.RESOLUTION_FIXED, scene.width, scene.height);
  app.requestAnimationFrame = () => {}; // frames are drawn when page.js says so
  app.start();

  const settings = app.scene.gsplat;
  settings.minPixelSize = 0;
  settings.minContribution = 0;
  settings.colorUpdateAngle = 0;
  settings.dataFormat = pc.GSPLATDATA_LARGE;

  // The engine counts in half pixels here, so that its 0.3 is a quarter of the 0.3 px² that clouds are trained with.
  const corner = pc.ShaderChunks.get(device, pc.SHADERLANGUAGE_GLSL).get("gsplatCornerVS");
  settings.material.getShaderChunks(pc.SHADERLANGUAGE_GLSL).set("gsplatCornerVS", corner.replaceAll("+ 0.3", "+ 1.2"));
  settings.material.update();

  const asset = new pc.Asset("scene", "gsplat", { url });
  await new Promise((resolve, reject) => {
    asset.once("load", resolve);
    asset.once("error", reject);
    app.assets.add(asset);
    app.assets.load(asset);
  });
  const splats = new pc.Entity("splats", app);
  splats.addComponent("gsplat", { asset });
  place(splats, scene.splats);
  app.root.addChild(splats);

  const camera = new pc.Entity("camera", app);
  const projection = new pc.Mat4();
  camera.addComponent("camera", {
    clearColor: new pc.Color(0, 0, 0, 1),
    toneMapping: pc.TONEMAP_NONE,
    gammaCorrection: pc.GAMMA_SRGB,
  });
  camera.camera.calculateProjection = (matrix) => matrix.copy(projection);
  app.root.addChild(camera);

  const draw = () => {
    app.update(1 / 60);
    app.render();
  };
  const managers = () =>
    [...app.renderer.gsplatDirector.camerasMap.values()]
      .flatMap((ofCamera) => [...ofCamera.layersMap.values()])
      .map((ofLayer) => ofLayer.gsplatManager)
      .filter(Boolean);
  const sorted = () => {
    const all = managers();
    return all.length > 0 && all.every((one) => one.world.currentVersion > 0 && !one.sortNeeded
      && one.cpuSorter.jobsInFlight === 0 && !one.cpuSorter.pendingSorted);
  };
  const settle = async (view) => {
    place(camera, view);
    projection.set(view.projection);
    camera.camera.nearClip = view.near;
    camera.camera.farClip = view.far;
    do {
      draw();
      while (managers().some((one) => one.cpuSorter?.jobsInFlight > 0)) await pause();
      draw(); // takes up the order
      await pause();
    } while (!sorted());
  };
  return { version: `playcanvas ${pc.version}`, gl: device.gl, settle, draw };
}
