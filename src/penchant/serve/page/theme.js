// Runs before the first paint, so that a chosen theme never flashes; the switch is in main.js.
"use strict";
try {
  const chosen = localStorage.getItem("penchant.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing shows what the system prefers.
}
