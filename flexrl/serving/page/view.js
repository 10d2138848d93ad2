// Draws the body on an endless bright floor, with a camera that follows it.

import * as THREE from "./three/three.min.js";

const SKY = 0xeef2f6;
const TILE = 2; // m: the floor moves along with the body in steps of this
const FLOOR = 120; // m
const FIRST_VIEW = [3.3, -3.0, 1.0]; // m, from the torso
const TARGET_HEIGHT = 0.95; // m
const SLOW_MS = 30; // a mean time of a frame from which on it is drawn with fewer pixels
const SHADOW = 1.9; // m from the body to the edge of what gets shadows
const PIXELS = [0.4, 2]; // device pixels for each pixel of the page, at least and at most
// Where a GPU draws, and where the CPU does: smoothing, pixels, pixels of shadows, texture samples, and edges of a circle.
const GPU = { antialias: true, pixels: PIXELS[1], shadow: 1024, anisotropy: 8, edges: 24 };
const CPU = { antialias: false, pixels: 0.7, shadow: 384, anisotropy: 1, edges: 12 };

const SHAPES = {
  sphere: ([radius], edges) => new THREE.SphereGeometry(radius, edges, edges / 2 + 2),
  ellipsoid: ([x, y, z], edges) => new THREE.SphereGeometry(1, edges, edges / 2 + 2).scale(x, y, z),
  capsule: ([radius, half], edges) => new THREE.CapsuleGeometry(radius, 2 * half, edges / 3, edges).rotateX(Math.PI / 2),
  cylinder: ([radius, half], edges) => new THREE.CylinderGeometry(radius, radius, 2 * half, edges).rotateX(Math.PI / 2),
  box: ([x, y, z]) => new THREE.BoxGeometry(2 * x, 2 * y, 2 * z),
};

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.isSharp = location.hash === "#sharp"; // for pictures: takes its time
    this.quality = drawsInSoftware() && !this.isSharp ? CPU : GPU;
    const { antialias, pixels } = this.quality;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias, powerPreference: "high-performance" });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.scene = new THREE.Scene();
    this.scene.background = new THREE.Color(SKY);
    this.scene.fog = new THREE.Fog(SKY, 9, 34);
    this.camera = new THREE.PerspectiveCamera(38, 1, 0.1, 80);
    this.camera.up.set(0, 0, 1);
    this.controls = new THREE.OrbitControls(this.camera, canvas);
    Object.assign(this.controls, { enablePan: false, enableDamping: true, minDistance: 1.6, maxDistance: 16, maxPolarAngle: 1.5 });
    this.torso = new THREE.Vector3(0, 0, TARGET_HEIGHT);
    this.bodies = [];
    this.pixels = Math.min(devicePixelRatio, pixels);
    this.frames = { count: 0, since: performance.now() };
    this.addLights();
    this.addFloor();
    this.home();
    this.fit();
    addEventListener("resize", () => this.fit());
    this.renderer.setAnimationLoop(() => this.draw());
  }

  addLights() {
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0xccd6e2, 1.75));
    this.sun = new THREE.DirectionalLight(0xfff3e4, 1.7);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(this.quality.shadow, this.quality.shadow);
    this.sun.shadow.radius = 5;
    this.sun.shadow.bias = -0.0006;
    Object.assign(this.sun.shadow.camera, { left: -SHADOW, right: SHADOW, top: SHADOW, bottom: -SHADOW, near: 0.5, far: 12 });
    this.scene.add(this.sun, this.sun.target);
  }

  addFloor() {
    const image = document.createElement("canvas");
    image.width = image.height = 512;
    const pen = image.getContext("2d");
    pen.fillStyle = "#fafcfd";
    pen.fillRect(0, 0, 512, 512);
    for (let i = 0; i < 4; i++) {
      pen.fillStyle = i ? "#e9eef4" : "#d3dde7"; // a line for each half metre, and a stronger one for each tile
      pen.fillRect(i * 128, 0, i ? 3 : 5, 512);
      pen.fillRect(0, i * 128, 512, i ? 3 : 5);
    }
    const map = new THREE.CanvasTexture(image);
    map.wrapS = map.wrapT = THREE.RepeatWrapping;
    map.repeat.set(FLOOR / TILE, FLOOR / TILE);
    map.colorSpace = THREE.SRGBColorSpace;
    map.anisotropy = this.quality.anisotropy;
    this.floor = new THREE.Mesh(new THREE.PlaneGeometry(FLOOR, FLOOR), new THREE.MeshBasicMaterial({ map }));
    // Only what the sun's camera sees gets shadows, which are the dearest to draw.
    const material = new THREE.ShadowMaterial({ color: 0x3b4a63, opacity: 0.28 });
    this.shadow = new THREE.Mesh(new THREE.PlaneGeometry(2 * SHADOW, 2 * SHADOW), material);
    this.shadow.receiveShadow = true;
    this.scene.add(this.floor, this.shadow);
  }

  // Build the bodies of a model from GET /v1/scene.
  build({ bodies, geoms }) {
    for (const body of this.bodies) this.scene.remove(body);
    this.bodies = bodies.map(() => new THREE.Group());
    for (const { shape, size, colour, body, position, quaternion: [w, x, y, z] } of geoms) {
      if (!SHAPES[shape]) continue; // the floor is drawn anyway
      const material = new THREE.MeshLambertMaterial({ color: new THREE.Color().setRGB(...colour, THREE.SRGBColorSpace) });
      const mesh = new THREE.Mesh(SHAPES[shape](size, this.quality.edges), material);
      mesh.position.set(...position);
      mesh.quaternion.set(x, y, z, w);
      mesh.castShadow = true;
      this.bodies[body].add(mesh);
    }
    for (const body of this.bodies) this.scene.add(body);
  }

  // Move the bodies to a pose of the stream, and the camera along with the torso.
  pose(message) {
    if (message.length !== 1 + 7 * this.bodies.length) return;
    this.bodies.forEach((body, i) => {
      const [px, py, pz, w, x, y, z] = message.subarray(1 + 7 * i, 8 + 7 * i);
      body.position.set(px, py, pz);
      body.quaternion.set(x, y, z, w);
    });
    const { x, y } = this.bodies[1].position;
    const [dx, dy] = [x - this.torso.x, y - this.torso.y];
    this.torso.set(x, y, this.bodies[1].position.z);
    this.camera.position.x += dx;
    this.camera.position.y += dy;
    this.controls.target.set(x, y, TARGET_HEIGHT);
    this.floor.position.set(TILE * Math.round(x / TILE), TILE * Math.round(y / TILE), 0);
    this.shadow.position.set(x + 0.6, y + 0.5, 0.002);
    this.sun.position.set(x - 2.2, y - 1.6, 5.2);
    this.sun.target.position.set(x, y, 0.6);
  }

  // Look at the body from the first place again.
  home() {
    this.camera.position.set(this.torso.x + FIRST_VIEW[0], this.torso.y + FIRST_VIEW[1], TARGET_HEIGHT + FIRST_VIEW[2]);
    this.controls.target.set(this.torso.x, this.torso.y, TARGET_HEIGHT);
  }

  // The heading (rad) in which the camera looks, seen from above.
  get direction() {
    return Math.atan2(this.torso.y - this.camera.position.y, this.torso.x - this.camera.position.x);
  }

  // Whether a point of the page is on the body.
  hits(clientX, clientY) {
    const { width, height } = this.canvas.getBoundingClientRect();
    return this.bodies.slice(1).some((body) => {
      const at = body.position.clone().project(this.camera);
      return Math.hypot(clientX - ((at.x + 1) / 2) * width, clientY - ((1 - at.y) / 2) * height) < height * 0.035;
    });
  }

  fit() {
    const [width, height] = [innerWidth, innerHeight];
    const isPhone = width <= 720;
    this.renderer.setPixelRatio(this.pixels);
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.fov = isPhone ? 52 : 38;
    // The body stands in the middle of what the panels leave free.
    if (isPhone) this.camera.setViewOffset(width, height, 0.1 * width, 0.17 * height, width, height);
    else this.camera.setViewOffset(width, height, -0.06 * width, 0, width, height);
  }

  draw() {
    this.controls.update();
    this.renderer.render(this.scene, this.camera);
    const { count, since } = this.frames;
    const now = performance.now();
    if (now - since < 1000) return void this.frames.count++;
    if ((now - since) / (count + 1) > SLOW_MS && this.pixels > PIXELS[0] && !this.isSharp) {
      this.pixels = Math.max(PIXELS[0], 0.8 * this.pixels);
      this.fit();
    }
    this.frames = { count: 0, since: now };
  }
}

// Whether WebGL draws on the CPU, as in a browser without a GPU.
function drawsInSoftware() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  return /swiftshader|llvmpipe|software/i.test(info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "");
}
