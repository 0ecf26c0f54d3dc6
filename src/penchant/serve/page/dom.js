// Elements by hand. Text is only ever put in as text: there is no way here to put in HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, given, children) {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") {
      for (const [property, amount] of Object.entries(value)) node.style.setProperty(property, amount);
    } else node.setAttribute(name, value === true ? "" : String(value));
  }
  add(node, ...children);
  return node;
}

/** Append children: nodes as they are, anything else as text; nothing for null, undefined, false. */
export function add(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** Make an HTML element: el("p", {class: "note"}, "text", otherElement). */
export function el(tag, given, ...children) {
  return fill(document.createElement(tag), given, children);
}

/** Make an SVG element. */
export function svg(tag, given, ...children) {
  return fill(document.createElementNS(SVG, tag), given, children);
}

/** Replace what is in a node. */
export function put(node, ...children) {
  node.replaceChildren();
  return add(node, ...children);
}

/** A button that does something. */
export function button(label, onclick, given = {}) {
  return el("button", { type: "button", onclick, ...given }, label);
}

/** Tell a screen reader, politely. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** Whether movement is welcome. */
export const moves = () => !matchMedia("(prefers-reduced-motion: reduce)").matches;

let counted = 0;

/** An id for an element, unlike all others. */
export const fresh = (word) => `${word}-${++counted}`;

/** Call a function once typing has paused. */
export function paused(act, milliseconds = 200) {
  let waiting = 0;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act(...given), milliseconds);
  };
}
