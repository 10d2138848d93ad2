// The task humanoid-skills: what its body observes, and how its goals are named. As envs/robots/feeling_humanoid.py.

const DRIVABLE = ["walk", "strafe", "turn", "run", "stand"]; // first words of the skills that follow a velocity

// Return the observation (63): height, gravity (3), velocity forward, left, up, angular velocity (3), joint angles (17)
// and velocities (17), whether each foot is on the floor (2), and the last action (17).
export function observe({ qpos, qvel, sensordata }, lastAction) {
  const { forward, left } = motion({ qpos, qvel });
  const touches = [sensordata[0], sensordata[1]].map((force) => Number(force > 0));
  return [
    qpos[2], ...gravity(qpos), forward, left, ...qvel.slice(2, 6), ...qpos.slice(7), ...qvel.slice(6), ...touches,
    ...lastAction,
  ];
}

// Return the clock's phase (rad) after a control step of `period` s, as envs/tasks/humanoid_skills/clock.py.
export function laterPhase(phase, { forward, left }, period, { strides, strides_per_metre }) {
  const pace = strides + strides_per_metre * Math.hypot(forward, left);
  return (phase + 2 * Math.PI * period * pace) % (2 * Math.PI);
}

// Return how the torso moves: forward and left (m/s), turn (rad/s, to the left), and its height (m).
export function motion({ qpos, qvel }) {
  const [x, y] = heading(qpos);
  const down = gravity(qpos);
  return {
    forward: x * qvel[0] + y * qvel[1],
    left: x * qvel[1] - y * qvel[0],
    turn: -(down[0] * qvel[3] + down[1] * qvel[4] + down[2] * qvel[5]),
    height: qpos[2],
  };
}

// Return the horizontal unit vector along the torso's x axis.
export function heading(qpos) {
  const [x, y] = rotated([...qpos.slice(3, 7)], [1, 0, 0]);
  const length = Math.sqrt(x * x + y * y + 1e-12);
  return [(x + 1e-6) / length, y / length];
}

// Return the skill whose usual velocity is nearest to a velocity. `goals` are those of policy.json.
export function nearestSkill(goals, { forward, left, turn }) {
  const drivable = Object.keys(goals).filter((name) => DRIVABLE.includes(name.split("-")[0]) && name !== "stand-up");
  const distance = (name) => Math.hypot(goals[name][0] - forward, goals[name][1] - left, goals[name][2] - turn);
  return drivable.reduce((a, b) => (distance(b) < distance(a) ? b : a));
}

// Return the direction of gravity in the torso's frame.
function gravity(qpos) {
  const [w, x, y, z] = qpos.slice(3, 7);
  return rotated([w, -x, -y, -z], [0, 0, -1]);
}

function rotated([w, ...axis], vector) {
  const once = cross(axis, vector).map((x) => 2 * x);
  const twice = cross(axis, once);
  return vector.map((x, i) => x + w * once[i] + twice[i]);
}

function cross([a, b, c], [x, y, z]) {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}
