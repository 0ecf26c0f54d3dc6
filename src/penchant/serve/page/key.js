// The key, where the server wants one. It stays in this tab and is never in an address.

import { button, el, fresh } from "./dom.js";

const NAME = "penchant.key";
let asking = null;

export const key = () => sessionStorage.getItem(NAME);
const forgetKey = () => sessionStorage.removeItem(NAME);

/** Ask for a key, once however many requests want one; true if one was given. */
export function askForKey(wrong) {
  if (wrong) forgetKey();
  asking ??= dialog(wrong).finally(() => { asking = null; });
  return asking;
}

function dialog(wrong) {
  return new Promise((done) => {
    const [field, said, head] = [fresh("key"), fresh("said"), fresh("head")];
    const input = el("input", {
      id: field, type: "password", autocomplete: "off", spellcheck: "false", required: true,
      pattern: "\\s*[!-~]+\\s*", title: "a key: letters, digits and a point between them",
      "aria-describedby": said, "aria-invalid": wrong ? "true" : null,
    });
    const box = el("dialog", { class: "dialog", "aria-labelledby": head },
      el("form", { method: "dialog", onsubmit: () => {
        sessionStorage.setItem(NAME, input.value.trim());
        box.returnValue = "given";
      } },
      el("h2", { id: head }, wrong ? "The server doesn't know this key" : "This server wants a key"),
      el("p", { id: said }, wrong
        ? "It may have been mistyped, or it was taken back. Try again, or ask whoever runs the server."
        : "Whoever runs the server can give you one. It stays in this tab, and goes when you close it."),
      el("label", { for: field }, "Key"), input,
      el("div", { class: "row" },
        el("button", { class: "main" }, "Use this key"),
        button("Not now", () => box.close("")))));
    box.addEventListener("close", () => { box.remove(); done(box.returnValue === "given"); });
    document.body.append(box);
    box.showModal();
  });
}
