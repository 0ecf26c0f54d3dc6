// For whom the page recommends: someone whom the server keeps, or a newcomer who stays in this tab.

import { read, write } from "./json.js";
import { change, get, part, post } from "./api.js";

const PASSING = "penchant.passing";
const PAGE = 200;
const MOST = 1000; // answers that an interview reads

/** Whether the server knows somebody, without an error where it doesn't. */
async function isKnown(id, signal) {
  const told = await get(`/v1/users?search=${part(id)}&size=${PAGE}`, signal);
  return told.users.some(({ user }) => String(user) === String(id));
}

/** Ratings by item, those that came last first. */
class Rated {
  constructor() { this.ratings = new Map(); }

  put(entry) {
    const before = this.ratings.get(String(entry.item));
    const rest = [...this.ratings].filter(([item]) => item !== String(entry.item));
    this.ratings = new Map([[String(entry.item), { ...before, ...entry }], ...rest]);
  }

  drop(item) { this.ratings.delete(String(item)); }

  get list() { return [...this.ratings.values()]; }
}

/** Someone whose ratings are on the server. */
export class Kept extends Rated {
  kept = true;
  known = false;

  constructor(model, id, mine) {
    super();
    Object.assign(this, { model, id, mine });
  }

  get way() { return `#/for/${part(this.id)}`; }

  /** Read the ratings; an unknown user has none yet. */
  async load(signal) {
    if (this.mine && !await isKnown(this.id, signal)) return this;
    try {
      const told = await get(`/v1/users/${part(this.id)}/ratings`, signal);
      this.ratings = new Map(told.ratings.map((entry) => [String(entry.item), entry]));
      this.known = true;
    } catch (problem) {
      if (problem.status !== 404) throw problem;
    }
    return this;
  }

  async rate(entry, rating) {
    await change("POST", "/v1/ratings", [{ user: this.id, item: entry.item, rating }]);
    this.known = true;
    this.put({ item: entry.item, title: entry.title ?? null, rating });
  }

  async unrate(item) {
    await change("DELETE", "/v1/ratings", [{ user: this.id, item }]);
    this.drop(item);
  }

  async recommend(wishes, signal) {
    const interval = this.model.can.intervals ? 0.9 : undefined;
    return post("/v1/recommend", { user: this.id, interval, ...wishes }, signal);
  }

  explain(item, signal) { return post("/v1/explain", { user: this.id, item }, signal); }

  /** The next questions, by the model or else by popularity. */
  async questions(skipped, n, signal) {
    return questions(this.model, this.list, skipped, n, signal);
  }
}

/** A newcomer whose answers stay in this tab. */
export class Passing extends Rated {
  kept = false;
  mine = true;
  way = "#/new";

  constructor(model) {
    super();
    this.model = model;
  }

  async load() {
    const kept = read(sessionStorage.getItem(PASSING) ?? "[]");
    this.ratings = new Map(kept.map((entry) => [String(entry.item), entry]));
    return this;
  }

  async rate(entry, rating) {
    this.put({ item: entry.item, title: entry.title ?? null, rating });
    sessionStorage.setItem(PASSING, write(this.list));
  }

  async unrate(item) {
    this.drop(item);
    sessionStorage.setItem(PASSING, write(this.list));
  }

  async recommend({ n }, signal) {
    const told = await interview(this.list, [], { recommend: n }, signal);
    return { ...told, items: told.recommendations };
  }

  async questions(skipped, n, signal) {
    return questions(this.model, this.list, skipped, n, signal);
  }
}

const interview = (ratings, skipped, more, signal) => post("/v1/interview", {
  answers: ratings.slice(0, MOST).map(({ item, rating }) => ({ item, rating })),
  skipped: skipped.slice(-MOST),
  ...more,
}, signal);

async function questions(model, ratings, skipped, n, signal) {
  if (model.can.interview) return (await interview(ratings, skipped, { n, recommend: 1 }, signal)).questions;
  const seen = new Set([...ratings.map(({ item }) => String(item)), ...skipped.map(String)]);
  const told = await get(`/v1/items?size=${Math.min(PAGE, seen.size + n)}`, signal);
  return told.items.filter(({ item }) => !seen.has(String(item))).slice(0, n);
}

/** An id that nobody has, of the kind that this model's users have. */
export async function freeId(model, signal) {
  for (;;) {
    const number = crypto.getRandomValues(new Uint32Array(1))[0];
    const id = model.ids.users === "int" ? 1_000_000_000 + number : `new-${number.toString(36)}`;
    if (!await isKnown(id, signal)) return id;
  }
}

/** An id as the model has it, from an address. */
export function idOf(kind, text) {
  if (kind !== "int") return text;
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}
