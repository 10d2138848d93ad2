// Steers the body by arrow keys and by the pad: a velocity is sent while it is held, and standing when it is let go.

const AGAIN_MS = 400; // between two messages of the same velocity; the server lets one last for a second
const KEYS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"];
const WALK = 1.0, RUN = 3.0, BACK = -0.7, SIDE = 0.5, TURN = 0.8; // m/s and rad/s
const STILL = { forward: 0, left: 0, turn: 0 };
const STEP = 0.1; // to which the pad's velocities are rounded

export class Driving {
  // Calls send(velocity).
  constructor(send, pad, knob, text) {
    Object.assign(this, { send, pad, knob, text, held: new Set(), isFast: false, velocity: STILL, sentAt: 0 });
    addEventListener("keydown", (event) => this.onKey(event, true));
    addEventListener("keyup", (event) => this.onKey(event, false));
    addEventListener("blur", () => this.letGo());
    for (const name of ["pointerdown", "pointermove"]) pad.addEventListener(name, (event) => this.onPad(event));
    for (const name of ["pointerup", "pointercancel"]) pad.addEventListener(name, () => this.letGo());
    setInterval(() => this.repeat(), AGAIN_MS / 4);
  }

  onKey(event, isDown) {
    const isDriving = KEYS.includes(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (!isDriving && event.key !== "Shift") return;
    if (isDriving && isDown) {
      const isTyping = document.activeElement === this.text && this.text.value !== "";
      if (isTyping || document.activeElement.tagName === "SELECT") return;
      event.preventDefault();
      this.held.add(event.key);
    } else if (isDriving) this.held.delete(event.key);
    this.isFast = event.shiftKey;
    if (!this.pad.classList.contains("held")) this.drive(this.byKeys());
  }

  byKeys() {
    const on = (key) => Number(this.held.has(key));
    const [ahead, side] = [on("ArrowUp") - on("ArrowDown"), on("ArrowLeft") - on("ArrowRight")];
    const forward = ahead > 0 ? (this.isFast ? RUN : WALK) : ahead < 0 ? BACK : 0;
    const isSidestep = this.isFast && !ahead;
    return { forward, left: isSidestep ? SIDE * side : 0, turn: isSidestep ? 0 : TURN * side };
  }

  onPad(event) {
    if (event.type === "pointerdown") {
      this.pad.setPointerCapture(event.pointerId);
      this.pad.classList.add("held");
    }
    if (!this.pad.classList.contains("held")) return;
    const { left, top, width } = this.pad.getBoundingClientRect();
    const radius = width / 2 - this.knob.offsetWidth / 2;
    let [x, y] = [event.clientX - left - width / 2, event.clientY - top - width / 2];
    const shrink = Math.min(1, radius / Math.max(Math.hypot(x, y), 1e-6));
    [x, y] = [x * shrink, y * shrink];
    this.knob.style.transform = `translate(${x}px, ${y}px)`;
    const round = (value) => STEP * Math.round(value / STEP);
    const ahead = -y / radius;
    this.drive({ forward: round(ahead * (ahead > 0 ? WALK : -BACK)), left: 0, turn: round((-x / radius) * TURN) });
  }

  letGo() {
    this.held.clear();
    this.pad.classList.remove("held");
    this.knob.style.transform = "";
    this.drive(STILL);
  }

  drive(velocity) {
    if (JSON.stringify(velocity) === JSON.stringify(this.velocity)) return;
    this.velocity = velocity;
    this.isDue = true;
    if (performance.now() - this.sentAt > AGAIN_MS / 4) this.repeat();
  }

  repeat() {
    const isStill = JSON.stringify(this.velocity) === JSON.stringify(STILL);
    if (!this.isDue && (isStill || performance.now() - this.sentAt < AGAIN_MS)) return;
    this.isDue = false;
    this.sentAt = performance.now();
    this.send(this.velocity);
  }
}
