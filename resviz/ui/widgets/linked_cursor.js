// The board in whose cells a key was pressed: pinning draws them anew, and the focus has to come back, until the visitor
// goes elsewhere with Tab or the pointer.
let keyed = null;
const forget = (event) => { if (event.type === "pointerdown" || event.key === "Tab") keyed = null; };
document.addEventListener("pointerdown", forget, true);
document.addEventListener("keydown", forget, true);

// The box in the photo follows the pointer over the cells, without the server; a click, or Enter, pins the cell.
const wire = (scene, setTriggerValue) => {
  const g = JSON.parse(scene.dataset.linked);
  const cells = scene.querySelector(".lattice"), here = scene.querySelector(".here"), sentence = scene.querySelector(".sees");
  const [rows, columns] = g.units, [height, width] = g.side;
  const pinned = g.pins[g.pins.length - 1];
  let at = pinned;
  const field = ([y, x]) => g.whole ? [0, 0, height, width]
    : g.rows.length ? [g.rows[y][0], g.columns[x][0], g.rows[y][1], g.columns[x][1]]
    : [g.start[0] + y * g.stride[0], g.start[1] + x * g.stride[1], g.size[0], g.size[1]];
  const view = scene.querySelector(".scene").viewBox.baseVal, thin = view.width / 300;
  // Lines where the box leaves the picture: it goes on behind them.
  const cut = (top, left, h, w) => {
    const [t, l, b, r] = [view.y + thin, view.x + thin, view.y + view.height - thin, view.x + view.width - thin];
    const [from, to] = [Math.max(left, l), Math.min(left + w, r)], [high, low] = [Math.max(top, t), Math.min(top + h, b)];
    const sides = [[top < view.y, `M${from} ${t}H${to}`], [top + h > view.y + view.height, `M${from} ${b}H${to}`],
      [left < view.x, `M${l} ${high}V${low}`], [left + w > view.x + view.width, `M${r} ${high}V${low}`]];
    return sides.filter(([beyond]) => beyond).map(([, line]) => line).join("");
  };
  const inside = (first, length, side) => Math.max(0, Math.min(first + length, side) - Math.max(first, 0));
  const show = (unit) => {
    at = unit;
    const [top, left, h, w] = field(unit), round = (n) => Math.round(n);
    for (const kind of [".box", ".padding"]) {
      const values = { x: left, y: top, width: w, height: h };
      Object.entries(values).forEach(([name, value]) => scene.querySelector(kind).setAttribute(name, value));
    }
    scene.querySelector(".cut").setAttribute("d", cut(top, left, h, w));
    Object.entries({ cx: left + w / 2, cy: top + h / 2 }).forEach(([n, v]) => scene.querySelector(".middle").setAttribute(n, v));
    const clip = (n, side) => Math.min(Math.max(n, 0), side);
    const [t, b, l, r] = [clip(top, height), clip(top + h, height), clip(left, width), clip(left + w, width)];
    scene.querySelector(".unseen").setAttribute("d", `M0 0H${width}V${height}H0Z M${l} ${t}V${b}H${r}V${t}Z`);
    Object.assign(here.style, { left: `${100 * unit[1] / columns}%`, top: `${100 * unit[0] / rows}%`,
      width: `${100 / columns}%`, height: `${100 / rows}%` });
    const padding = 1 - inside(top, h, height) * inside(left, w, width) / (h * w);
    const facts = { row: unit[0], column: unit[1], top: round(top), bottom: round(top + h - 1), left: round(left),
      right: round(left + w - 1), padding: round(100 * padding) };
    sentence.textContent = g.words.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
    scene.classList.toggle("moving", unit[0] !== pinned[0] || unit[1] !== pinned[1]);
    scene.dataset.at = unit.join(",");
  };
  const under = (event) => {
    const box = cells.getBoundingClientRect();
    const share = (n, low, length) => Math.min(Math.max((n - low) / length, 0), 0.9999);
    return [Math.floor(share(event.clientY, box.top, box.height) * rows), Math.floor(share(event.clientX, box.left, box.width) * columns)];
  };
  const pin = () => setTriggerValue("picked", at.join(","));
  cells.onpointermove = (event) => show(under(event));
  cells.onpointerleave = () => show(pinned);
  cells.onclick = (event) => { show(under(event)); pin(); };
  cells.onkeydown = (event) => {
    if (event.key !== "Tab") keyed = scene.closest(".board");
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pin(); }
    if (event.key === "Escape") show(pinned);
    if (!step) return;
    event.preventDefault();
    show([Math.min(Math.max(at[0] + step[0], 0), rows - 1), Math.min(Math.max(at[1] + step[1], 0), columns - 1)]);
  };
  show(pinned);
  const ours = () => keyed && (keyed === scene.closest(".board") || !keyed.isConnected);
  const refocus = () => { if (ours()) cells.focus({ preventScroll: true }); };
  if (ours()) [0, 60, 250].forEach((wait) => setTimeout(refocus, wait));
};

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".board");
  if (!root) { root = document.createElement("div"); root.className = "board"; parentElement.appendChild(root); }
  const kept = new Map([...root.querySelectorAll("input[data-opacity]")].map((i) => [i.dataset.opacity, i.value]));
  if (root.dataset.html !== data) { root.innerHTML = data; root.dataset.html = data; }
  root.querySelectorAll("input[data-opacity]").forEach((input) => {
    if (kept.has(input.dataset.opacity)) input.value = kept.get(input.dataset.opacity);
    const fade = () => root.querySelectorAll(input.dataset.opacity).forEach((e) => (e.style.opacity = input.value));
    input.oninput = fade;
    fade();
  });
  root.querySelectorAll("[data-linked]").forEach((scene) => wire(scene, setTriggerValue));
}
