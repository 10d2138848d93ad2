// The page: words and buttons go to the server, states and poses come from it.

import { Driving } from "./driving.js";
import { PlanPanel } from "./plan.js";
import { get, listen, post } from "./server.js";
import { View } from "./view.js";

const EXAMPLES = [
  "walk forward three metres", "turn around", "run for five seconds", "walk three metres, turn right, walk back",
  "sidestep to the right", "stop",
];
const PUSH = 1.0; // m/s
const NOTICE_MS = 6000;
const CLICK = 4; // px: a pointer that moved less has clicked
const at = (id) => document.getElementById(id);

const view = begun();
const plan = new PlanPanel(at("said"), at("segments"));
let present = null; // the newest state
let isLoading = false; // another policy
let goingAway = 0; // the timer of a notice

// The token came by the address, and is kept in a cookie that scripts cannot read.
if (location.search) history.replaceState(null, "", `/${location.hash}`);

// The 3-D view, or null in a browser that has none: then words and buttons still work.
function begun() {
  try {
    return new View(at("view"));
  } catch {
    return null;
  }
}

function answer(line) {
  at("answer").textContent = line;
  at("answer").hidden = !line;
}

async function ask(path, body) {
  try {
    const answered = await post(path, body);
    if (answered.accepted === false) answer(answered.reason);
    return answered;
  } catch (error) {
    answer(error.message);
    return null;
  }
}

async function say(text) {
  answer("");
  const answered = await ask("/v1/instruct", { text });
  if (answered?.accepted && at("text").value === text) at("text").value = "";
}

function push() {
  const angle = (view?.direction ?? 0) - (present?.pose.heading ?? 0);
  ask("/v1/push", { forward: PUSH * Math.cos(angle), left: PUSH * Math.sin(angle) });
}

function show(state) {
  if (state.policy !== present?.policy) changePolicy();
  present = state;
  plan.show(state.plan);
  const { forward, left, turn } = state.motion;
  const parts = [`${Math.hypot(forward, left).toFixed(1)} m/s`, `${Math.round((turn * 180) / Math.PI)}°/s`];
  if (state.speed !== null && state.speed < 0.95) parts.push(`${state.speed.toFixed(2)} of real time`);
  at("motion").textContent = parts.join("  ·  ");
  at("pause").textContent = state.is_paused ? "Go on" : "Pause";
  if (!isLoading) notice(state.is_fallen ? "it fell" : state.is_paused ? "paused" : state.notice, state.is_paused);
}

// Show a line at the top; what only happened, and does not last, goes away by itself.
function notice(line, lasts) {
  if (line === at("notice").dataset.line) return;
  clearTimeout(goingAway);
  at("notice").dataset.line = at("notice").textContent = line;
  at("notice").hidden = !line;
  if (line && !lasts) goingAway = setTimeout(() => (at("notice").hidden = true), NOTICE_MS);
}

async function changePolicy() {
  const [scene, { names, present }] = await Promise.all([get("/v1/scene"), get("/v1/policies")]);
  view?.build(scene);
  at("policy").replaceChildren(...names.map((name) => new Option(name, name, false, name === present)));
  at("policy").disabled = names.length < 2;
}

at("say").addEventListener("submit", (event) => {
  event.preventDefault();
  say(at("text").value);
});
at("examples").append(
  ...EXAMPLES.map((text) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    button.addEventListener("click", () => say(text));
    return button;
  }),
);
at("policy").addEventListener("change", async ({ target }) => {
  target.disabled = isLoading = true;
  answer("");
  notice(`loading ${target.value} …`, true);
  if (!(await ask("/v1/policy", { name: target.value }))) await changePolicy();
  target.disabled = isLoading = false;
});
at("pause").addEventListener("click", () => ask("/v1/pause", { paused: !present?.is_paused }));
at("push").addEventListener("click", push);
at("reset").addEventListener("click", () => ask("/v1/reset", null));
at("camera").addEventListener("click", () => view?.home());
new Driving((velocity) => ask("/v1/drive", velocity), at("pad"), at("knob"), at("text"));

let pressed = null;
at("view").addEventListener("pointerdown", ({ clientX, clientY }) => (pressed = [clientX, clientY]));
at("view").addEventListener("pointerup", ({ clientX, clientY }) => {
  at("text").blur();
  const isClick = pressed && Math.hypot(clientX - pressed[0], clientY - pressed[1]) < CLICK;
  if (isClick && view?.hits(clientX, clientY)) push();
});

if (!view) answer("This browser cannot draw in 3-D, since WebGL is off. Words and buttons work.");
listen({
  onState: show,
  onPose: (message) => view?.pose(message),
  onLost: () => notice("the server does not answer; trying again", true),
});
