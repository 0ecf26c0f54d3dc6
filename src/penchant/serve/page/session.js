// Who was looked at last in this tab, so that the way back to them is one step.

const NAME = "penchant.person";

/** {id, mine} of somebody kept, {way} of a passing newcomer, or null. */
export function remembered() {
  const text = sessionStorage.getItem(NAME);
  if (text === null) return null;
  const { mine, ...rest } = JSON.parse(text);
  return { ...rest, mine: mine === true };
}

export function remember({ id, way, mine }) {
  sessionStorage.setItem(NAME, JSON.stringify({ id: id === undefined ? undefined : String(id), way, mine }));
}

export const forgetPerson = () => sessionStorage.removeItem(NAME);

/** The address of whoever was looked at last, or of the first page. */
export function lastWay() {
  const last = remembered();
  if (!last) return "#/";
  return last.way ?? `#/for/${encodeURIComponent(last.id)}`;
}
