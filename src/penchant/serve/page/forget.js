// Forgetting somebody: asked twice, and answered with a receipt to keep.

import { change, part } from "./api.js";
import { button, el, fresh, put, say } from "./dom.js";
import { idOf } from "./person.js";
import { forgetPerson, remembered } from "./session.js";
import { attempt } from "./waiting.js";
import { count, moment, plain } from "./words.js";

export function forgetting(model, signal) {
  if (!model.can.forget) return el("p", { class: "empty" }, `This model can't forget. ${model.why_not.forget ?? ""}`);
  const field = fresh("forget");
  const input = el("input", { id: field, type: "text", autocomplete: "off", spellcheck: "false", required: true,
    pattern: model.ids.users === "int" ? "\\s*-?[0-9]+\\s*" : null,
    title: model.ids.users === "int" ? "a whole number, as this model's users have" : null });
  const said = el("div", { "aria-live": "polite" });
  const form = el("form", { onsubmit: async (event) => {
    event.preventDefault();
    const id = idOf(model.ids.users, input.value.trim());
    if (!await sure(id)) return;
    form.setAttribute("aria-busy", "true");
    let receipt = null;
    const done = await attempt(said, async () => {
      receipt = await change("DELETE", `/v1/users/${part(id)}`);
    }, signal);
    if (done) {
      if (remembered()?.id === String(id)) forgetPerson();
      sessionStorage.removeItem(`penchant.skipped.${id}`);
      input.value = "";
      put(said, shown(receipt));
      say("Forgotten. The receipt is below.");
    }
    form.removeAttribute("aria-busy");
  } }, el("label", { for: field }, "A user's id"), el("div", { class: "row" }, input,
    el("button", { class: "second" }, "Forget…")));
  return [
    el("p", {}, "Takes somebody out: their ratings and id, and what those did to the model, ",
      "the log and all that is kept."),
    form, said,
  ];
}

/** Ask once more; true if it is meant. */
function sure(id) {
  return new Promise((done) => {
    const head = fresh("head");
    const box = el("dialog", { class: "dialog", "aria-labelledby": head }, el("form", { method: "dialog" },
      el("h2", { id: head }, `Forget user ${id}?`),
      el("p", {}, "This can't be undone, by anybody. The receipt will not name them: note whom it is about."),
      el("div", { class: "row" },
        el("button", { class: "main", value: "yes" }, `Forget ${id}`),
        button("Keep them", () => box.close("no"), { autofocus: true }))));
    box.addEventListener("close", () => { box.remove(); done(box.returnValue === "yes"); });
    document.body.append(box);
    box.showModal();
  });
}

function shown(receipt) {
  const changed = Object.keys(receipt.before ?? {}).filter((name) => receipt.before[name] !== receipt.after[name]);
  const file = new Blob([JSON.stringify(receipt, null, 2)], { type: "application/json" });
  const known = new Set(["ratings", "items", "users", "when", "before", "after", "remains"]);
  const rest = Object.entries(receipt).filter(([name]) => !known.has(name));
  return el("section", { class: "receipt", "aria-label": "Receipt" },
    el("h3", {}, "Receipt"),
    el("p", {}, `Forgotten at ${moment(receipt.when)}: ${count(receipt.ratings, "rating")}, the row and the id. `,
      `Solved again without them: ${count(receipt.items, "item")} and ${count(receipt.users, "other user")}. `,
      `Arrays changed: ${changed.length} of ${Object.keys(receipt.before ?? {}).length}.`),
    el("dl", { class: "tree" }, rest.map(([name, value]) =>
      el("div", {}, el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, plain(value))))),
    (receipt.remains ?? []).length ? [el("p", {}, "What remains:"),
      el("ul", {}, receipt.remains.map((text) => el("li", {}, text)))] : null,
    el("a", { class: "second button", href: URL.createObjectURL(file), download: "receipt.json" }, "Save the receipt"));
}
