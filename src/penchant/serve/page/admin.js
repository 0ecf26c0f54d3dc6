// The model: what it is, how it was trained, how sure it is; and for admins how the server fares.

import { get } from "./api.js";
import { el, put } from "./dom.js";
import { chart, numbers } from "./charts.js";
import { forgetting } from "./forget.js";
import { live } from "./live.js";
import { models } from "./models.js";
import { fillWith } from "./waiting.js";
import { count, percent, plain, whole } from "./words.js";

const CURVES = [
  ["train_rmse", "Train", 1], ["out_of_fold_rmse", "Out of fold", 1],
  ["validation_rmse", "Validation", 2], ["watch_rmse", "Test", 0],
];

export async function admin(place, { model, signal, reload }) {
  const isAdmin = model.role === "admin";
  const parts = [section("The model", card(model)), el("div", { class: "pair" },
    section("How it was trained", training(model, signal)), section("How sure it is", calibration(model)))];
  if (isAdmin) {
    parts.unshift(section("How the server fares", live(signal)));
    parts.push(section("Models that are kept", models(model, signal, reload)),
      section("Forget somebody", forgetting(model, signal)));
  } else parts.unshift(section("How the server fares", live(signal)));
  put(place,
    el("h1", { tabindex: "-1" }, "Model"),
    el("p", { class: "lead" }, isAdmin ? "What answers here, how it came about, and what an admin can do."
      : "What answers here, and how it came about. Only a key for admins shows and changes what is kept."),
    el("div", { class: "sections" }, parts));
}

const section = (title, ...inside) => el("section", { class: "card" }, el("h2", {}, title), inside);

/** The card: what it is and what it can do. */
function card(model) {
  const facts = [
    ["Kind", model.kind.replaceAll("_", " ")], ["Data", model.data],
    ["Ratings", model.counts.ratings], ["People", model.counts.users], ["Items", model.counts.items],
    ["Scale", `${model.scale.low} to ${model.scale.high}, steps of ${Number(model.scale.step.toPrecision(3))}`],
    ["Parameters", model.parameters], ["Name", model.name],
  ].filter(([, value]) => value !== null && value !== undefined);
  const abilities = Object.entries(model.can);
  const scores = Object.entries(model.scores ?? {});
  return [
    el("dl", { class: "facts" }, facts.map(fact)),
    scores.length ? [el("h3", {}, "What its training measured"), el("dl", { class: "facts" }, scores.map(fact))] : null,
    el("h3", {}, "What it can do"),
    el("ul", { class: "abilities" }, abilities.map(([name, can]) => el("li", { class: can ? "can" : "cannot" },
      el("span", { class: "mark", "aria-hidden": "true" }, can ? "✓" : "–"),
      el("span", {}, ABLE[name] ?? name, can ? "" : `: no. ${model.why_not[name] ?? ""}`)))),
    el("details", {}, el("summary", {}, "Its settings"), tree(model.settings ?? {})),
  ];
}

const ABLE = {
  titles: "Show titles", explain: "Give reasons", interview: "Ask newcomers the right questions",
  intervals: "Say how sure it is", ratings: "Take ratings at once", forget: "Forget somebody",
  similar: "Find what is alike", map: "Draw a map of the items",
};

const fact = ([name, value]) => el("div", {}, el("dt", {}, spelt(name)), el("dd", {}, plain(value)));

const spelt = (name) => name.replace("watch_rmse", "test_rmse").replaceAll("_", " ").replace("rmse", "RMSE");

/** Settings within settings, as lists. */
function tree(value) {
  return el("dl", { class: "tree" }, Object.entries(value).map(([name, inner]) => el("div", {},
    el("dt", {}, name.replaceAll("_", " ")),
    el("dd", {}, inner && typeof inner === "object" && !Array.isArray(inner) ? tree(inner) : plain(inner)))));
}

function training(model, signal) {
  const place = el("div");
  fillWith(place, () => get("/v1/history", signal), (told) => {
    const rounds = told.records;
    if (!rounds.length) {
      put(place, el("p", { class: "empty" }, "This model was made in one step: there is no curve to draw."));
      return;
    }
    const unit = ["epoch", "sweep", "member"].find((name) => name in rounds[0]) ?? "round";
    const at = (record, k) => record[unit] ?? k + 1;
    const lines = CURVES.map(([name, label, kind]) => {
      const having = rounds.map((record, k) => [at(record, k), record[name]]).filter(([, y]) => typeof y === "number");
      return { name: label, kind, x: having.map(([x]) => x), y: having.map(([, y]) => y) };
    }).filter(({ x }) => x.length);
    const shown = (y) => y.toFixed(3);
    const mark = told.best === null ? null : { x: at(rounds[told.best], told.best), label: "kept" };
    put(place,
      el("p", { class: "small" }, `RMSE over ${count(rounds.length, unit)}; less is better.`,
        told.interrupted ? " The training was stopped by hand." : ""),
      !lines.length ? el("p", { class: "empty" }, "Its training measured no RMSE.")
        : unit === "member" ? numbers(lines, unit, "RMSE", shown) : chart({
        title: `RMSE by ${unit}`, lines, xName: unit, yName: "RMSE", shown, mark,
      }));
  }, signal);
  return place;
}

/** What the widths of intervals are counted in. */
const unit = (told) => {
  if (told.method !== "conformal") return "Standard deviations to each side";
  return told.text.includes("one width for all") ? "Points to each side" : "Times the model's own width";
};

function calibration(model) {
  const told = model.calibration;
  if (!told) return el("p", { class: "empty" }, `It can't say how sure it is. ${model.why_not.intervals ?? ""}`);
  const levels = (told.levels ?? []).filter(({ factor }) => typeof factor === "number");
  const text = told.text.charAt(0).toUpperCase() + told.text.slice(1);
  const widest = Math.max(...levels.map(({ factor }) => factor));
  return [
    el("p", {}, `${text}.`),
    el("p", { class: "small" }, told.method === "conformal"
      ? `Of ${whole(told.rows)} ratings that training never saw, an interval of 90 % was made to hold 90 %.`
      : "The widths are what the model itself believes; no ratings were kept out to check them."),
    levels.length > 1 && el("table", { class: "levels" },
      el("caption", {}, "How wide an interval has to be, to hold so often"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Holds"), el("th", { scope: "col" },
        el("span", { class: "unseen" }, "Drawn")), el("th", { scope: "col", class: "number" }, unit(told)))),
      el("tbody", {}, levels.map(({ level, factor }) => el("tr", {},
        el("th", { scope: "row" }, percent(level)),
        el("td", { class: "bar-cell" }, el("span", {
          class: "addend", "aria-hidden": "true", style: { "--size": String(factor / widest) },
        })), el("td", { class: "number" }, factor.toFixed(2)))))),
  ];
}
