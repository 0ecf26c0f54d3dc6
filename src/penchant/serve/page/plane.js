// The items as points on a canvas: what is where, what is drawn, what is near.

const FAR = 40; // the closest look, times the whole
const NEAR_POINT = 22; // pixels within which the pointer means a point
const LABELS = 26;

/** The places of all items, in the unit square, and a window that looks at a part of them. */
export class Plane {
  constructor(told) {
    this.items = told.items;
    this.titles = told.titles;
    const [left, right, low, high] = [...ends(told.x), ...ends(told.y)];
    const reach = Math.max(right - left, high - low) / 2 || 1;
    this.x = told.x.map((x) => (x - (left + right) / 2) / reach);
    this.y = told.y.map((y) => ((low + high) / 2 - y) / reach);
    this.wide = (right - left) / 2 / reach || 1;
    this.high = (high - low) / 2 / reach || 1;
    const most = Math.max(...told.ratings, 1);
    this.size = told.ratings.map((n) => 1.6 + 5.4 * Math.sqrt(n / most));
    this.rows = new Map(told.items.map((item, row) => [String(item), row]));
    this.whole();
  }

  name(row) { return this.titles?.[row] ?? `Item ${this.items[row]}`; }

  whole() {
    this.zoom = 1;
    this.cx = 0;
    this.cy = 0;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  /** Pixels for each unit; the whole leaves room for a title on the right. */
  get unit() {
    return Math.min(0.43 * this.width / this.wide, 0.45 * this.height / this.high) * this.zoom;
  }

  sx(row) { return this.width / 2 + (this.x[row] - this.cx) * this.unit; }

  sy(row) { return this.height / 2 + (this.y[row] - this.cy) * this.unit; }

  inside(row) {
    const [x, y] = [this.sx(row), this.sy(row)];
    return x >= 0 && y >= 0 && x <= this.width && y <= this.height;
  }

  /** Look closer, or from farther away, with one point of the screen held still. */
  scale(factor, px = this.width / 2, py = this.height / 2) {
    const before = this.unit;
    this.zoom = Math.min(FAR, Math.max(1, this.zoom * factor));
    this.cx += (px - this.width / 2) * (1 / before - 1 / this.unit);
    this.cy += (py - this.height / 2) * (1 / before - 1 / this.unit);
    this.hold();
  }

  pan(dx, dy) {
    this.cx -= dx / this.unit;
    this.cy -= dy / this.unit;
    this.hold();
  }

  hold() {
    this.cx = Math.min(1, Math.max(-1, this.cx));
    this.cy = Math.min(1, Math.max(-1, this.cy));
  }

  /** Bring a point to the middle, and closer if it is seen from far. */
  lookAt(row, zoom = 4) {
    this.zoom = Math.max(this.zoom, zoom);
    [this.cx, this.cy] = [this.x[row], this.y[row]];
  }

  /** The point at a place of the screen, or −1. */
  at(px, py) {
    let best = -1;
    let least = NEAR_POINT ** 2;
    for (let row = 0; row < this.items.length; row += 1) {
      const away = (this.sx(row) - px) ** 2 + (this.sy(row) - py) ** 2;
      if (away < least) { least = away; best = row; }
    }
    return best;
  }

  /** The nearest point from one in a direction: within 45° of it, or −1. */
  towards(row, dx, dy) {
    let best = -1;
    let least = Infinity;
    for (let other = 0; other < this.items.length; other += 1) {
      const [ax, ay] = [this.x[other] - this.x[row], this.y[other] - this.y[row]];
      const ahead = ax * dx + ay * dy;
      const beside = Math.abs(ax * dy) + Math.abs(ay * dx);
      if (ahead <= 1e-9 || beside > ahead) continue;
      const away = ahead + 2 * beside;
      if (away < least) { least = away; best = other; }
    }
    return best;
  }

  /** The point nearest to the middle of the window. */
  middle() {
    let best = 0;
    let least = Infinity;
    for (let row = 0; row < this.items.length; row += 1) {
      const away = (this.x[row] - this.cx) ** 2 + (this.y[row] - this.cy) ** 2;
      if (away < least) { least = away; best = row; }
    }
    return best;
  }

  /** The most rated points in the window, (items come most rated first). */
  seen(most) {
    const found = [];
    for (let row = 0; row < this.items.length && found.length < most; row += 1) {
      if (this.inside(row)) found.push(row);
    }
    return found;
  }

  /** Draw all; `marked` rows in the accent's colour, `current` ringed and named. */
  draw(pen, colours, { marked = new Set(), current = -1, labels = true } = {}) {
    pen.clearRect(0, 0, this.width, this.height);
    const room = Math.min(1, Math.max(0.5, Math.min(this.width, this.height) / 600));
    const grow = room * Math.min(2, this.zoom ** 0.35);
    for (let row = this.items.length - 1; row >= 0; row -= 1) {
      if (!this.inside(row) || marked.has(row)) continue;
      this.dot(pen, row, grow, colours.point, 0.62);
    }
    if (labels) this.write(pen, colours, grow, marked, current);
    for (const row of marked) this.dot(pen, row, 1.2 * grow, colours.accent, 1);
    if (current >= 0) this.ring(pen, colours, current, grow);
  }

  dot(pen, row, grow, colour, alpha) {
    pen.globalAlpha = alpha;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(this.sx(row), this.sy(row), this.size[row] * grow, 0, 7);
    pen.fill();
    pen.globalAlpha = 1;
  }

  /** Titles of the most rated points, as many as find room. */
  write(pen, colours, grow, marked, current) {
    const taken = [...marked].map((row) => this.spot(row, grow));
    if (current >= 0) taken.push(this.spot(current, grow));
    pen.font = `12.5px ${colours.font}`;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    let written = 0;
    const named = [...marked].filter((row) => this.inside(row)).slice(0, LABELS / 2);
    for (const row of [...named, ...this.seen(400).filter((one) => !named.includes(one))]) {
      if (row === current) continue;
      const box = this.box(pen, row, grow);
      const fits = box.x + box.w < this.width && !taken.some((t) => box.x < t.x + t.w && t.x < box.x + box.w
        && box.y < t.y + t.h && t.y < box.y + box.h);
      if (!fits) continue;
      taken.push(box);
      pen.strokeStyle = colours.paper;
      pen.strokeText(this.short(row), box.x + 2, box.y + box.h / 2);
      pen.fillStyle = colours.ink;
      pen.fillText(this.short(row), box.x + 2, box.y + box.h / 2);
      written += 1;
      if (written >= LABELS) break;
    }
  }

  short(row) {
    const name = this.name(row);
    return name.length > 26 ? `${name.slice(0, 25).trimEnd()}…` : name;
  }

  spot(row, grow) {
    const r = this.size[row] * grow + 1;
    return { x: this.sx(row) - r, y: this.sy(row) - r, w: 2 * r, h: 2 * r };
  }

  box(pen, row, grow) {
    const w = pen.measureText(this.short(row)).width + 8;
    return { x: this.sx(row) + this.size[row] * grow + 2, y: this.sy(row) - 9, w, h: 18 };
  }

  ring(pen, colours, row, grow) {
    this.dot(pen, row, 1.2 * grow, colours.accent, 1);
    pen.strokeStyle = colours.accent;
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(this.sx(row), this.sy(row), this.size[row] * grow + 6, 0, 7);
    pen.stroke();
  }
}

const ends = (numbers) => numbers.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)],
  [Infinity, -Infinity]);

/** The theme's colours, as a canvas needs them. */
export function colours(node) {
  const found = { font: getComputedStyle(node).fontFamily };
  for (const [name, kind] of [["ink", "ink"], ["accent", "accent"], ["point", "point"], ["paper", "paper"]]) {
    const probe = document.createElement("span");
    probe.className = `colour-${kind}`;
    node.parentNode.append(probe);
    found[name] = getComputedStyle(probe).color;
    probe.remove();
  }
  return found;
}

/** Fit a canvas to its box on the screen; returns what to draw with. */
export function fitted(canvas, plane) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  plane.resize(width, height);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}
