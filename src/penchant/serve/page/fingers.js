// Pointer and fingers on the map: drag to move, wheel or pinch to look closer, tap to choose.

const STILL = 6; // pixels that a tap may move

/** Wire a map's canvas. */
export function handle(view) {
  const { canvas, plane, signal } = view;
  const down = new Map();
  let moved = 0;

  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, spot(event));
    moved = down.size > 1 ? Infinity : 0;
  }, { signal });

  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = spot(event);
    const last = down.get(event.pointerId);
    if (!last) {
      if (event.pointerType === "mouse") {
        const row = plane.at(x, y);
        canvas.classList.toggle("over", row >= 0);
        if (row >= 0) view.point(row);
      }
      return;
    }
    moved += Math.hypot(x - last[0], y - last[1]);
    if (down.size === 1) plane.pan(x - last[0], y - last[1]);
    else pinch(event.pointerId, last, [x, y]);
    down.set(event.pointerId, [x, y]);
    view.draw();
  }, { signal });

  function pinch(id, last, now) {
    const other = [...down].find(([one]) => one !== id)[1];
    const before = Math.hypot(last[0] - other[0], last[1] - other[1]) || 1;
    const after = Math.hypot(now[0] - other[0], now[1] - other[1]);
    plane.scale(after / before, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  }

  canvas.addEventListener("pointerup", (event) => {
    down.delete(event.pointerId);
    if (moved > STILL) return;
    const row = plane.at(...spot(event));
    if (row < 0) return;
    // A mouse has shown the title before; a finger sees it with the first tap, and opens with the next.
    if (event.pointerType === "mouse" || row === view.current) view.open(row);
    else view.point(row);
  }, { signal });

  canvas.addEventListener("pointercancel", (event) => down.delete(event.pointerId), { signal });

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), ...spot(event));
  }, { passive: false, signal });
}
