// The first page: be new here, or find somebody.

import { add, el, fresh, paused, put } from "./dom.js";
import { get, part } from "./api.js";
import { idOf } from "./person.js";
import { fillWith } from "./waiting.js";
import { count, whole } from "./words.js";

const SHOWN = 6;

export async function front(place, { model, signal }) {
  const { counts } = model;
  put(place,
    el("div", { class: "hero" },
      el("h1", { tabindex: "-1" }, "What would you like next?"),
      el("p", { class: "lead" }, `This page knows the taste of ${whole(counts.users)} people for `,
        `${whole(counts.items)} items. `,
        meets(model) ? "Rate a few, and it says what suits you" : "It says what suits them",
        model.can.intervals ? ", how sure that is" : "", model.can.explain ? ", and why." : ".")),
    el("div", { class: "doors" }, newHere(model), find(signal, model)));
}

/** Whether a newcomer can be asked, or can rate. */
export const meets = (model) => model.can.interview || (model.can.ratings && model.role !== "read");

/** The card for newcomers, or why there is none. */
export function newHere(model) {
  const keeps = model.can.ratings && model.role !== "read";
  if (!meets(model)) {
    return el("section", { class: "card" }, el("h2", {}, "New here?"), el("p", {}, model.can.ratings
      ? "Your key may only read, and this model asks newcomers no questions. With a key that may write you could rate."
      : `This model can't meet newcomers. ${model.why_not.ratings}`));
  }
  return el("section", { class: "card" },
    el("h2", {}, "New here?"),
    el("ol", { class: "steps" },
      el("li", {}, model.can.interview
        ? "Rate what you are asked about, and skip what you don't know. The model asks for what tells it the most."
        : "Rate some of the items that most people know."),
      el("li", {}, "Watch the list of what you would like change with each answer."),
      el("li", {}, model.can.explain && model.can.intervals ? "Unfold the reasons, and see how sure it is."
        : "Change your mind, and see what that changes.")),
    !model.can.interview && el("p", { class: "small" }, `This model chooses no questions. ${model.why_not.interview}`),
    el("p", { class: "small" }, keeps ? "Your answers are kept on the server under a new number."
      : "Your answers stay in this tab."),
    el("a", { class: "main button", href: "#/new" }, "Start rating"));
}

function find(signal, model) {
  const field = fresh("user");
  const input = el("input", {
    id: field, type: "search", autocomplete: "off", spellcheck: "false",
    inputmode: model.ids.users === "int" ? "numeric" : null,
    oninput: paused(() => look()),
  });
  const found = el("div", { "aria-live": "polite" });
  const form = el("form", { role: "search", onsubmit: (event) => {
    event.preventDefault();
    const id = input.value.trim();
    const whole = model.ids.users !== "int" || /^-?\d+$/.test(id);
    if (id && whole) location.hash = `#/for/${part(idOf(model.ids.users, id))}`;
  } }, el("label", { for: field }, "A user's id"),
  el("div", { class: "row" }, input, el("button", { class: "second" }, "Open")));

  let last = 0;
  async function look() {
    const mine = ++last;
    const wanted = encodeURIComponent(input.value.trim());
    await fillWith(found, () => get(`/v1/users?search=${wanted}&size=${SHOWN}`, signal), (told) => {
      if (mine !== last) return;
      if (!told.users.length) { put(found, el("p", { class: "small" }, "Nobody here has such an id.")); return; }
      put(found, el("ul", { class: "chips" }, told.users.map(({ user, ratings }) => el("li", {},
        el("a", { href: `#/for/${part(user)}` }, String(user), " ",
          el("span", { class: "small" }, count(ratings, "rating")))))));
    }, signal);
  }
  look();
  return add(el("section", { class: "card" }), el("h2", {}, "Known here?"),
    el("p", {}, "Open somebody who has rated: by id, or one of these."), form, found);
}
