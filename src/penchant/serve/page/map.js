// The map of all items: to look at closely, with the pointer, the fingers or the keyboard.

import { part } from "./api.js";
import { button, el, fresh, moves, paused, put, say } from "./dom.js";
import { handle } from "./fingers.js";
import { idOf, Kept } from "./person.js";
import { places } from "./places.js";
import { colours, fitted, Plane } from "./plane.js";
import { remembered } from "./session.js";
import { fillWith } from "./waiting.js";
import { count, whole } from "./words.js";

const STEP = 1.6; // times, for each press of plus or minus
const LISTED = 8;
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export async function map(place, { model, signal, parts }) {
  if (!model.can.map) {
    put(place, el("h1", { tabindex: "-1" }, "Map"), el("p", { class: "lead" }, model.why_not.map));
    return;
  }
  const wanted = parts[0] === undefined ? null : String(idOf(model.ids.items, parts[0]));
  await fillWith(place, () => places(signal), (told) => new MapView(told, model, signal).build(place, wanted), signal);
}

class MapView {
  constructor(told, model, signal) {
    Object.assign(this, { told, model, signal, current: -1, marked: new Set() });
    this.plane = new Plane(told);
  }

  async build(place, wanted) {
    const help = fresh("help");
    this.canvas = el("canvas", {
      class: "plane", tabindex: "0", role: "application", "aria-roledescription": "map",
      "aria-label": `Map of ${count(this.told.items.length, "item")}`, "aria-describedby": help,
    });
    this.legend = el("p", { class: "small" });
    this.tip = el("div", { class: "tip", hidden: true });
    this.list = el("ul", { class: "plain" });
    const { told } = this;
    put(place,
      el("h1", { tabindex: "-1" }, "Map"),
      el("p", { class: "lead" }, "Items that the same people like lie near each other. ",
        told.total > told.items.length
          ? `Shown: the ${whole(told.items.length)} most rated of ${count(told.total, "item")}.` : ""),
      el("div", { class: "atlas" },
        el("div", { class: "sheet" }, this.canvas, this.tip, el("div", { class: "zooms" },
          button("+", () => this.zoom(STEP), { "aria-label": "Closer", class: "second icon" }),
          button("−", () => this.zoom(1 / STEP), { "aria-label": "Farther", class: "second icon" }),
          button("All", () => this.all(), { class: "second", "aria-label": "Show all" }))),
        el("div", { class: "side" }, this.search(),
          el("section", { "aria-labelledby": "seen-head" }, el("h2", { id: "seen-head" }, "In view"), this.list))),
      this.legend,
      el("p", { id: help, class: "small" }, "On the map, arrow keys go from item to item, plus and minus look closer ",
        "or farther, 0 shows all, Enter opens the item."));
    handle(this);
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("focus", () => { if (this.current < 0) this.go(this.plane.middle()); });
    const watch = new ResizeObserver(() => this.draw());
    watch.observe(this.canvas);
    this.signal.addEventListener("abort", () => watch.disconnect());
    addEventListener("themechange", () => { this.ink = null; this.draw(); }, { signal: this.signal });
    const row = wanted === null ? undefined : this.plane.rows.get(wanted);
    if (row !== undefined) this.find(row);
    else if (wanted !== null) say("This item is not on the map.");
    await this.mark();
  }

  /** The items that the person looked at last has rated stand out. */
  async mark() {
    const last = remembered();
    if (!last?.id) return;
    const person = new Kept(this.model, idOf(this.model.ids.users, last.id), last.mine);
    try {
      await person.load(this.signal);
    } catch { return; } // the map is whole without it
    this.marked = new Set(person.list.map(({ item }) => this.plane.rows.get(String(item)))
      .filter((row) => row !== undefined));
    if (this.marked.size) put(this.legend, `In colour: what ${last.mine ? "you have" : `user ${last.id} has`} rated.`);
    this.draw();
  }

  search() {
    const field = fresh("search");
    const found = el("ul", { class: "plain", "aria-live": "polite" });
    const input = el("input", { id: field, type: "search", autocomplete: "off", oninput: paused(() => {
      const text = input.value.trim().toLowerCase();
      const rows = [];
      for (let row = 0; text && row < this.told.items.length && rows.length < LISTED; row += 1) {
        if (this.plane.name(row).toLowerCase().includes(text)) rows.push(row);
      }
      put(found, rows.map((row) => el("li", {}, button(this.plane.name(row), () => this.find(row), { class: "link" }))),
        text && !rows.length && el("li", { class: "small" }, "Not on the map."));
    }) });
    return el("form", { role: "search", onsubmit: (event) => event.preventDefault() },
      el("label", { for: field }, "Find on the map"), input, found);
  }

  find(row) {
    this.plane.lookAt(row);
    this.go(row);
  }

  /** Make a row the current one, and tell it. */
  go(row) {
    this.current = row;
    if (!this.plane.width || !this.plane.inside(row)) this.plane.lookAt(row, 1);
    this.draw();
    say(`${this.plane.name(row)}, ${count(this.told.ratings[row], "rating")}.`);
  }

  point(row) {
    if (row === this.current) return;
    this.current = row;
    this.draw();
  }

  open(row) {
    if (row >= 0) location.hash = `#/items/${part(this.told.items[row])}`;
  }

  zoom(factor, x, y) {
    this.plane.scale(factor, x, y);
    this.draw();
  }

  all() {
    this.plane.whole();
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key in ARROWS) {
      const next = this.plane.towards(Math.max(0, this.current), ...ARROWS[key]);
      if (next >= 0) this.go(next);
    } else if (key === "+" || key === "=") this.zoom(STEP, ...this.spot());
    else if (key === "-") this.zoom(1 / STEP, ...this.spot());
    else if (key === "0") this.all();
    else if (key === "Enter") this.open(this.current);
    else return;
    event.preventDefault();
  }

  /** Where on the screen the current item is. */
  spot() {
    return this.current < 0 ? [] : [this.plane.sx(this.current), this.plane.sy(this.current)];
  }

  /** Draw before the next frame, once however often it is asked for. */
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      if (this.signal.aborted) return;
      const pen = fitted(this.canvas, this.plane);
      this.ink ??= colours(this.canvas);
      this.plane.draw(pen, this.ink, { marked: this.marked, current: this.current });
      this.showTip();
      this.showList();
    });
  }

  showTip() {
    const row = this.current;
    this.tip.hidden = row < 0 || !this.plane.inside(row);
    if (this.tip.hidden) return;
    put(this.tip, el("a", { href: `#/items/${part(this.told.items[row])}`, tabindex: "-1" }, this.plane.name(row)),
      el("span", { class: "small" }, count(this.told.ratings[row], "rating")));
    const [x, y] = this.spot();
    const left = Math.min(Math.max(8, x - this.tip.offsetWidth / 2), this.plane.width - this.tip.offsetWidth - 8);
    const above = y - this.tip.offsetHeight - 14;
    this.tip.style.setProperty("--x", `${left}px`);
    this.tip.style.setProperty("--y", `${above > 4 ? above : y + 16}px`);
    this.tip.dataset.smooth = String(moves());
  }

  showList() {
    const rows = this.plane.seen(LISTED);
    const shown = rows.join();
    if (shown === this.listed) return;
    this.listed = shown;
    put(this.list, rows.map((row) => el("li", {},
      el("a", { href: `#/items/${part(this.told.items[row])}` }, this.plane.name(row)))));
  }
}
