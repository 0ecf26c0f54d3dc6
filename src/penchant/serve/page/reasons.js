// Why a prediction is what it is, in sentences, and what adds up to it.

import { el } from "./dom.js";
import { amount, named, predicted, signed } from "./words.js";

const MOST = 3;

/** The sentences of an explanation, as nodes: titles stand out. */
function sentences(told, scale, mine) {
  const gave = mine ? "You gave " : "They gave ";
  const strongest = told.reasons.filter(({ share }) => Math.abs(share) >= 0.005).slice(0, MOST);
  const said = strongest.map((reason) => el("li", {},
    gave, el("cite", {}, named(reason)), ` ${amount(reason.rating, scale)}, which `,
    reason.share > 0 ? "raises" : "lowers", ` this by ${Math.abs(reason.share).toFixed(2)}.`));
  const other = told.instead && told.reasons.find(({ item }) => item === told.instead.item);
  if (other) {
    said.push(el("li", {}, mine ? "Had you given " : "Had they given ", el("cite", {}, named(other)),
      ` ${amount(told.instead.rating, scale)}, it would be ${told.instead.prediction.toFixed(2)}.`));
  }
  if (!said.length) said.push(el("li", {}, nothing(told, mine)));
  return [...said, ...told.notes.map((note) => el("li", {}, note))];
}

function nothing(told, mine) {
  const learned = told.terms.some(({ kind }) => kind === "learned");
  if (learned) return "This model learned its numbers in training and keeps no account of what from.";
  return mine ? "Nothing that you rated speaks for or against it yet: this is what holds for everyone."
    : "No rating of theirs speaks for or against it: this is what holds for everyone.";
}

/** What adds up: a table with a bar for each addend. */
function table(told, scale, mine) {
  const largest = Math.max(...told.terms.slice(1).map(({ share }) => Math.abs(share)), 0.01);
  const rows = told.terms.map(({ kind, label, share }) => el("tr", {},
    el("th", { scope: "row" }, mine ? label : label.replace(/\byour\b/, "their").replace(/\byou\b/, "they")),
    el("td", { class: "bar-cell" }, kind === "mean" ? null : el("span", {
      class: share < 0 ? "addend minus" : "addend", "aria-hidden": "true",
      style: { "--size": String(Math.min(1, Math.abs(share) / largest)) },
    })),
    el("td", { class: "number" }, kind === "mean" ? share.toFixed(2) : signed(share))));
  const total = told.latent ?? told.prediction;
  rows.push(line(told.latent === null ? "together" : "together, on the latent scale", total, "sum"));
  if (told.latent !== null) rows.push(line("an expected rating of", told.prediction));
  if (Math.abs(told.rating - told.prediction) >= 0.005) {
    rows.push(line(`kept on the scale of ${scale.low} to ${scale.high}`, told.rating));
  }
  return el("table", { class: "addends" },
    el("caption", { class: "unseen" }, "What adds up to this prediction"), el("tbody", {}, rows));
}

const line = (label, value, name) => el("tr", { class: name },
  el("th", { scope: "row" }, label), el("td"), el("td", { class: "number" }, value.toFixed(2)));

/** The whole explanation, as the server tells it. */
export function explanation(told, scale, mine) {
  return el("div", { class: "reasons" },
    el("ul", { class: "said" }, sentences(told, scale, mine)),
    el("details", {}, el("summary", {}, "What adds up"), table(told, scale, mine)));
}

/** The reason that an interview gives with each of its items. */
export function because(entry, scale) {
  const said = entry.because
    ? ["Your answer to ", el("cite", {}, entry.because), ` speaks for it most: it adds ${entry.pull.toFixed(2)}.`]
    : ["None of your answers speaks for it in particular: most people like it."];
  return el("div", { class: "reasons" }, el("ul", { class: "said" }, el("li", {}, said),
    el("li", {}, `Expected: ${predicted(entry.rating, scale)} on the scale of ${scale.low} to ${scale.high}.`)));
}
