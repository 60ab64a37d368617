// Many rows at once: ticks that survive a refresh, and the dialog that asks before anything is done to them. The
// form is #chosen, the dialog #decide. Without it the same buttons lead to a page that asks.
(() => {
  "use strict";

  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const ticked = new Set();
  let isAll = false;

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

  // A row that is gone from the list is no longer ticked: what is counted must be in sight.
  document.addEventListener("htmx:after:swap", () => {
    const here = new Set(boxes().map((box) => box.value));
    for (const value of [...ticked]) if (!here.has(value)) ticked.delete(value);
    show();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-all-toggle]")) {
      isAll = !isAll;
      show();
      return;
    }
    if (event.target.matches("#chosen td.chk")) $("input", event.target).click(); // a larger target than the box
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

  document.addEventListener("mqadmin:acted", (event) => {
    const dialog = event.target.closest("#decide");
    if (!dialog) return; // it had nothing to do with what is ticked
    if (dialog.open) dialog.close();
    clear();
  }, true);

  show();
})();
