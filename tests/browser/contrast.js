// All pieces of text on the page with less than 4.5 to 1 against their ground, 3 to 1 where they are large (WCAG 2).
() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const parent = (element) => element.parentElement ?? element.getRootNode().host;
  const faint = [];
  const look = (element) => {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) return;
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (["SCRIPT", "STYLE", "TITLE"].includes(element.tagName) || box.width < 2 || style.visibility === "hidden") return;
    const grounds = [];
    let opacity = 1;
    for (let above = element; above; above = parent(above)) {
      if (above.disabled || above.ariaDisabled === "true") return; // what cannot be used need not be read
      const around = getComputedStyle(above), ground = rgba(around.backgroundColor);
      opacity *= around.opacity;
      if (ground[3] > 0 && grounds.at(-1)?.[3] !== 1) grounds.push(ground);
    }
    const ground = grounds.reverse().reduce((below, on) => over(on, below), [255, 255, 255, 1]);
    const drawn = element instanceof SVGElement;
    const ink = rgba(drawn ? style.fill : style.color);
    ink[3] *= opacity * (drawn ? style.fillOpacity : 1);
    const [light, dark] = [luminance(over(ink, ground)), luminance(ground)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size > 18.6 && style.fontWeight >= 700);
    const ratio = (light + 0.05) / (dark + 0.05);
    // the numbers at the ends of a slider are hidden in its own colour until it is used
    if (ratio > 1.01 && ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${element.textContent.trim().slice(0, 40)}`);
  };
  const visit = (root) => root.querySelectorAll("*").forEach((element) => {
    look(element);
    if (element.shadowRoot) visit(element.shadowRoot);
  });
  visit(document);
  return faint;
}
