// For one person: questions, what they have rated, and what the model recommends.

import { el, fresh, put } from "./dom.js";
import { meets, newHere } from "./front.js";
import { freeId, idOf, Kept, Passing } from "./person.js";
import { List } from "./list.js";
import { Asking } from "./question.js";
import { RatedList } from "./rated.js";
import { remember, remembered } from "./session.js";
import { fillWith } from "./waiting.js";

const MOST = 10;

/** A newcomer: someone with a free id whose answers are kept, or who stays in this tab. */
export async function newcomer(place, { model, signal, go }) {
  if (!meets(model)) {
    put(place, el("h1", { tabindex: "-1" }, "For you"), newHere(model));
    return;
  }
  if (model.can.ratings && model.role !== "read") {
    const id = await freeId(model, signal);
    remember({ id, mine: true });
    go(`#/for/${encodeURIComponent(id)}`);
    return;
  }
  remember({ way: "#/new", mine: true });
  await show(place, { model, signal }, new Passing(model));
}

/** Someone by id. */
export async function someone(place, { model, signal, parts }) {
  const id = idOf(model.ids.users, parts[0]);
  const mine = String(remembered()?.id) === String(id) && remembered().mine;
  remember({ id, mine });
  await show(place, { model, signal }, new Kept(model, id, mine));
}

async function show(place, { model, signal }, person) {
  await fillWith(place, () => person.load(signal), () => build(place, { model, signal }, person), signal,
    person.kept ? `User ${person.id}` : "For you");
}

async function build(place, { model, signal }, person) {
  const writes = !person.kept || (model.can.ratings && model.role !== "read");
  const listed = el("div", {});
  const wishes = controls(model, person, () => refresh());
  const changed = async (act) => { await act(); rated.show(); await refresh(); };
  const onrate = writes && ((entry, rating) => changed(() => person.rate(entry, rating)));
  const onunrate = writes && ((entry) => changed(() => person.unrate(entry.item)));
  const rateAndAsk = writes && (async (entry, rating) => { await onrate(entry, rating); asking?.next(); });
  const given = { model, person, signal };
  const list = new List({ ...given, onrate: rateAndAsk });
  const rated = new RatedList({ ...given, onrate, onunrate });
  const asking = writes && person.mine ? new Asking({ ...given, onrate }) : null;
  const empty = el("p", { class: "empty" });
  const holder = el("div");
  put(listed, wishes.node, lacks(model, person).map((text) => el("p", { class: "small" }, text)), empty, holder);

  let last = 0;
  async function refresh() {
    const mine = ++last;
    await fillWith(holder, () => person.recommend({ n: MOST, ...wishes.read() }, signal), (told) => {
      if (mine !== last) return; // a later answer is on its way
      if (!holder.contains(list.node)) put(holder, list.node);
      list.show(told);
      put(empty, !told.items.length && "There is nothing left to recommend: every item is rated.");
    }, signal);
  }

  const whose = person.mine ? "For you" : `For user ${person.id}`;
  document.title = `${whose} · Penchant`;
  put(place,
    el("h1", { tabindex: "-1" }, whose),
    el("p", { class: "lead" }, standing(model, person, writes), " ", el("a", { href: "#/" }, "Someone else")),
    el("div", { class: asking ? "person" : "person unasked" }, asking?.node,
      el("section", { class: "likes", "aria-labelledby": "list-head" },
        el("h2", { id: "list-head" }, person.mine ? "What you would like" : "What they would like"), listed),
      rated.node));
  rated.show();
  await Promise.all([refresh(), asking?.next(true)]);
}

/** What the list can't have, and why. */
function lacks(model, person) {
  const found = [];
  if (person.kept && !model.can.explain) found.push(`This model gives no reasons. ${model.why_not.explain}`);
  if (!model.can.intervals) found.push(`It can't say how sure it is. ${model.why_not.intervals}`);
  return found;
}

function standing(model, person, writes) {
  if (!person.kept) {
    const why = model.can.ratings ? "Your key may only read" : "This model takes no ratings";
    return `${why}: your answers stay in this tab, and are gone when you close it.`;
  }
  if (!person.mine && !person.known) {
    return `Nobody here has the id ${person.id}: this is what the model would tell anybody.`;
  }
  if (!person.mine) {
    return writes ? "What is changed here changes their ratings on the server."
      : model.can.ratings ? "Your key may only read: nothing is changed here."
        : `This model takes no ratings. ${model.why_not.ratings}`;
  }
  return `Each answer is kept on the server at once, as user ${person.id}. The list follows it.`;
}

/** The order and the variety of the list, where there is a choice. */
function controls(model, person, act) {
  if (!person.kept) return { node: null, read: () => ({}) };
  const order = select("Order", [
    ...model.can.choices ? [["liking", "Likely yours first"]] : [],
    ["rating", "Best guess first"],
    ...model.can.intervals ? [["low", "Surely good first"]] : [],
  ], act);
  const variety = select("Variety", [["0", "As it comes"], ["0.4", "More varied"]], act);
  const fame = select("Fame", [["0", "Known or not"], ["-0.4", "Lesser known"], ["0.4", "Well known"]], act);
  return {
    node: el("details", {}, el("summary", {}, "Order and variety"),
      el("div", { class: "choices" }, order.node, variety.node, fame.node)),
    read: () => ({
      by: order.value(), diversity: Number(variety.value()), popularity: Number(fame.value()),
    }),
  };
}

function select(label, options, act) {
  const id = fresh("choice");
  const node = el("select", { id, onchange: act }, options.map(([value, text]) => el("option", { value }, text)));
  return {
    node: options.length > 1 ? el("div", {}, el("label", { for: id }, label), node) : null,
    value: () => node.value,
  };
}
