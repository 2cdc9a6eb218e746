// Spark on three.js; what is set and why stands in spark.py.

import { SparkRenderer, SplatMesh } from "@sparkjsdev/spark";
import * as THREE from "three";

function place(object, { position, quaternion, scale = 1 }) {
  object.position.set(...position);
  object.quaternion.set(...quaternion);
  object.scale.setScalar(scale);
  object.updateMatrixWorld(true);
}

export async function open(canvas, scene, url) {
  const renderer = new THREE.WebGLRenderer({ canvas, antialias: false });
  renderer.setPixelRatio(1);
  renderer.setSize(scene.width, scene.height, false);
  renderer.setClearColor(0x000000, 1);
  const world = new THREE.Scene();
  const spark = new SparkRenderer({
    renderer, autoUpdate: false, sortRadial: false, preBlurAmount: 0.3, blurAmount: 0, enableLod: false, clipXY: 20,
  });
  world.add(spark);
  const splats = new SplatMesh({ url });
  await splats.initialized;
  place(splats, scene.splats);
  world.add(splats);

  const camera = new THREE.PerspectiveCamera();
  const draw = () => renderer.render(world, camera);
  const settle = async (view) => {
    place(camera, view);
    camera.near = view.near;
    camera.far = view.far;
    camera.projectionMatrix.fromArray(view.projection);
    camera.projectionMatrixInverse.copy(camera.projectionMatrix).invert();
    await spark.update({ scene: world, camera });
    while (spark.sorting || spark.sortDirty) await new Promise((resolve) => setTimeout(resolve, 2));
    draw(); // takes up the order
  };
  return { version: `spark ${scene.packages["@sparkjsdev/spark"]}, three ${THREE.REVISION}`, gl: renderer.getContext(), settle, draw };
}
