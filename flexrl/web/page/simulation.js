// One body in MuJoCo's WebAssembly, moved by the policy a control step at a time. Needs no page: it can run without one.

import loadMujoco from "./mujoco/mujoco.js";
import { laterPhase, motion, nearestSkill, observe } from "./humanoid_skills.js";
import { Policy } from "./policy.js";

const FALLEN_SECONDS = 1.5; // s on the floor after which the body is put back
const STILL = "stand-still";

export class Simulation {
  // Load the files beside this one.
  static async load() {
    const [told, weights, xml, mujoco] = await Promise.all([
      file("policy.json").then((answer) => answer.json()),
      file("policy.bin").then((answer) => answer.arrayBuffer()),
      file("model.xml").then((answer) => answer.text()),
      loadMujoco(),
    ]);
    return new Simulation(told, new Float32Array(weights), mujoco, mujoco.MjModel.from_xml_string(xml));
  }

  constructor(told, weights, mujoco, model) {
    Object.assign(this, { told, mujoco, model, data: new mujoco.MjData(model), speed: 1, numFalls: 0 });
    this.policy = new Policy(told.network, weights);
    this.reset();
  }

  get skills() {
    return Object.keys(this.told.goals);
  }

  get motion() {
    return motion(this.data);
  }

  // Put the body onto its feet at the origin, to stand still.
  reset() {
    this.mujoco.mj_resetData(this.model, this.data);
    this.data.qpos.set(this.told.start);
    this.mujoco.mj_forward(this.model, this.data);
    this.lastAction = new Float64Array(this.model.nu);
    this.seconds = this.fallenSeconds = this.phase = 0;
    this.ask(this.skills.includes(STILL) ? STILL : this.skills[0]);
  }

  // Ask for a skill from the next control step on, at its usual command (3) or another one.
  ask(skill, command = this.told.goals[skill].slice(0, 3)) {
    Object.assign(this, { skill, command });
  }

  // Ask for a velocity (m/s and rad/s), by the skill that is nearest to it.
  drive(velocity) {
    this.ask(nearestSkill(this.told.goals, velocity), [velocity.forward, velocity.left, velocity.turn]);
  }

  // Add a velocity (m/s, along the world's axes) to the body at once.
  push(x, y) {
    this.data.qvel[0] += x;
    this.data.qvel[1] += y;
  }

  get goal() {
    return [...this.command.map((x) => this.speed * x), ...this.told.goals[this.skill].slice(3)];
  }

  observe() {
    const clock = this.told.clock ? [Math.sin(this.phase), Math.cos(this.phase)] : [];
    return [...observe(this.data, this.lastAction), ...clock];
  }

  // Take one control step with an action in [-1, 1]; by default the policy's.
  step(action = this.policy.act(this.observe(), this.goal)) {
    const range = this.model.actuator_ctrlrange;
    const ctrl = this.data.ctrl;
    for (let i = 0; i < ctrl.length; i++) {
      const [low, high] = [range[2 * i], range[2 * i + 1]];
      ctrl[i] = (high + low) / 2 + ((high - low) / 2) * action[i];
    }
    for (let i = 0; i < this.told.num_substeps; i++) this.mujoco.mj_step(this.model, this.data);
    this.lastAction = action;
    const { clock, control_period } = this.told;
    if (clock) this.phase = laterPhase(this.phase, motion(this.data), control_period, clock);
    this.seconds += this.told.control_period;
    this.standUp();
  }

  standUp() {
    const isDown = this.data.qpos[2] < this.told.min_height && this.skill !== "stand-up";
    this.fallenSeconds = isDown ? this.fallenSeconds + this.told.control_period : 0;
    if (this.fallenSeconds < FALLEN_SECONDS) return;
    this.numFalls++;
    this.reset();
  }

  // Return the time (s), and each body's place (m) and quaternion (w, x, y, z), as the view takes them.
  poses() {
    const { xpos, xquat } = this.data;
    const numBodies = this.model.nbody;
    const message = new Float32Array(1 + 7 * numBodies);
    message[0] = this.seconds;
    for (let i = 0; i < numBodies; i++) {
      message.set(xpos.subarray(3 * i, 3 * i + 3), 1 + 7 * i);
      message.set(xquat.subarray(4 * i, 4 * i + 4), 4 + 7 * i);
    }
    return message;
  }
}

async function file(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} is missing`);
  return answer;
}
