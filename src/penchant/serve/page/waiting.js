// Parts of the page that wait for the server: what is shown till then, and what if it fails.

import { whenBack } from "./connection.js";
import { button, el, put } from "./dom.js";

/** A failure as a sentence, with a button to try again. */
export function failure(problem, again) {
  return el("div", { class: "note failure", role: "alert" },
    el("p", {}, problem.message),
    problem.id && el("p", { class: "small" }, `Request ${problem.id}`),
    again && button("Try again", again));
}

/**
 * Fill a place with what a promise gives. While it runs the place keeps what it shows; a failure is
 * told there, with a button, and repeated by itself once a lost connection is back. Where the place
 * is a whole view, head is the heading that a failure stands under.
 */
export async function fillWith(place, ask, show, signal, head = null) {
  place.setAttribute("aria-busy", "true");
  if (!place.childNodes.length) put(place, el("p", { class: "loading" }, "Loading…"));
  const again = () => fillWith(place, ask, show, signal, head);
  try {
    const told = await ask();
    if (!signal?.aborted) await show(told, place);
  } catch (problem) {
    if (problem.name === "AbortError" || signal?.aborted) return;
    if (problem.status === undefined) throw problem;
    const once = new AbortController();
    const retry = () => { once.abort(); again(); };
    put(place, head && el("h1", { tabindex: "-1" }, head), failure(problem, retry));
    if (problem.status === 0) whenBack(retry, AbortSignal.any([once.signal, signal].filter(Boolean)));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** Do something once, tell a failure beside it; true if it worked. */
export async function attempt(place, act, signal) {
  try {
    await act();
    put(place);
    return true;
  } catch (problem) {
    if (problem.name === "AbortError" || signal?.aborted) return false;
    if (problem.status === undefined) throw problem;
    put(place, failure(problem));
    return false;
  }
}
