// A list of recommendations: each with its interval on the scale, and its reasons to be unfolded.

import { add, button, el, fresh, moves, put, say } from "./dom.js";
import { ratingControl } from "./rating.js";
import { because, explanation } from "./reasons.js";
import { attempt, fillWith } from "./waiting.js";
import { part } from "./api.js";
import { between, count, named, predicted } from "./words.js";

/** Where a value lies on the scale, 0 … 1. */
const along = (value, scale) => (value - scale.low) / (scale.high - scale.low || 1);

/** A prediction and its interval, as a bar on the scale; the text beside it says the same. */
export function bar(entry, scale) {
  const known = typeof entry.low === "number";
  return el("span", {
    class: "scale", "aria-hidden": "true",
    style: {
      "--at": String(along(entry.rating, scale)),
      "--low": String(along(known ? entry.low : entry.rating, scale)),
      "--high": String(along(known ? entry.high : entry.rating, scale)),
    },
  }, el("span", { class: "band" }), el("span", { class: "dot" }));
}

/** A list that changes in place: what stays keeps its element, its focus and its open reasons. */
export class List {
  constructor({ model, person, signal, onrate }) {
    Object.assign(this, { model, person, signal, onrate });
    this.rows = new Map();
    this.node = el("ol", { class: "list" });
  }

  /** Show other entries; tell what has changed. */
  show(told) {
    const top = ({ node }) => node.getBoundingClientRect().top;
    const before = new Map([...this.rows].map(([item, row]) => [item, top(row)]));
    const order = told.items.map((entry) => {
      const item = String(entry.item);
      const row = this.rows.get(item) ?? new Row(this, entry);
      row.update(entry, told.interval ?? 0.9, this.first && !before.has(item));
      return [item, row];
    });
    this.rows = new Map(order);
    const focused = document.activeElement;
    const within = this.node.contains(focused);
    put(this.node, order.map(([, row]) => row.node));
    if (this.node.contains(focused)) focused.focus({ preventScroll: true });
    else if (within) this.node.querySelector("button")?.focus({ preventScroll: true });
    if (moves()) this.glide(before);
    if (this.first) this.tell(order, before);
    this.first = true;
  }

  glide(before) {
    for (const [item, row] of this.rows) {
      const from = before.get(item);
      const gone = from === undefined ? 0 : from - row.node.getBoundingClientRect().top;
      if (from === undefined && this.first) {
        row.node.animate([{ transform: "translateX(12px)" }, { transform: "none" }],
          { duration: 350, easing: "ease-out" });
      } else if (gone) {
        row.node.animate([{ transform: `translateY(${gone}px)` }, { transform: "none" }],
          { duration: 350, easing: "ease-out" });
      }
    }
  }

  tell(order, before) {
    const fresh = order.filter(([item]) => !before.has(item)).length;
    const first = order.length ? ` First is ${named(order[0][1].entry)}.` : "";
    say(`The list has changed: ${fresh ? count(fresh, "new item") : "the same items"}.${first}`);
  }
}

class Row {
  constructor(list, entry) {
    this.list = list;
    this.entry = entry;
    this.title = el("a", { class: "name", href: `#/items/${part(entry.item)}` }, named(entry));
    this.fresh = el("span", { class: "badge" });
    this.value = el("span", { class: "value" });
    this.place = el("span", { class: "where" });
    this.folded = el("div", { class: "folded", id: fresh("why"), hidden: true });
    const told = !list.person.kept || list.model.can.explain;
    this.why = (told || list.onrate) && button(told ? "Why?" : "Rate", () => this.toggle(), {
      class: "quiet", "aria-expanded": "false", "aria-controls": this.folded.id,
      "aria-label": told ? `Why ${named(entry)}?` : `Rate ${named(entry)}`,
    });
    this.node = el("li", { class: "entry" },
      el("div", { class: "line" }, el("h3", {}, this.title, this.fresh), this.value, this.place, this.why),
      this.folded);
  }

  update(entry, level, isNew) {
    const { scale } = this.list.model;
    this.entry = { ...entry };
    put(this.value, el("span", { class: "unseen" }, "Expected: "), predicted(entry.rating, scale));
    const text = between(entry, scale, level);
    put(this.place, bar(entry, scale), text && el("span", { class: "small" }, text));
    put(this.fresh, isNew && "new");
    if (!this.folded.hidden) this.unfold();
  }

  toggle() {
    const open = this.folded.hidden;
    this.folded.hidden = !open;
    this.why.setAttribute("aria-expanded", String(open));
    if (open) this.unfold();
    else put(this.folded);
  }

  unfold() {
    const { model, person, signal, onrate } = this.list;
    const reasons = el("div", { "aria-live": "polite" });
    const said = el("div");
    const control = onrate && ratingControl({
      scale: model.scale, label: `Rate ${named(this.entry)}`,
      onrate: (rating) => attempt(said, () => onrate(this.entry, rating), signal),
    });
    put(this.folded, reasons);
    if (person.kept && !model.can.explain) reasons.remove();
    if (control) add(this.folded, el("div", { class: "known" }, el("p", {}, "You know it? Rate it:"), control, said));
    if (!person.kept) put(reasons, because(this.entry, model.scale));
    else if (model.can.explain) {
      fillWith(reasons, () => person.explain(this.entry.item, signal),
        (told) => { put(reasons, explanation(told, model.scale, person.mine)); }, signal);
    }
  }
}
