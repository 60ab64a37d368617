// The wall: its clock, and the moment from which on what it shows is old. It must never show old numbers as new.
(() => {
  "use strict";

  const LATE_MS = 20000; // without an answer: several refreshes were missed
  const RELOAD_MS = 6 * 3600 * 1000; // a screen that nobody touches gets new versions too
  const clock = document.getElementById("wall-clock");
  const banner = document.querySelector(".wall-away");
  const last = document.getElementById("wall-last");
  const opened = Date.now();
  let seen = Date.now();

  function show(isAway) {
    document.body.classList.toggle("away", isAway);
    banner.hidden = !isAway;
    if (isAway) last.dateTime = new Date(seen).toISOString();
  }
  function tick() {
    clock.textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    if (Date.now() - seen > LATE_MS) show(true);
  }
  document.addEventListener("htmx:after:request", (event) => {
    const { status } = event.detail.ctx.response;
    if (status >= 500) return show(true);
    seen = Date.now();
    show(false);
    if (seen - opened > RELOAD_MS) location.reload();
  });
  document.addEventListener("htmx:error", () => show(true));
  setInterval(tick, 1000);
  tick();
})();
