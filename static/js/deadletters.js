// The inbox: ticks that survive a refresh, the dialog that asks before many letters move, j and k that open.
// Without it the same buttons lead to a page that asks.
(() => {
  "use strict";

  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const ticked = new Set();
  const narrow = matchMedia("(max-width: 760px)");
  let isAll = false;
  let wasOpen = !!document.querySelector("#inbox.is-open");

  const boxes = () => $$("#chosen tbody input[name=ids]");

  function show() {
    const count = ticked.size;
    for (const box of boxes()) box.checked = ticked.has(box.value);
    const label = $("[data-ticked]");
    const toggle = $("[data-all-toggle]");
    if (!label || !toggle) return;
    const total = $("#chosen .bar-none b")?.textContent || "";
    label.textContent = isAll ? toggle.dataset.allText : label.dataset.text.replace("{n}", count);
    toggle.textContent = isAll ? toggle.dataset.someText : toggle.dataset.allText;
    for (const button of $$("[data-count-text]")) {
      const text = button.dataset.countText.replace("{n}", isAll ? total : count);
      $("span", button).textContent = text;
      button.dataset.keyLabel = text;
    }
    const all = $("[data-tick-all]");
    if (all) {
      const here = boxes().filter((box) => box.checked).length;
      all.checked = here > 0 && here === boxes().length;
      all.indeterminate = here > 0 && !all.checked;
    }
  }

  function clear() {
    ticked.clear();
    isAll = false;
    show();
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("#chosen tbody input[name=ids]")) {
      if (box.checked) ticked.add(box.value);
      else ticked.delete(box.value);
      isAll = false;
      show();
    } else if (box.matches("[data-tick-all]")) {
      for (const one of boxes()) {
        if (box.checked) ticked.add(one.value);
        else ticked.delete(one.value);
      }
      isAll = false;
      show();
    }
  });

  // A letter that is gone from the list is no longer ticked: what is counted must be in sight.
  document.addEventListener("htmx:after:swap", () => {
    const here = new Set(boxes().map((box) => box.value));
    for (const value of [...ticked]) if (!here.has(value)) ticked.delete(value);
    show();
    const isOpen = !!$("#inbox.is-open");
    if (isOpen && !wasOpen && narrow.matches) scrollTo(0, 0); // the letter takes the place of the list
    wasOpen = isOpen;
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-all-toggle]")) {
      isAll = !isAll;
      show();
      return;
    }
    const row = event.target.closest("#chosen [data-key-row]");
    if (event.target.matches("#chosen td.chk")) $("input", row).click(); // a larger target than the box
    else if (row && !event.target.closest("a, input, button, label") && getSelection().isCollapsed) $("[data-open-letter]", row)?.click();
    const opener = event.target.closest("[data-decide]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    decide(address(opener));
  });

  function address(opener) {
    if (opener.href) return opener.href;
    const fields = new URLSearchParams(new FormData(opener.form));
    fields.delete("ids");
    if (opener.name) fields.append(opener.name, opener.value);
    else if (isAll) fields.append("all", "1");
    else for (const value of ticked) fields.append("ids", value);
    return `${opener.formAction}?${fields}`;
  }

  let isAsking = false;
  function decide(url) {
    const dialog = $("#decide");
    if (isAsking || dialog.open) return;
    isAsking = true;
    dialog.replaceChildren(); // where the answer is an error, what was asked before must not be asked again
    const { pathname, search } = new URL(url, location.href);
    htmx
      .ajax("GET", pathname + search, { target: "#decide", swap: "innerHTML" })
      .then(() => dialog.childElementCount && dialog.showModal())
      .finally(() => (isAsking = false));
  }

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

  document.addEventListener("mqadmin:acted", (event) => {
    const dialog = event.target.closest("#decide");
    if (!dialog) return; // it had nothing to do with what is ticked
    if (dialog.open) dialog.close();
    clear();
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

  show();
})();
