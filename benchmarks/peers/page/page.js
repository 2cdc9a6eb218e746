// Runs a viewer for browser.py: fetches tasks, settles each view, times frames and sends pictures back.
//
// A viewer is a module with open(canvas, scene, url), which resolves to {version, gl, settle, draw}: settle(view) sets
// the camera and resolves when the order that the splats are drawn in is that view's; draw() draws one frame.

const post = (path, body) => fetch(path, { method: "POST", body });
const fail = (reason) => post("/error", String(reason?.stack ?? reason));
addEventListener("error", (event) => fail(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => fail(event.reason));

// Reading a pixel waits until everything before it is drawn, which gl.finish() in Chromium does not promise.
function finish(gl) {
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
}

function drawnBy(gl) {
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  return gl.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}

async function measure(viewer, scene, { views, rounds }) {
  const { gl } = viewer;
  const milliseconds = [];
  for (let round = -1; round < rounds; round++) {
    for (const view of views) {
      await viewer.settle(view);
      finish(gl);
      const began = performance.now();
      viewer.draw();
      finish(gl);
      if (round >= 0) {
        milliseconds.push(performance.now() - began);
      } else {
        const rgba = new Uint8Array(4 * scene.width * scene.height);
        gl.readPixels(0, 0, scene.width, scene.height, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
        await post("/picture", rgba);
      }
    }
  }
  await post("/measured", JSON.stringify(milliseconds));
}

const scene = await (await fetch("/scene.json")).json();
const canvas = document.getElementById("canvas");
canvas.width = scene.width;
canvas.height = scene.height;
const { open } = await import(`/page/${scene.viewer}.js`);
const viewer = await open(canvas, scene, "/scene.ply");
await post("/ready", `${viewer.version}, ${drawnBy(viewer.gl)}`);
for (;;) {
  const answer = await fetch("/task");
  if (answer.status === 200) await measure(viewer, scene, await answer.json());
}
