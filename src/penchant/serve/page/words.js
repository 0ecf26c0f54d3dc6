// Numbers and ratings in words.

const PLAIN = new Intl.NumberFormat("en");

export const whole = (number) => PLAIN.format(number);

export const count = (number, one, many = `${one}s`) => `${whole(number)} ${number === 1 ? one : many}`;

export const percent = (share) =>
  share > 0 && share < 0.005 ? "less than 1 %" : `${Math.round(100 * share)} %`;

/** An item's title, or its id where it has none. */
export const named = (entry) => (entry.title ? entry.title : `Item ${entry.item}`);

/** A prediction: one decimal, on wide scales none, on narrow ones two. */
export function predicted(value, scale) {
  const width = scale.high - scale.low;
  return value.toFixed(width > 20 ? 0 : width < 2 ? 2 : 1);
}

const onStars = (scale) => scale.low >= 0 && scale.low <= 1 && scale.high === 5;

/** A rating as it is given: "4 stars", "7". */
export function amount(value, scale) {
  const number = String(Number(value.toPrecision(6)));
  return onStars(scale) ? `${number} ${value === 1 ? "star" : "stars"}` : number;
}

export function signed(value) {
  const digits = Math.abs(value).toFixed(2);
  return digits === "0.00" ? digits : `${value < 0 ? "−" : "+"}${digits}`;
}

/** How often an interval of a level holds. */
export function odds(level) {
  const tenths = Math.round(level * 10);
  return Math.abs(tenths - level * 10) < 1e-9 ? `${tenths} times in 10` : `${percent(level)} of the time`;
}

/** An interval in words; null where there is none. */
export function between(entry, scale, level) {
  if (typeof entry.low !== "number" || typeof entry.high !== "number") return null;
  return `${predicted(entry.low, scale)} to ${predicted(entry.high, scale)}, ${odds(level)}`;
}

/** Seconds in words. */
export function lasting(seconds) {
  if (seconds < 1) return `${(seconds * 1000).toPrecision(2) * 1} ms`;
  if (seconds < 120) return `${Number(seconds.toFixed(1))} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Bytes in words. */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let place = 0;
  let left = number;
  while (left >= 1000 && place < units.length - 1) { left /= 1000; place += 1; }
  return `${left < 10 && place ? left.toFixed(1) : Math.round(left)} ${units[place]}`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** A moment in words: an ISO text or seconds since 1970. */
export function moment(given) {
  const when = new Date(typeof given === "number" ? given * 1000 : given);
  return Number.isNaN(when.valueOf()) ? String(given) : DAY.format(when);
}

/** What stands in a cell of a card, whatever JSON it is. */
export function plain(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) ? whole(value) : String(Number(value.toPrecision(5)));
  if (Array.isArray(value)) return value.length ? value.map(plain).join(", ") : "none";
  if (typeof value === "object") {
    return Object.entries(value).map(([name, inner]) => `${name} ${plain(inner)}`).join(", ") || "none";
  }
  return String(value);
}
