// The places of the items, fetched once for each model.

import { get } from "./api.js";

let fetched = null;

/** The columns of /v1/map. */
export function places(signal) {
  fetched ??= get("/v1/map").catch((problem) => { fetched = null; throw problem; });
  return Promise.race([fetched, new Promise((_, stop) => {
    signal?.addEventListener("abort", () => stop(new DOMException("gone", "AbortError")), { once: true });
  })]);
}

/** Another model is active: its items lie elsewhere. */
export const forgetPlaces = () => { fetched = null; };
