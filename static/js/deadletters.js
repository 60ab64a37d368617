// The inbox: letters that open, on a click and by j and k. What is ticked: ticks.js.
(() => {
  "use strict";

  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const narrow = matchMedia("(max-width: 760px)");
  let wasOpen = !!document.querySelector("#inbox.is-open");

  document.addEventListener("htmx:after:swap", () => {
    const isOpen = !!$("#inbox.is-open");
    if (isOpen && !wasOpen && narrow.matches) scrollTo(0, 0); // the letter takes the place of the list
    wasOpen = isOpen;
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("#chosen [data-key-row]");
    if (!row || event.target.closest("a, input, button, label, td.chk") || !getSelection().isCollapsed) return;
    $("[data-open-letter]", row)?.click();
  });

  // Letters go where the plan in sight says, not where an older one did: who has typed another destination sees
  // its plan first, and then clicks again.
  document.addEventListener("submit", (event) => {
    const form = $("#decide form.to");
    if (!form || !event.target.matches("#decide form[method=post]")) return;
    const planned = new FormData(event.target);
    const asked = [...new FormData(form)].filter(([name]) => ["to", "exchange", "routing_key"].includes(name));
    if (asked.every(([name, value]) => planned.get(name) === value)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!form.matches(".htmx-request")) form.requestSubmit();
  }, true);

  let opening;
  let pressed = ""; // the key that waits for the letter of the row it was pressed on
  document.addEventListener("mqadmin:row", (event) => {
    clearTimeout(opening);
    pressed = "";
    const link = $("[data-open-letter]", event.target);
    if (link && !narrow.matches) opening = setTimeout(() => link.isConnected && link.click(), 120);
  });

  // A decided letter leaves the list: whoever walks it by keyboard stands on the one that takes its place.
  let place = null;
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("#chosen [data-key-row]");
    place = row && { id: row.id, at: $$("#chosen [data-key-row]").indexOf(row) };
  });
  document.addEventListener("htmx:after:swap", () => {
    if (!place || document.getElementById(place.id) || document.activeElement !== document.body) return;
    const rows = $$("#chosen [data-key-row]");
    const link = rows.length && $("[data-open-letter]", rows[Math.min(place.at, rows.length - 1)]);
    place = null;
    if (!link) return;
    link.focus({ preventScroll: true });
    if (!narrow.matches) link.click();
  });

  // j and at once r: the pane still shows the letter before. The key acts once its own row's letter is there.
  const awaited = () => {
    const row = document.activeElement?.closest?.("#chosen [data-key-row]");
    return row && !$("[data-open-letter][aria-current]", row) ? row : null;
  };
  document.addEventListener("mqadmin:key", (event) => {
    const row = event.target.closest("#letter") && awaited();
    if (!row) return;
    event.preventDefault();
    pressed = event.detail.key;
    clearTimeout(opening);
    $("[data-open-letter]", row).click();
  });
  document.addEventListener("htmx:after:swap", () => {
    if (!pressed || awaited()) return;
    const button = $(`#letter [data-key="${CSS.escape(pressed)}"]`);
    pressed = "";
    if (document.activeElement?.closest?.("#chosen [data-key-row]")) button?.click();
  });
})();
