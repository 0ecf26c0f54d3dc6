// A small picture of where one item lies among all; the map itself is a page of its own.

import { el, put } from "./dom.js";
import { places } from "./places.js";
import { colours, fitted, Plane } from "./plane.js";
import { fillWith } from "./waiting.js";

export function inset(item, signal) {
  const place = el("div", { class: "inset" });
  fillWith(place, () => places(signal), (told) => {
    const plane = new Plane(told);
    const row = plane.rows.get(String(item.item));
    if (row === undefined) {
      put(place, el("p", { class: "small" }, "It is not on the map, which shows the items with the most ratings."));
      return;
    }
    const canvas = el("canvas", { role: "img", "aria-label": `Where ${plane.name(row)} lies among all items` });
    put(place, canvas);
    const draw = () => {
      const pen = fitted(canvas, plane);
      plane.draw(pen, colours(canvas), { current: row, labels: false });
    };
    const watch = new ResizeObserver(draw);
    watch.observe(canvas);
    addEventListener("themechange", draw, { signal });
    signal.addEventListener("abort", () => watch.disconnect());
  }, signal);
  return place;
}
