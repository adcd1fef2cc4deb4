// Kind of board -> the value that a key went to or pressed, and where: the board is drawn anew, and the focus has to come
// back to it, until the visitor goes elsewhere with Tab or the pointer. Of two boards of a kind it comes to the same one.
const stepped = new Map();
const forget = (event) => { if (event.type === "pointerdown" || event.key === "Tab") stepped.clear(); };
document.addEventListener("pointerdown", forget, true);
document.addEventListener("keydown", forget, true);

// A network of more rows than there is room for stays where it was scrolled to, unless the chosen block would be hidden;
// of blocks that are switched on and off none is the chosen one.
const scrolled = new Map(); // the blocks -> how far
const keepInSight = (net) => {
  if (!net) return;
  const key = [...net.querySelectorAll("[data-pick]")].map((element) => element.dataset.pick).join();
  net.scrollTop = scrolled.get(key) ?? 0;
  const on = net.querySelector(".on:not([aria-checked])");
  if (on && (on.offsetTop < net.scrollTop || on.offsetTop + on.offsetHeight > net.scrollTop + net.clientHeight))
    net.scrollTop = on.offsetTop - net.clientHeight / 2;
  net.onscroll = () => scrolled.set(key, net.scrollTop);
};

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".board");
  if (!root) { root = document.createElement("div"); root.className = "board"; parentElement.appendChild(root); }
  const kept = new Map([...root.querySelectorAll("input[data-opacity]")].map((i) => [i.dataset.opacity, i.value]));
  if (root.dataset.html !== data) {
    root.innerHTML = data;
    root.dataset.html = data;
    keepInSight(root.querySelector(".net"));
  }
  const kind = root.firstElementChild?.getAttribute("class");
  const press = (element) => {
    stepped.set(kind, { value: element.dataset.pick, place: parentElement });
    element.onclick();
  };
  const stepTo = (element) => {
    element.focus();
    // a switch changes what is drawn: arrows only move to it, Enter or the space bar turns it
    if (!element.closest(".strip, .network") && element.getAttribute("role") !== "switch") press(element);
  };
  const fade = (input) => root.querySelectorAll(input.dataset.opacity).forEach((e) => (e.style.opacity = input.value));
  root.querySelectorAll("input[data-opacity]").forEach((input) => {
    if (kept.has(input.dataset.opacity)) input.value = kept.get(input.dataset.opacity);
    fade(input);
    input.oninput = () => fade(input);
  });
  const picks = [...root.querySelectorAll("[data-pick]")].filter((element) => element.getClientRects().length);
  // boxes and arcs of a drawn network lie in layers: the arrows go from left to right all the same
  if (root.querySelector(".network")) picks.sort((a, b) => a.getBBox().x - b.getBBox().x);
  const of = (value) => picks.find((element) => element.dataset.pick === value);
  const last = stepped.get(kind);
  const here = last && (last.place === parentElement || !last.place.isConnected);
  const stop = of(here && last.value) ?? picks.find((element) => element.classList.contains("on")) ?? picks[0];
  const refocus = () => { if (stepped.get(kind) === last) of(last.value)?.focus({ preventScroll: true }); };
  if (here) [0, 60, 250].forEach((wait) => setTimeout(refocus, wait));
  picks.forEach((element, i) => {
    element.tabIndex = element === stop ? 0 : -1;
    if (!element.getAttribute("role")) element.setAttribute("role", "button");
    // what is chosen is marked for the eye by its class, and said to a screen reader
    if (element.getAttribute("role") === "button") element.setAttribute("aria-pressed", element.classList.contains("on"));
    element.onclick = () => setTriggerValue("picked", element.dataset.pick);
    element.onkeydown = (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); press(element); }
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step && picks[i + step]) { event.preventDefault(); stepTo(picks[i + step]); }
    };
  });
}
