// All items: to be searched, and one by one.

import { get, part, post } from "./api.js";
import { button, el, fresh, paused, put, say } from "./dom.js";
import { bar } from "./list.js";
import { inset } from "./inset.js";
import { idOf, Kept } from "./person.js";
import { ratingControl } from "./rating.js";
import { remembered } from "./session.js";
import { attempt, fillWith } from "./waiting.js";
import { amount, between, count, named, plain, predicted } from "./words.js";

const SIZE = 24;

/** The search. */
export async function items(place, { model, signal }) {
  const field = fresh("search");
  const found = el("div");
  const input = el("input", {
    id: field, type: "search", autocomplete: "off", placeholder: model.can.titles ? "A part of a title" : "An id",
    oninput: paused(() => look()),
  });
  put(place, el("h1", { tabindex: "-1" }, "Items"),
    el("p", { class: "lead" }, `All ${count(model.counts.items, "item")} that the model knows, most rated first.`,
      model.can.titles ? "" : " This bundle has no titles, so they are shown by their ids."),
    el("form", { role: "search", class: "search", onsubmit: (event) => { event.preventDefault(); look(); } },
      el("label", { for: field }, "Search"), input), found);

  let last = 0;
  async function look() {
    const mine = ++last;
    const wanted = encodeURIComponent(input.value.trim());
    const list = el("ul", { class: "tiles" });
    const more = el("div");
    const page = async (number) => {
      const told = await get(`/v1/items?search=${wanted}&page=${number}&size=${SIZE}`, signal);
      if (mine !== last) return;
      if (number === 1) {
        put(found, list, more);
        say(told.total ? count(told.total, "item") : "Nothing was found.");
      }
      if (!told.total) put(more, el("p", { class: "empty" }, `Nothing here is called “${input.value.trim()}”.`));
      list.append(...told.items.map(tile));
      const left = told.total - number * SIZE;
      if (told.total) {
        put(more, left > 0 && button(`Show more of ${count(left, "further item")}`,
          () => attempt(more, () => page(number + 1), signal), { class: "second" }));
      }
    };
    await fillWith(found, () => page(1), () => {}, signal);
  }
  await look();
}

const tile = (entry) => el("li", {}, el("a", { href: `#/items/${part(entry.item)}` },
  el("span", { class: "name" }, named(entry)), el("span", { class: "small" }, count(entry.ratings, "rating"))));

/** One item. */
export async function item(place, { model, signal, parts }) {
  const id = idOf(model.ids.items, parts[0]);
  await fillWith(place, () => get(`/v1/items/${part(id)}`, signal), (told) => one(place, told, model, signal), signal,
    "Item");
}

async function one(place, told, model, signal) {
  const facts = [
    ["Ratings", told.ratings],
    typeof told.mean === "number" && ["Mean rating", predicted(told.mean, model.scale)],
    model.can.titles && ["Id", String(told.item)],
    ...Object.entries(told.columns ?? {}).filter(([name, value]) => name !== "title" && value !== null)
      .map(([name, value]) => [name, typeof value === "number" ? String(value) : value]),
  ].filter(Boolean);
  document.title = `${named(told)} · Penchant`;
  const alike = el("div");
  const mine = el("div");
  const map = model.can.map && el("section", { "aria-labelledby": "place-head" },
    el("h2", { id: "place-head" }, "Its place"), inset(told, signal),
    el("a", { href: `#/map/${part(told.item)}` }, "Look at it on the map"));
  put(place,
    el("p", { class: "eyebrow" }, el("a", { href: "#/items" }, "Items")),
    el("h1", { tabindex: "-1" }, named(told)),
    el("dl", { class: "facts" }, facts.map(([name, value]) =>
      el("div", {}, el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, plain(value))))),
    el("div", { class: "two" },
      el("section", { "aria-labelledby": "alike-head" },
        el("h2", { id: "alike-head" }, "Liked by the same people"), alike),
      el("div", { class: "side" }, mine, map)));
  const last = remembered();
  await Promise.all([
    neighbours(alike, told, model, signal),
    last?.id && forPerson(mine, told, model, new Kept(model, idOf(model.ids.users, last.id), last.mine), signal),
  ]);
}

async function neighbours(place, told, model, signal) {
  if (model.can.similar === false) { put(place, el("p", { class: "small" }, model.why_not.similar)); return; }
  await fillWith(place, () => get(`/v1/items/${part(told.item)}/similar?n=10`, signal), (found) => {
    put(place,
      el("ol", { class: "neighbours" }, found.items.map((entry) => el("li", {},
        el("a", { href: `#/items/${part(entry.item)}` }, named(entry)),
        el("span", {
          class: "alike", "aria-hidden": "true", style: { "--size": String(Math.max(0, entry.correlation)) },
        }),
        el("span", { class: "number small" }, entry.correlation.toFixed(2))))),
      el("p", { class: "small" }, "1 means: always liked by the same people; 0: no telling."));
  }, signal);
}

/** What the person looked at last is expected to give this item, and their own rating of it. */
async function forPerson(place, told, model, person, signal) {
  const interval = model.can.intervals ? 0.9 : undefined;
  const whose = person.mine ? "You" : `User ${person.id}`;
  const show = async () => {
    await person.load(signal);
    const [entry] = (await post("/v1/predict", { user: person.id, items: [told.item], interval }, signal)).ratings
      .map((one) => (typeof one === "number" ? { rating: one } : one));
    const own = person.ratings.get(String(told.item));
    const writes = model.can.ratings && model.role !== "read";
    const said = el("div");
    const text = between(entry, model.scale, 0.9);
    put(place, el("section", { class: "card own", "aria-label": whose },
      el("p", {}, own ? `${whose} gave it ${amount(own.rating, model.scale)}; the model's estimate is `
        : `${whose} would probably give it `, el("strong", {}, predicted(entry.rating, model.scale)), "."),
      el("p", { class: "where" }, bar(entry, model.scale), text && el("span", { class: "small" }, text)),
      writes && ratingControl({
        scale: model.scale, label: `Rate ${named(told)}`, current: own?.rating ?? null,
        onrate: (rating) => attempt(said, async () => {
          await person.rate(told, rating);
          await show();
          say(`Kept: ${amount(rating, model.scale)}.`);
          place.querySelector("[aria-pressed='true']")?.focus();
        }, signal),
      }), said));
  };
  await fillWith(place, show, () => {}, signal);
}
