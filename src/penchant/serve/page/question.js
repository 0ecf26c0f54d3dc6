// One question after another: the item that tells most, to be rated or skipped.

import { button, el, put, say } from "./dom.js";
import { read, write } from "./json.js";
import { focusOn, hint, ratingControl } from "./rating.js";
import { attempt, fillWith } from "./waiting.js";
import { named, percent } from "./words.js";

const AHEAD = 3; // questions fetched at once, so that a skip shows the next one without a wait

/** The card that asks; `onrate(entry, rating)` keeps an answer. */
export class Asking {
  constructor({ model, person, signal, onrate }) {
    Object.assign(this, { model, person, signal, onrate });
    this.name = `penchant.skipped.${person.kept ? person.id : "new"}`;
    this.skipped = read(sessionStorage.getItem(this.name) ?? "[]");
    this.body = el("div");
    this.said = el("div");
    this.node = el("section", { class: "card question", "aria-label": "A question" }, this.body, this.said);
  }

  /** Fetch the next question; the focus goes to it if it was in the card. */
  async next(focus) {
    const mine = focus ?? this.node.contains(document.activeElement);
    await fillWith(this.body,
      () => this.person.questions(this.skipped, AHEAD, this.signal),
      (found) => { this.show(found[0], mine); }, this.signal);
  }

  show(entry, focus) {
    if (!entry) {
      put(this.body, el("h2", {}, "No more questions"),
        el("p", {}, "You have been asked about every item that there is."));
      return;
    }
    const { scale } = this.model;
    const control = ratingControl({
      scale, label: `Rate ${named(entry)}`, onrate: (rating) => this.rate(entry, rating),
    });
    const answered = this.person.ratings.size;
    put(this.body,
      el("p", { class: "eyebrow" }, answered ? `Answered so far: ${answered}` : "The first question"),
      el("h2", {}, el("span", { class: "asked" }, named(entry))),
      el("p", { class: "small" }, typeof entry.chance === "number"
        ? `Rated by ${percent(entry.chance)} of the people here. Your answer tells the most about you.`
        : "One of the items that most people here have rated."),
      control,
      el("p", { class: "small keys" }, hint(scale)),
      button("I don't know it", () => this.skip(entry), { class: "quiet wide" }));
    if (focus) focusOn(control);
    if (focus) say(`Next: ${named(entry)}.`);
  }

  async rate(entry, rating) {
    if (this.busy) return;
    this.busy = true;
    const focus = this.node.contains(document.activeElement);
    this.node.setAttribute("aria-busy", "true");
    const kept = await attempt(this.said, () => this.onrate(entry, rating, this), this.signal);
    this.busy = false;
    this.node.removeAttribute("aria-busy");
    if (kept && !this.signal.aborted) await this.next(focus);
  }

  async skip(entry) {
    this.skipped.push(entry.item);
    sessionStorage.setItem(this.name, write(this.skipped));
    await this.next(true);
  }
}
