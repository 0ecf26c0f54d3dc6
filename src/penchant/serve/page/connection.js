// Whether the server can be reached; told at the top of the page when that changes.

import { el, put } from "./dom.js";

const events = new EventTarget();
let lost = false;
let wait = 0;
let timer = 0;

const FIRST = 1000; // milliseconds between two tries, at first and at most
const LAST = 10_000;

/** Call a function each time the server can be reached again, until the signal ends that. */
export function whenBack(act, signal) {
  events.addEventListener("back", act, { signal });
}

/** Whether the server can't be reached now. */
export const away = () => lost;

/** Wait until the server can be reached again. */
export const back = () => new Promise((done) => {
  events.addEventListener("back", done, { once: true });
});

/** A request has failed to reach the server. */
export function failed() {
  if (lost) return;
  lost = true;
  wait = FIRST;
  show("The connection to the server is lost. Trying again; what you rate is sent when it is back.", "lost");
  timer = setTimeout(tryAgain, wait);
}

/** A request has reached the server. */
export function reached() {
  if (!lost) return;
  lost = false;
  clearTimeout(timer);
  show("Connected again.", "back");
  setTimeout(() => { if (!lost) show("", ""); }, 6000);
  events.dispatchEvent(new Event("back"));
}

async function tryAgain() {
  clearTimeout(timer);
  if (!lost) return;
  try {
    const response = await fetch("/health/live", { cache: "no-store" });
    if (response.ok) { reached(); return; }
  } catch { /* still away */ }
  wait = Math.min(2 * wait, LAST);
  timer = setTimeout(tryAgain, wait);
}

function show(text, state) {
  const place = document.getElementById("connection");
  place.dataset.state = state;
  put(place, text && el("p", {}, text));
}

addEventListener("offline", failed);
addEventListener("online", tryAgain);
