// What somebody has rated: to look at, change and take back.

import { button, el, put } from "./dom.js";
import { focusOn, ratingControl } from "./rating.js";
import { attempt } from "./waiting.js";
import { amount, count, named } from "./words.js";

const AT_FIRST = 12;

/** The list of a person's ratings; without `onrate` it is only to look at. */
export class RatedList {
  constructor({ model, person, signal, onrate, onunrate }) {
    Object.assign(this, { model, person, signal, onrate, onunrate, shown: AT_FIRST, open: null });
    this.node = el("section", { class: "rated" });
  }

  show() {
    const { person } = this;
    const whose = person.mine ? "Your ratings" : "Their ratings";
    if (!person.ratings.size) {
      put(this.node, el("h2", {}, whose), el("p", { class: "small" }, "None yet."));
      return;
    }
    const some = person.list.slice(0, this.shown);
    const left = person.ratings.size - some.length;
    put(this.node,
      el("h2", {}, whose, " ", el("span", { class: "count" }, String(person.ratings.size))),
      el("ul", { class: "plain" }, some.map((entry) => this.row(entry))),
      left > 0 && button(`Show ${count(Math.min(left, 5 * AT_FIRST), "more", "more")}`, () => {
        this.shown += 5 * AT_FIRST;
        this.show();
      }, { class: "quiet wide" }));
  }

  row(entry) {
    const { scale } = this.model;
    const given = amount(entry.rating, scale);
    if (!this.onrate) {
      return el("li", {}, el("span", { class: "name" }, named(entry)), el("span", { class: "given" }, given));
    }
    const open = this.open === String(entry.item);
    const said = el("div");
    const toggle = button(given, () => this.toggle(entry), {
      class: "quiet given", "aria-expanded": String(open), "data-item": String(entry.item),
      "aria-label": `${named(entry)}: ${given}. Change it`,
    });
    return el("li", {}, el("span", { class: "name" }, named(entry)), toggle,
      open && el("div", { class: "changing" },
        ratingControl({
          scale, label: `Rate ${named(entry)}`, current: entry.rating,
          onrate: (rating) => this.change(entry, said, () => this.onrate(entry, rating)),
        }),
        button("Take it back", () => this.change(entry, said, () => this.onunrate(entry)), { class: "quiet" }),
        said));
  }

  toggle(entry) {
    this.open = this.open === String(entry.item) ? null : String(entry.item);
    this.show();
    const control = this.node.querySelector(".changing [role='group']");
    if (this.open && control) focusOn(control);
    else this.focusOnRow(entry);
  }

  async change(entry, said, act) {
    this.open = null;
    if (await attempt(said, act, this.signal)) {
      this.show();
      this.focusOnRow(entry);
    } else this.open = String(entry.item);
  }

  focusOnRow(entry) {
    const same = [...this.node.querySelectorAll("[data-item]")];
    (same.find((one) => one.dataset.item === String(entry.item)) ?? same[0])?.focus({ preventScroll: true });
  }
}
