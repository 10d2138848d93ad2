// The page: buttons, keys and the pointer ask the simulation, the view draws it.

import { Driving } from "./driving.js";
import { Simulation } from "./simulation.js";
import { View } from "./view.js";

const KEYS = "1234567890qwertyui"; // of the skills, in their order; p and z are taken below
const PUSH = 1.0; // m/s of the button
const DRAG = 0.008, MOST = 1.6; // m/s for each pixel that is dragged, and m/s at most
const BACKLOG = 0.25; // s of physics that a slow browser catches up with; it drops the rest
const COUNTED_MS = 1000; // over which frames are counted
const NOTICE_MS = 4000;
const at = (id) => document.getElementById(id);

let view = null;
try {
  view = new View(at("view"));
} catch {
  notice("This browser cannot draw in 3-D, since WebGL is off.");
}
notice("loading physics (10 MB) …");
try {
  begin(await Simulation.load(), await (await fetch("scene.json")).json());
} catch (error) {
  notice(`This page could not start: ${error.message}`);
  throw error;
}

function notice(line) {
  at("notice").textContent = line;
  at("notice").hidden = !line;
}

function begin(simulation, scene) {
  notice("");
  globalThis.flexrl = { simulation, view }; // for the browser's console
  view?.build(scene);
  at("policy").textContent = `${simulation.told.name}, iteration ${simulation.told.step}`;
  const buttons = addSkills(simulation);
  addSpeed(simulation);
  addActions(simulation);
  addDragging(simulation);
  new Driving((velocity) => simulation.drive(velocity), at("pad"), at("knob"), at("speed"));
  run(simulation, buttons);
}

function addSkills(simulation) {
  const buttons = new Map();
  simulation.skills.forEach((skill, i) => {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    const key = Object.assign(document.createElement("kbd"), { textContent: KEYS[i] ?? "" });
    button.dataset.skill = skill;
    button.append(skill.replaceAll("-", " "), " ", key);
    button.addEventListener("click", () => simulation.ask(skill));
    buttons.set(skill, button);
  });
  at("skills").replaceChildren(...buttons.values());
  onKey((key) => {
    const skill = simulation.skills[KEYS.indexOf(key)];
    if (skill) simulation.ask(skill);
  });
  return buttons;
}

// Calls what with each single key that is pressed, in lower case.
function onKey(what) {
  addEventListener("keydown", ({ key, repeat, ctrlKey, altKey, metaKey }) => {
    if (key.length === 1 && !repeat && !ctrlKey && !altKey && !metaKey) what(key.toLowerCase());
  });
}

function addSpeed(simulation) {
  const show = () => {
    simulation.speed = Number(at("speed").value) / 100;
    at("percent").textContent = `${at("speed").value} %`;
  };
  at("speed").addEventListener("input", show);
  at("speed").addEventListener("pointerup", ({ target }) => target.blur()); // arrow keys drive again
  show();
}

function addActions(simulation) {
  const push = () => {
    const angle = view?.direction ?? 0;
    simulation.push(PUSH * Math.cos(angle), PUSH * Math.sin(angle));
  };
  at("pause").addEventListener("click", () => {
    simulation.isPaused = !simulation.isPaused;
    at("pause").textContent = simulation.isPaused ? "Go on" : "Pause";
  });
  at("push").addEventListener("click", push);
  at("reset").addEventListener("click", () => simulation.reset());
  at("camera").addEventListener("click", () => view?.home());
  onKey((key) => {
    if (key === "p") push();
    if (key === "z") simulation.reset();
  });
}

// Dragging from the body pushes it that way: as fast as the pointer went far.
function addDragging(simulation) {
  if (!view) return;
  const arrow = at("arrow");
  let from = null;
  const drawn = (x2, y2) => {
    for (const [name, value] of Object.entries({ x1: from[0], y1: from[1], x2, y2 })) arrow.setAttribute(name, value);
    arrow.parentElement.toggleAttribute("hidden", false);
  };
  const end = () => {
    from = null;
    view.controls.enabled = true;
    arrow.parentElement.toggleAttribute("hidden", true);
  };
  const down = (event) => {
    if (!view.hits(event.clientX, event.clientY)) return;
    from = [event.clientX, event.clientY];
    view.controls.enabled = false; // the camera stays
    at("view").setPointerCapture(event.pointerId);
  };
  at("view").addEventListener("pointerdown", down, { capture: true });
  at("view").addEventListener("pointermove", ({ clientX, clientY }) => from && drawn(clientX, clientY));
  at("view").addEventListener("pointercancel", end);
  at("view").addEventListener("pointerup", ({ clientX, clientY }) => {
    if (!from) return;
    const [right, away] = [DRAG * (clientX - from[0]), DRAG * (from[1] - clientY)];
    const size = Math.hypot(right, away);
    const [cos, sin] = [Math.cos(view.direction), Math.sin(view.direction)];
    const scale = Math.min(1, MOST / Math.max(size, 1e-9));
    simulation.push(scale * (away * cos + right * sin), scale * (away * sin - right * cos));
    end();
  });
}

// Step the physics in real time, and show it in every frame.
function run(simulation, buttons) {
  const period = simulation.told.control_period;
  let [before, owed, numFalls] = [performance.now(), 0, 0];
  let [count, since] = [0, before];

  const frame = (now) => {
    owed = simulation.isPaused ? 0 : Math.min(owed + (now - before) / 1000, BACKLOG);
    before = now;
    for (; owed >= period; owed -= period) simulation.step();
    view?.pose(simulation.poses());
    count++;
    if (now - since >= COUNTED_MS) {
      globalThis.flexrl.framesPerSecond = (1000 * count) / (now - since);
      [count, since] = [0, now];
    }
    show();
    requestAnimationFrame(frame);
  };

  const show = () => {
    const { forward, left, turn } = simulation.motion;
    const degrees = Math.round((turn * 180) / Math.PI);
    at("motion").textContent = `${Math.hypot(forward, left).toFixed(1)} m/s  ·  ${degrees}°/s`;
    for (const [skill, button] of buttons) button.ariaPressed = String(skill === simulation.skill);
    if (simulation.numFalls === numFalls) return;
    numFalls = simulation.numFalls;
    notice("it fell: put back onto its feet");
    setTimeout(() => notice(""), NOTICE_MS);
  };

  requestAnimationFrame(frame);
}
