// The bundles that the server keeps: activate one, go back, save what has come since.

import { change, get, part } from "./api.js";
import { button, el, put, say } from "./dom.js";
import { attempt, fillWith } from "./waiting.js";
import { bytes, moment, whole } from "./words.js";

/** The table's headings, and how each is written. */
const COLUMNS = [["Name"], ["Made"], ["Size"], ["Log up to"], ["What to do", "unseen"]];

export function models(model, signal, reload) {
  const place = el("div");
  const said = el("div");
  const rows = el("div");
  const act = async (path, done) => {
    place.setAttribute("aria-busy", "true");
    const kept = await attempt(said, async () => { await change("POST", path); await reload(); }, signal);
    place.removeAttribute("aria-busy");
    if (kept && !signal.aborted) { await look(); say(done); place.querySelector("button:enabled")?.focus(); }
  };
  const look = () => fillWith(rows, () => get("/v1/models", signal), (told) => {
    put(rows, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Models that are kept" },
      el("table", {}, el("thead", {}, el("tr", {}, COLUMNS.map(([name, kind]) =>
        el("th", { scope: "col" }, el("span", { class: kind }, name))))),
      el("tbody", {}, told.models.map((one) => el("tr", { class: one.active ? "active" : null },
        el("th", { scope: "row" }, one.name, one.problem && el("p", { class: "small" }, one.problem)),
        el("td", {}, one.created ? moment(one.created) : "before this server"),
        el("td", {}, bytes(one.size)),
        el("td", {}, whole(one.position)),
        el("td", {}, one.active ? el("strong", {}, "Active") : button("Activate",
          () => act(`/v1/models/${part(one.name)}/activate`, `${one.name} answers now.`),
          { class: "second", "aria-label": `Activate ${one.name}`, disabled: Boolean(one.problem) }))))))),
    el("div", { class: "row" },
      button("Roll back", () => act("/v1/models/roll-back", "The next older model answers now."),
        { class: "second", disabled: Boolean(told.models.at(-1)?.active) }),
      model.can.ratings && button("Save with all ratings",
        () => act("/v1/models/compact", "Saved with all ratings that came since."),
        { class: "second" })),
    el("p", { class: "small" }, "Roll back makes the next older model answer. Ratings that came since are kept: ",
      "each model takes them in."));
  }, signal);
  put(place, said, rows);
  look();
  return place;
}
