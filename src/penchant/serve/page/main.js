// Starts the page: the theme's switch, the way in the address, one view at a time.

import { admin } from "./admin.js";
import { get } from "./api.js";
import { el, put, say } from "./dom.js";
import { front } from "./front.js";
import { item, items } from "./items.js";
import { map } from "./map.js";
import { forgetPlaces } from "./places.js";
import { lastWay } from "./session.js";
import { fillWith } from "./waiting.js";
import { count } from "./words.js";
import { newcomer, someone } from "./you.js";

/** The views: how their address looks, which part of the page they belong to. */
const WAYS = [
  [/^\/?$/, front, "you", "Welcome"],
  [/^\/new$/, newcomer, "you", "For you"],
  [/^\/for\/(.+)$/, someone, "you", "For you"],
  [/^\/items$/, items, "items", "Items"],
  [/^\/items\/(.+)$/, item, "items", "Items"],
  [/^\/map$/, map, "map", "Map"],
  [/^\/map\/(.+)$/, map, "map", "Map"],
  [/^\/admin$/, admin, "admin", "Model"],
];

let model = null;
let leaving = new AbortController();
let visited = false;

async function card() {
  model = await get("/v1/model");
  const { counts } = model;
  put(document.getElementById("about"), `${count(counts.ratings, "rating")} by `,
    `${count(counts.users, "person", "people")} of ${count(counts.items, "item")} (${model.data}). `,
    "Served by Penchant.");
  return model;
}

/** Another model may have become active: read its card again. */
async function reload() {
  forgetPlaces();
  await card();
}

/** Show the view that the address names. */
async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const path = location.hash.slice(1);
  const [way, found] = WAYS.map((one) => [one, one[0].exec(path)]).find(([, match]) => match) ?? [WAYS[0], []];
  const [, view, name, title] = way;
  document.title = `${title} · Penchant`;
  for (const link of document.querySelectorAll("[data-way]")) {
    if (link.dataset.way === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (link.dataset.way === "you") link.href = lastWay();
  }
  const place = el("div", { class: "view" });
  put(document.getElementById("main"), place);
  const parts = (found ?? []).slice(1).map(decoded);
  const given = { signal, parts, reload, go: (hash) => location.replace(hash) };
  await fillWith(place, () => model ?? card(), () => view(place, { ...given, model }), signal, title);
  if (!signal.aborted) arrive(place, title);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch { return text; }
}

/** The focus goes to the new view, unless the view has put it somewhere itself. */
function arrive(place, title) {
  if (visited && !place.contains(document.activeElement)) {
    place.querySelector("h1")?.focus({ preventScroll: true });
    scrollTo(0, 0);
    say(title);
  }
  visited = true;
}

function themeSwitch() {
  const knob = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const tell = () => {
    knob.setAttribute("aria-pressed", String(dark()));
    dispatchEvent(new Event("themechange"));
  };
  knob.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("penchant.theme", root.dataset.theme); } catch { /* not kept */ }
    tell();
  });
  system.addEventListener("change", tell);
  tell();
}

themeSwitch();
addEventListener("hashchange", show);
show();
