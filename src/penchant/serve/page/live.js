// How the server fares: its own word, and its metrics, looked at again every few seconds.

import { ask, get } from "./api.js";
import { away } from "./connection.js";
import { el, put } from "./dom.js";
import { failure, fillWith } from "./waiting.js";
import { count, lasting, percent, whole } from "./words.js";

const EVERY = 5000; // milliseconds

export function live(signal) {
  const place = el("div");
  const look = async () => {
    if (signal.aborted) return;
    if (!document.hidden && !away()) {
      await fillWith(place, () => Promise.all([status(signal), get("/metrics", signal)]), ([said, text]) => {
        show(place, said, measured(text));
      }, signal);
    }
    setTimeout(look, EVERY);
  };
  look();
  return place;
}

/** The server's own word; one that isn't ready still says so. */
async function status(signal) {
  try {
    return await ask("GET", "/health/ready", { signal });
  } catch (problem) {
    if (problem.status !== 503 || !(problem.told && "ready" in problem.told)) throw problem;
    return problem.told;
  }
}

function show(place, said, now) {
  const tiles = [
    [said.ready ? "Ready" : "Not ready", said.reachable ? "model and log are there" : "the log can't be reached"],
    [whole(said.events), "changes since the model was saved"],
    [whole(now.requests), "requests answered"],
    [percent(now.requests ? now.failed / now.requests : 0), "of them failed"],
    [now.median === null ? "–" : `≤ ${lasting(now.median)}`, "half of the answers took"],
    [now.slow === null ? "–" : `≤ ${lasting(now.slow)}`, "99 of 100 answers took"],
  ];
  put(place,
    el("ul", { class: "figures" }, tiles.map(([value, label]) => el("li", {},
      el("strong", {}, value), el("span", { class: "small" }, label)))),
    (said.problems ?? []).map((text) => failure({ message: text })),
    el("p", { class: "small" }, `Active: ${said.active}. Looked at again every ${EVERY / 1000} seconds.`,
      now.refused ? ` Turned away by limits or keys: ${count(now.refused, "request")}.` : ""));
}

const LINE = /^([a-z_]+)(?:\{(.*)\})? ([^ ]+)/;

/** The few numbers that are shown, from the text that Prometheus reads. */
export function measured(text) {
  const found = { requests: 0, failed: 0, refused: 0 };
  const buckets = new Map();
  for (const line of text.split("\n")) {
    const [, name, labels = "", given] = LINE.exec(line) ?? [];
    const value = Number(given);
    if (name === "penchant_requests_total") {
      found.requests += value;
      if (/status="5/.test(labels)) found.failed += value;
    } else if (name === "penchant_refused_total") found.refused += value;
    else if (name === "penchant_request_seconds_bucket") {
      const end = Number(/le="([^"]+)"/.exec(labels)[1].replace("+Inf", "Infinity"));
      buckets.set(end, (buckets.get(end) ?? 0) + value);
    }
  }
  const ends = [...buckets].sort(([a], [b]) => a - b);
  return { ...found, median: within(ends, 0.5), slow: within(ends, 0.99) };
}

/** The end of the first bucket that holds a share of all. */
function within(ends, share) {
  const all = ends.at(-1)?.[1] ?? 0;
  const found = ends.find(([, many]) => all > 0 && many >= share * all);
  return found && Number.isFinite(found[0]) ? found[0] : null;
}
