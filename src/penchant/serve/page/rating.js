// The control to rate with: buttons where the scale has few steps, else a slider.

import { button, el, fresh, svg } from "./dom.js";
import { amount } from "./words.js";

const MOST_BUTTONS = 11;
const STAR = "M12 2.6l2.9 5.9 6.5.9-4.7 4.6 1.1 6.5L12 17.4l-5.8 3.1 1.1-6.5L2.6 9.4l6.5-.9z";

/** The ratings that there are, from the lowest. */
export function steps(scale) {
  const n = Math.round((scale.high - scale.low) / scale.step);
  return Array.from({ length: n + 1 }, (_, k) => Number((scale.low + k * scale.step).toFixed(6)));
}

/** Whether a scale is shown as stars. */
export const starry = (scale) => scale.low === 1 && scale.high === 5 && scale.step === 1;

/** Return a control for one item: given its label, the current rating or null, and what to do. */
export function ratingControl({ scale, label, current = null, onrate }) {
  const values = steps(scale);
  return values.length > MOST_BUTTONS
    ? slider({ scale, label, current, onrate })
    : buttons({ scale, values, label, current, onrate });
}

function buttons({ scale, values, label, current, onrate }) {
  const stars = starry(scale);
  const made = values.map((value) => button(
    stars ? svg("svg", { viewBox: "0 0 24 24", width: 30, height: 30, "aria-hidden": "true" },
      svg("path", { d: STAR })) : String(value),
    () => onrate(value),
    { class: stars ? "star" : "token", "aria-label": amount(value, scale), "aria-pressed": String(value === current) },
  ));
  const first = Math.max(0, values.indexOf(current));
  made.forEach((one, place) => { one.tabIndex = place === first ? 0 : -1; });
  const group = el("div", { class: stars ? "stars" : "tokens", role: "group", "aria-label": label }, made);
  group.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pressed = digit(event.key, values);
    if (pressed !== null) { event.preventDefault(); onrate(pressed); return; }
    const from = made.indexOf(document.activeElement);
    const to = moved(event.key, from, made.length);
    if (to === null) return;
    event.preventDefault();
    made[from].tabIndex = -1;
    made[to].tabIndex = 0;
    made[to].focus();
  });
  return group;
}

function digit(pressed, values) {
  if (!/^\d$/.test(pressed)) return null;
  if (pressed === "0" && !values.includes(0) && values.includes(10)) return 10;
  return values.includes(Number(pressed)) ? Number(pressed) : null;
}

function moved(pressed, from, n) {
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  if (pressed in steps) return Math.min(n - 1, Math.max(0, from + steps[pressed]));
  if (pressed === "Home") return 0;
  return pressed === "End" ? n - 1 : null;
}

function slider({ scale, label, current, onrate }) {
  const id = fresh("slider");
  const shown = el("output", { for: id });
  const middle = steps(scale)[Math.floor(steps(scale).length / 2)];
  const input = el("input", {
    id, type: "range", min: scale.low, max: scale.high, step: scale.step, "aria-label": label,
    value: current ?? middle,
    oninput: () => { shown.textContent = amount(Number(input.value), scale); },
    onkeydown: (event) => { if (event.key === "Enter") onrate(Number(input.value)); },
  });
  shown.textContent = amount(Number(input.value), scale);
  return el("div", { class: "slider", role: "group", "aria-label": label },
    el("div", { class: "row" }, input, shown),
    button("Rate", () => onrate(Number(input.value)), { class: "main" }));
}

/** Focus the control where the keyboard goes on. */
export function focusOn(control) {
  control.querySelector("[tabindex='0'], input")?.focus({ preventScroll: true });
}

/** How to rate from the keyboard, in a few words. */
export function hint(scale) {
  const values = steps(scale);
  if (values.length > MOST_BUTTONS) return "Arrow keys move, Enter rates.";
  const digits = values.filter((value) => Number.isInteger(value) && value >= 0 && value <= 9);
  const keys = digits.length > 1 ? `Keys ${digits[0]} to ${digits.at(-1)} rate, arrow` : "Arrow";
  return `${keys} keys move.`;
}
