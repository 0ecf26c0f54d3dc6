// JSON whose whole numbers stay exact: an id may be larger than 2^53, where numbers begin to jump.

/** Read JSON; whole numbers that a Number can't hold become BigInts. */
export function read(text) {
  return JSON.parse(text, (_, value, context) => {
    const unsafe = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return unsafe && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

/** Write JSON; BigInts as the numbers that they are. */
export function write(value) {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === "bigint" ? JSON.rawJSON(String(inner)) : inner);
}
