// Requests to the server that this page came from.

import { back, failed, reached } from "./connection.js";
import { read, write } from "./json.js";
import { askForKey, key } from "./key.js";

/** What went wrong, as a sentence for people; status 0 where the server wasn't reached. */
export class Problem extends Error {
  constructor(message, status = 0, id = null, told = null) {
    super(message);
    Object.assign(this, { status, id, told });
  }
}

let position = null; // the last own write; a worker that is behind it waits before it answers

/** A key that makes a write happen once, however often it is sent. */
function once() {
  const numbers = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(numbers, (n) => n.toString(16).padStart(8, "0")).join("");
}

/** Ask the server and return what it answers; throws a Problem. */
export async function ask(method, path, { body, idempotency, signal } = {}) {
  for (;;) {
    const response = await send(method, path, { body, idempotency, signal });
    if (response.status === 401) {
      const wrong = key() !== null;
      if (await askForKey(wrong)) continue;
      throw new Problem("The server gives this only to those who have a key.", 401);
    }
    const told = await answer(response);
    if (typeof told?.position === "number" && method !== "GET") position = told.position;
    return told;
  }
}

async function send(method, path, { body, idempotency, signal }) {
  const headers = { Accept: "application/json" };
  if (key() !== null) headers.Authorization = `Bearer ${key()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (idempotency) headers["Idempotency-Key"] = idempotency;
  if (position !== null) headers["Penchant-Position"] = String(position);
  try {
    const sent = body === undefined ? undefined : write(body);
    const response = await fetch(path, { method, headers, body: sent, signal, cache: "no-store" });
    reached();
    return response;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    failed();
    throw new Problem("The server can't be reached.");
  }
}

async function answer(response) {
  const text = await response.text();
  let told = null;
  try { told = text === "" ? null : read(text); } catch { told = text; }
  if (response.ok) return told;
  const id = told?.request_id ?? response.headers.get("X-Request-Id");
  throw new Problem(sentence(response, told), response.status, id, told);
}

function sentence(response, told) {
  if (response.status === 429) {
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    return `That was too much at once. The server answers again in ${seconds} s.`;
  }
  if (typeof told?.detail === "string") return told.detail;
  if (response.status === 403) return "The key that you use doesn't allow this.";
  return `The server can't do this now (${response.status} ${told?.title ?? response.statusText}).`;
}

export const get = (path, signal) => ask("GET", path, { signal });
export const post = (path, body, signal) => ask("POST", path, { body, signal });

/** Send a write; while the server can't be reached it waits, and then it is done once. */
export async function change(method, path, body) {
  const idempotency = once();
  for (;;) {
    try {
      return await ask(method, path, { body, idempotency });
    } catch (problem) {
      if (problem.status !== 0) throw problem;
      await back();
    }
  }
}

/** A path's part: an id as it stands in an address. */
export const part = (id) => encodeURIComponent(String(id));
