// Shows the plan that is followed. All words are set as text, never as markup.

export class PlanPanel {
  constructor(said, list) {
    this.said = said;
    this.list = list;
    this.number = null;
  }

  show({ number, text, source, segments, is_done }) {
    if (number !== this.number) {
      this.number = number;
      this.list.replaceChildren(...segments.map(rowOf));
    }
    const quoted = source === "instruction" ? `“${text}”` : text;
    this.said.textContent = is_done ? `${quoted} – done, it stands` : quoted || "it stands, and waits for you";
    segments.forEach((segment, i) => update(this.list.children[i], segment));
  }
}

function rowOf({ skill, speed, confidence }) {
  const row = document.createElement("li");
  const name = element("span", "skill", skill.replaceAll("-", " ") + (speed ? `, ${speed}` : ""));
  const sure = element("small", "confidence", `${Math.round(100 * confidence)} % sure`);
  const bar = element("div", "bar", "");
  name.append(sure);
  bar.append(document.createElement("i"));
  row.append(name, element("span", "amount", ""), bar);
  return row;
}

function update(row, { asked, reached, fraction, status }) {
  row.className = status.replace(" ", "-") + (fraction === null ? " endless" : "");
  const [amount, unit] = reached.split(/ (.*)/);
  row.querySelector(".amount").textContent = asked ? `${amount} / ${asked}` : `${amount} ${unit}`;
  row.querySelector(".bar i").style.transform = fraction === null ? "" : `scaleX(${fraction})`;
  if (status === "running" && !row.dataset.seen) {
    row.dataset.seen = "yes";
    row.scrollIntoView({ block: "nearest" });
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
