// One cursor for all films: over one picture it stands in each, at the same step and the same share of the depth.
const numbers = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const nearest = (steps, step) => steps.reduce((best, s, i) => (Math.abs(s - step) < Math.abs(steps[best] - step) ? i : best), 0);

const wire = (board, setTriggerValue) => {
  const { at, reading, noNumber } = JSON.parse(board.dataset.films);
  const films = [...board.querySelectorAll("figure")].map((figure) => {
    const film = JSON.parse(figure.dataset.film);
    const find = (name) => figure.querySelector(name);
    return { ...film, values: numbers(film.values), field: find(".field"), reading: find(".reading"), now: find(".now"),
      up: find(".up"), across: find(".across") };
  });
  const middle = (i, count) => `${(100 * (i + 0.5)) / count}%`;
  films.forEach((film) => (film.now.style.left = middle(nearest(film.steps, at), film.steps.length)));
  let here = null;
  const show = (step, share) => {
    here = step === null ? null : [step, share];
    board.classList.toggle("moving", here !== null);
    films.forEach((film) => {
      film.reading.textContent = "";
      if (here === null) return;
      const i = nearest(film.steps, step), depth = film.layers.length;
      const layer = Math.min(Math.floor(share * depth), depth - 1), value = film.values[i * depth + layer];
      film.up.style.left = middle(i, film.steps.length);
      film.across.style.bottom = middle(layer, depth);
      const facts = { layer: film.layers[layer], step: film.steps[i], value: Number.isFinite(value) ? value.toPrecision(3) : noNumber };
      film.reading.textContent = reading.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
    });
  };
  films.forEach((film) => {
    const under = (event) => {
      const box = film.field.getBoundingClientRect();
      const share = (n) => Math.min(Math.max(n, 0), 0.9999);
      const i = Math.floor(share((event.clientX - box.left) / box.width) * film.steps.length);
      show(film.steps[i], share(1 - (event.clientY - box.top) / box.height));
    };
    const pick = () => here && setTriggerValue("picked", here[0]);
    film.field.onpointermove = under;
    film.field.onpointerleave = () => show(null);
    film.field.onblur = () => show(null);
    film.field.onclick = (event) => { under(event); pick(); };
    film.field.onkeydown = (event) => {
      const [step, share] = here || [at, 0.0001], depth = film.layers.length, i = nearest(film.steps, step);
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(); }
      if (event.key === "Escape") show(null);
      if (!move) return;
      event.preventDefault();
      const layer = Math.min(Math.max(Math.floor(share * depth) + move[1], 0), depth - 1);
      show(film.steps[Math.min(Math.max(i + move[0], 0), film.steps.length - 1)], (layer + 0.5) / depth);
    };
  });
};

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".board");
  if (!root) { root = document.createElement("div"); root.className = "board"; parentElement.appendChild(root); }
  if (root.dataset.html === data) return;
  const focused = [...root.querySelectorAll(".field")].indexOf(root.getRootNode().activeElement);
  root.innerHTML = data;
  root.dataset.html = data;
  root.querySelectorAll("[data-films]").forEach((board) => wire(board, setTriggerValue));
  root.querySelectorAll(".field")[focused]?.focus();
}
