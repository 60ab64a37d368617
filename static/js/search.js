// A box offers what could be typed next: a listbox under a combobox (ARIA 1.2). A search's offers continue the word
// before the cursor, a field's (`data-whole`) are all of its value. Without script the same is typed in full.
document.querySelectorAll("[data-offers]").forEach((input) => {
  "use strict";

  const list = document.getElementById(input.getAttribute("aria-controls") ?? "");
  if (!list) return;
  input.removeAttribute("list"); // the browser's own offers, for who has no script

  let waiting;
  let asked = 0;
  let active = -1;
  const options = () => [...list.querySelectorAll("[role=option]")];

  function close() {
    clearTimeout(waiting);
    asked += 1; // an answer that is on its way is of no use any more
    active = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(at) {
    const all = options();
    active = all.length ? (at + all.length) % all.length : -1;
    all.forEach((option, index) => option.setAttribute("aria-selected", String(index === active)));
    if (active < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  }

  async function ask() {
    const number = ++asked;
    const query = new URLSearchParams({ q: input.value, at: input.selectionStart ?? input.value.length });
    const others = input.dataset.offersWith;
    if (others) document.querySelectorAll(others).forEach((other) => query.set(other.name, other.value));
    let text = "";
    try {
      const answer = await fetch(`${input.dataset.offers}?${query}`, { headers: { "HX-Request": "true" } });
      if (answer.ok) text = await answer.text();
    } catch {
      return; // what is typed still searches; the page says itself when the server is gone
    }
    if (number !== asked || document.activeElement !== input) return;
    list.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    active = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = !options().length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  }

  function take(option) {
    if ("whole" in option.dataset) {
      input.value = option.dataset.whole;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      return close();
    }
    const { text, start, end } = option.dataset;
    const after = input.value.slice(Number(end));
    input.value = input.value.slice(0, Number(start)) + text.trimEnd() + (text.endsWith(" ") && !after.startsWith(" ") ? " " : "") + after;
    const at = Number(start) + text.length;
    input.setSelectionRange(at, at);
    input.focus();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  input.addEventListener("input", soon);
  input.addEventListener("click", soon);
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener(
    "keydown",
    (event) => {
      if (list.hidden) {
        if (event.key === "ArrowDown") {
          event.preventDefault();
          ask();
        }
        return;
      }
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        mark(active < 0 && event.key === "ArrowUp" ? -1 : active + (event.key === "ArrowDown" ? 1 : -1));
      } else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) {
        event.preventDefault();
        take(options()[active]);
      } else if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation(); // the page would leave the box
        close();
      } else if (event.key === "Enter" || event.key === "Tab") close();
    },
    true,
  );
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    event.preventDefault(); // the box keeps the focus
    if (option) take(option);
  });
});
