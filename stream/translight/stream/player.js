// The preview's player: JPEGs from the WebSocket or video from WebRTC; docs/streams/browser.md describes the messages.
"use strict";

const HEADER_BYTES = 256;
const KEPT = 2000;
const $ = (id) => document.getElementById(id);
const log = { shown: 0, skipped: 0, latencies: [], last: null, connections: 0, onframe: null };
window.translight = log;

let socket = null;
let peer = null;
let control = null;
let clock = { offset: null, roundTrip: Infinity };
let paused = false;
let recent = [];

// docs/stream_header.md
function readHeader(buffer) {
  const view = new DataView(buffer, 0, HEADER_BYTES);
  const ms = (at) => { const ns = view.getBigInt64(at, true); return ns < 0n ? null : Number(ns) / 1e6; };
  return {
    frame: Number(view.getBigUint64(32, true)), flags: view.getUint32(8, true),
    width: view.getUint32(16, true), height: view.getUint32(20, true),
    received: ms(72), sent: ms(112), presentation: ms(120),
  };
}

function send(message) {
  const text = JSON.stringify(message);
  if (control !== null && control.readyState === "open") control.send(text);
  else if (socket !== null && socket.readyState === WebSocket.OPEN) socket.send(text);
}

// The server's clock at our time t is t + offset: Cristian's algorithm, the shortest round trip being the most exact.
function ping() { send({ type: "ping", t_ms: performance.now() }); }
function pong(message) {
  const now = performance.now(), roundTrip = now - message.t_ms;
  if (roundTrip <= clock.roundTrip) clock = { roundTrip, offset: message.server_ms - (message.t_ms + now) / 2 };
}

function present(header, time) {
  log.shown += 1;
  log.last = header;
  if (header.sent !== null && clock.offset !== null) {
    log.latencies.push(time + clock.offset - header.sent);
    if (log.latencies.length > KEPT) log.latencies.shift();
  }
  recent.push(time);
  if (recent.length > 120) recent.shift();
  if (log.onframe !== null) log.onframe(header);
}

function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
log.report = () => ({
  shown: log.shown, skipped: log.skipped, round_trip_ms: clock.roundTrip,
  p50: percentile(log.latencies, .5), p95: percentile(log.latencies, .95), p99: percentile(log.latencies, .99),
});

function say(text, bad = false) { $("state").textContent = text; $("state").className = bad ? "bad" : ""; }

setInterval(() => {
  ping();
  const median = percentile(log.latencies.slice(-120), .5);
  const span = recent.length > 1 ? recent[recent.length - 1] - recent[0] : 0;
  $("frame").textContent = log.last === null ? "–" : `frame ${log.last.frame}`;
  $("rate").textContent = span > 0 ? `${((recent.length - 1) * 1000 / span).toFixed(1)} fps` : "–";
  $("latency").textContent = median === null ? "–" : `${median.toFixed(1)} ms`;
}, 500);

// JPEG: one picture is decoded at a time, and of those that come meanwhile the newest is next.
const jpeg = { next: null, busy: false, screen: null, onScreen: null };
async function showJpegs() {
  if (jpeg.busy) return;
  jpeg.busy = true;
  while (jpeg.next !== null) {
    const data = jpeg.next;
    jpeg.next = null;
    const header = readHeader(data);
    try {
      const picture = await createImageBitmap(new Blob([new Uint8Array(data, HEADER_BYTES)], { type: "image/jpeg" }));
      send({ type: "shown", frame: header.frame });
      if (jpeg.screen === null) jpeg.screen = $("canvas").getContext("bitmaprenderer", { alpha: false });
      if ($("canvas").width !== picture.width) $("canvas").width = picture.width;
      if ($("canvas").height !== picture.height) $("canvas").height = picture.height;
      jpeg.screen.transferFromImageBitmap(picture);
      jpeg.onScreen = header;
      requestAnimationFrame(() => {
        // one that was replaced before the compositor's next frame was never seen
        if (jpeg.onScreen === header) present(header, performance.now());
        else log.skipped += 1;
      });
    } catch (error) {
      send({ type: "shown", frame: header.frame });
      log.skipped += 1;
    }
  }
  jpeg.busy = false;
}
function takeJpeg(data) {
  if (jpeg.next !== null) {
    log.skipped += 1;
    send({ type: "shown", frame: readHeader(jpeg.next).frame });
  }
  jpeg.next = data;
  showJpegs();
}

// Video: headers come by a data channel with their RTP time, by which each picture finds its own.
async function beginVideo() {
  const headers = new Map();
  const mine = peer = new RTCPeerConnection({ iceServers: [] });
  const receiver = peer.addTransceiver("video", { direction: "recvonly" }).receiver;
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  const channel = peer.createDataChannel("headers", { ordered: false, maxRetransmits: 0 });
  channel.binaryType = "arraybuffer";
  channel.onmessage = (event) => {
    const time = new DataView(event.data).getBigInt64(HEADER_BYTES, true);
    if (time < 0n) return;
    headers.set(Number(time), readHeader(event.data));
    if (headers.size > 240) headers.delete(headers.keys().next().value);
  };
  control = peer.createDataChannel("control");
  control.onopen = ping;
  control.onmessage = (event) => pong(JSON.parse(event.data));
  peer.ontrack = (event) => { $("video").srcObject = new MediaStream([event.track]); };
  peer.onconnectionstatechange = () => say(peer.connectionState, peer.connectionState === "failed");
  const shown = (now, about) => {
    if (mine !== peer) return; // a session that is over
    const header = headers.get(about.rtpTimestamp);
    if (header !== undefined) present(header, about.expectedDisplayTime);
    $("video").requestVideoFrameCallback(shown);
  };
  $("video").requestVideoFrameCallback(shown);
  await peer.setLocalDescription(await peer.createOffer());
  // Candidates are few and local: wait for them instead of sending them one by one.
  await new Promise((done) => {
    const look = () => { if (peer.iceGatheringState === "complete") done(); };
    peer.onicegatheringstatechange = look;
    setTimeout(done, 1000);
    look();
  });
  socket.send(JSON.stringify({ type: "offer", sdp: peer.localDescription.sdp }));
}

function begin(hello) {
  const video = hello.player === "video";
  $("video").hidden = $("bitrate").hidden = !video;
  $("canvas").hidden = $("quality").hidden = video;
  say(`${hello.width_px} × ${hello.height_px}`);
  if (paused) send({ type: "pause", on: true });
  if (video) beginVideo();
}

function connect() {
  clock = { offset: null, roundTrip: Infinity };
  socket = new WebSocket(`ws://${location.host}/stream`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (event) => {
    if (typeof event.data !== "string") { takeJpeg(event.data); return; }
    const message = JSON.parse(event.data);
    if (message.type === "hello") { log.connections += 1; begin(message); ping(); }
    else if (message.type === "pong") pong(message);
    else if (message.type === "answer") peer.setRemoteDescription({ type: "answer", sdp: message.sdp });
  };
  socket.onclose = () => {
    say("no connection; trying again", true);
    if (peer !== null) peer.close();
    peer = control = null;
    setTimeout(connect, 1000);
  };
}

$("pause").onclick = () => {
  paused = !paused;
  $("pause").textContent = paused ? "Go on" : "Pause";
  send({ type: "pause", on: paused });
};
$("quality").querySelector("input").onchange = (e) => send({ type: "quality", value: Number(e.target.value) });
$("bitrate").querySelector("input").onchange = (e) => send({ type: "bitrate", kbps: 1000 * Number(e.target.value) });
$("full").onclick = () => document.querySelector("main").requestFullscreen();
connect();
