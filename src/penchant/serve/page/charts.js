// Line charts from plain numbers; each with a table of the same, to be unfolded.

import { el, fresh, svg } from "./dom.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [48, 122, 14, 38];
const LEAST = 0.02; // the height of a chart, at least, so that its ticks differ
const NARROW = 700; // pixels of the window below which a chart is drawn for a phone

/** Round numbers between two ends, about n of them. */
export function ticks(low, high, n = 5) {
  const rough = (high - low) / n || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const found = [];
  for (let k = first; k * step <= high + step * 1e-9; k += 1) found.push(Number((k * step).toPrecision(12)));
  return found;
}

/**
 * A chart of lines over a common x.
 *
 * lines: [{name, x: [...], y: [...], kind: 0, 1, 2}]; xName, yName: what the axes are;
 * shown(y): a number as text; mark: an x to be marked, with its label.
 */
export function chart({ title, lines, xName, yName, shown = String, mark = null }) {
  const [W, H] = innerWidth < NARROW ? [330, 240] : [640, 270];
  const drawn = lines.filter(({ x }) => x.length);
  const xs = drawn.flatMap(({ x }) => x);
  const ys = drawn.flatMap(({ y }) => y);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const pad = Math.max((Math.max(...ys) - Math.min(...ys)) * 0.06, LEAST / 2);
  const [y0, y1] = [Math.min(...ys) - pad, Math.max(...ys) + pad];
  const sx = (x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (W - LEFT - RIGHT);
  const sy = (y) => H - BOTTOM - ((y - y0) / (y1 - y0 || 1)) * (H - TOP - BOTTOM);
  const head = fresh("chart");
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "chart", role: "img", "aria-labelledby": head },
    svg("title", { id: head }, `${title}. ${drawn.map(spoken(shown)).join(" ")}`),
    ticks(y0, y1).map((y) => [
      svg("line", { class: "grid", x1: LEFT, x2: W - RIGHT, y1: sy(y), y2: sy(y) }),
      svg("text", { x: LEFT - 8, y: sy(y) + 4, "text-anchor": "end" }, shown(y))]),
    ticks(x0, x1, W < 400 ? 3 : 5).filter(Number.isInteger).map((x) =>
      svg("text", { x: sx(x), y: H - BOTTOM + 18, "text-anchor": "middle" }, String(x))),
    svg("text", { class: "axis", x: LEFT, y: H - 4 }, xName),
    mark && [
      svg("line", { class: "mark", x1: sx(mark.x), x2: sx(mark.x), y1: TOP, y2: H - BOTTOM }),
      svg("text", { x: sx(mark.x) - 6, y: TOP + 10, "text-anchor": "end" }, mark.label)],
    drawn.map((line) => svg("polyline", {
      class: `curve kind-${line.kind}`, points: line.x.map((x, k) => `${sx(x)},${sy(line.y[k])}`).join(" "),
    })),
    drawn.map((line, place) => svg("text", {
      class: `end kind-${line.kind}`, x: sx(line.x.at(-1)) + 8, y: apart(drawn, sy)[place],
    }, `${line.name} ${shown(line.y.at(-1))}`)));
  return el("figure", {}, picture,
    el("details", {}, el("summary", {}, "As a table"), numbers(drawn, xName, yName, shown)));
}

const spoken = (shown) => ({ name, y }) => `${name}: from ${shown(y[0])} to ${shown(y.at(-1))}.`;

/** Where the lines' names stand: beside their ends, but not on each other. */
function apart(lines, sy) {
  const wanted = lines.map(({ y }, place) => ({ place, at: sy(y.at(-1)) + 4 })).sort((a, b) => a.at - b.at);
  for (let k = 1; k < wanted.length; k += 1) wanted[k].at = Math.max(wanted[k].at, wanted[k - 1].at + 16);
  const found = [];
  for (const { place, at } of wanted) found[place] = at;
  return found;
}

/** The same as a table, of at most about 25 rows. */
export function numbers(lines, xName, yName, shown) {
  const xs = [...new Set(lines.flatMap(({ x }) => x))].sort((a, b) => a - b);
  const every = Math.max(1, Math.ceil(xs.length / 25));
  const some = xs.filter((_, place) => place % every === 0 || place === xs.length - 1);
  const at = lines.map(({ x, y }) => new Map(x.map((one, k) => [one, y[k]])));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${yName}, as a table` },
    el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, xName),
        lines.map(({ name }) => el("th", { scope: "col", class: "number" }, name)))),
      el("tbody", {}, some.map((x) => el("tr", {}, el("th", { scope: "row" }, String(x)),
        at.map((column) => el("td", { class: "number" }, column.has(x) ? shown(column.get(x)) : "")))))));
}
