"use strict";
(() => {
  const root = document.documentElement;
  root.classList.remove("no-script");

  // The theme: as the system says, until somebody chooses; kept where the browser lets it be.
  const store = {
    get() { try { return localStorage.getItem("penchant-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("penchant-theme", value); } catch { /* private mode */ } },
  };
  const show = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const choices = [...document.querySelectorAll("input[name=theme]")];
  const kept = store.get();
  for (const choice of choices) {
    if (choice.value === kept) { choice.checked = true; show(kept); }
    choice.addEventListener("change", () => { show(choice.value); store.set(choice.value); });
  }

  // The contents: open beside the text, folded above it; the section in view is marked.
  const contents = document.querySelector("nav.contents details");
  const beside = matchMedia("(min-width: 64rem)");
  const fold = () => { contents.open = beside.matches; };
  beside.addEventListener("change", fold);
  fold();
  const links = new Map(
    [...document.querySelectorAll("nav.contents a")].map((a) => [a.hash.slice(1), a]));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }, { rootMargin: "-12% 0px -70% 0px" });
  for (const id of links.keys()) watch.observe(document.getElementById(id));

  // The map: a tip beside the pointer, and a search.
  const map = document.querySelector(".map > svg");
  if (map) {
    const dots = [...map.querySelectorAll(".dot")];
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    document.body.append(tip);
    for (const dot of dots) {  // the tip stands in for the browser's own, which is slow to come
      dot.dataset.told = dot.firstElementChild.textContent;
      dot.firstElementChild.remove();
    }
    map.addEventListener("pointermove", (event) => {
      const dot = event.target.closest(".dot");
      tip.hidden = !dot;
      if (!dot) return;
      tip.textContent = dot.dataset.told;
      const box = tip.getBoundingClientRect();
      const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
      tip.style.setProperty("left", `${Math.max(8, left)}px`);
      tip.style.setProperty("top", `${Math.max(8, event.clientY - box.height - 10)}px`);
    });
    map.addEventListener("pointerleave", () => { tip.hidden = true; });

    const field = document.querySelector(".search input");
    const output = document.querySelector(".search output");
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      map.classList.toggle("searching", wanted !== "");
      const found = dots.filter((dot) => {
        const hit = wanted !== "" && dot.dataset.told.toLowerCase().includes(wanted);
        dot.classList.toggle("found", hit);
        return hit;
      });
      const named = found.slice(0, 3).map((dot) => dot.dataset.told.split(" \u00b7 ")[0]).join("; ");
      const more = found.length > 3 ? ` and ${found.length - 3} more` : "";
      output.textContent = wanted === "" ? "" : found.length ? named + more : "Not on this map.";
    });
  }

  // Paper shows everything.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("main details.more:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
})();
