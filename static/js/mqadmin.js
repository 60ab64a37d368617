// What every page does with script: live parts, messages, confirmation, search, keys, menus.
// Without it each page still works: links are links, buttons belong to forms.
(() => {
  "use strict";

  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const isTyping = (element) =>
    !!element?.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])");

  // --- Live parts: <div id=... data-live="3" hx-get=... hx-trigger="live" hx-swap="outerMorph"> -----------

  const asked = new WeakMap(); // part -> when it was last asked for, ms
  const tags = new WeakMap(); // part -> {url, etag} of what it shows
  const isLive = (request) => request.sourceElement.matches("[data-live]");

  function isHeld(part) {
    if (part.hasAttribute("data-live-hold") || part.closest("[data-live-hold]")) return true;
    const active = document.activeElement;
    if (active && part.contains(active) && isTyping(active)) return true;
    if ($("details[open]:not([data-live-ok]), dialog[open], :popover-open", part)) return true;
    const selection = getSelection();
    return !!selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  }

  function refresh(force) {
    if (document.hidden) return;
    const now = Date.now();
    for (const part of $$("[data-live]")) {
      if (!asked.has(part)) asked.set(part, now);
      const due = asked.get(part) + Number(part.dataset.live || 5) * 1000;
      if ((!force && now < due) || isHeld(part)) continue;
      asked.set(part, now);
      part.dispatchEvent(new CustomEvent("live", { bubbles: false }));
    }
  }

  setInterval(refresh, 500);
  document.addEventListener("visibilitychange", () => refresh(true));
  document.addEventListener("mqadmin:acted", () => refresh(true));

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const source = ctx.sourceElement;
    // A click has no submitter: htmx would leave out the button's own value.
    if (source.matches("button[name]") && ctx.request.body?.has && !ctx.request.body.has(source.name)) {
      ctx.request.body.append(source.name, source.value);
    }
    const known = source.matches("[data-live]") && tags.get(source);
    if (known && known.url === ctx.request.action) ctx.request.headers["If-None-Match"] = known.etag;
    if (isLive(ctx)) tellRows(source, ctx.request.headers);
  });

  // A refresh says which rows it has, and is sent the place alone of those that are still the same.
  function tellRows(part, headers) {
    const rows = $$("tr[data-row][id]", part).map((row) => `${row.id}=${row.dataset.row}`).join(",");
    if (rows && rows.length < 6000) headers["MQ-Rows"] = rows;
  }
  const lacking = new WeakSet(); // requests whose answer speaks of a row that is not there any more
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    for (const place of (tasks || []).flatMap((task) => (task.fragment ? $$("tr[data-same]", task.fragment) : []))) {
      const row = document.getElementById(place.id);
      if (!row) lacking.add(ctx);
      place.replaceWith(...(row ? [row.cloneNode(true)] : []));
    }
  });

  // What one unfolded stays so, where its part goes on.
  document.addEventListener("htmx:before:swap", (event) => {
    for (const { fragment } of event.detail.tasks || []) {
      for (const next of fragment ? $$("details[data-live-ok][id]", fragment) : []) {
        const before = document.getElementById(next.id);
        if (before) next.open = before.open;
      }
    }
  });

  // One may have begun to type or to read in it while the answer was under way.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (isLive(ctx) && isHeld(ctx.sourceElement)) event.preventDefault();
  });

  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    const target = ctx.target;
    if (!(target instanceof Element)) return;
    tags.delete(target); // somebody else may have changed what it shows
    const etag = ctx.response?.headers?.get("ETag");
    if (etag && ctx.sourceElement === target && !lacking.has(ctx)) tags.set(target, { url: target.getAttribute("hx-get"), etag });
    tick();
  });

  // --- Said to who does not see it: <span hidden data-announce="name">, when its words change --------------

  const said = new Map();
  const voice = document.createElement("div");
  voice.className = "visually-hidden";
  voice.setAttribute("aria-live", "polite");
  document.body.append(voice);
  function announce() {
    for (const part of $$("[data-announce]")) {
      const name = part.dataset.announce;
      const text = part.textContent.trim();
      if (said.has(name) && said.get(name) !== text) voice.textContent = text;
      said.set(name, text);
    }
  }
  document.addEventListener("htmx:after:swap", announce);
  announce();

  // --- A part shows the answer to the newest question -------------------------------------------------------

  // A filter asks for a part that also asks for itself. Whichever answer came last would be shown, be it to
  // an older question; htmx itself forgets a request under way once one that it replaced has ended.
  const underWay = new WeakMap(); // part -> the request whose answer it awaits
  const replaced = new WeakSet(); // requests whose end says nothing about the server
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (!ctx.target) return;
    const earlier = underWay.get(ctx.target);
    if (earlier && isLive(ctx) && !isLive(earlier)) return event.preventDefault();
    if (earlier && !isLive(ctx) && earlier.request.method === "GET") {
      replaced.add(earlier);
      earlier.request.abort();
    }
    underWay.set(ctx.target, ctx);
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = event.detail;
    if (underWay.get(ctx.target) === ctx) underWay.delete(ctx.target);
  });

  // --- Is the server there? -------------------------------------------------------------------------------

  function setOffline(isOffline) {
    document.body.classList.toggle("offline", isOffline);
    const place = $("#freshness");
    if (!place) return;
    if (isOffline && !place.dataset.was) place.dataset.was = "1";
    place.toggleAttribute("data-gone", isOffline);
  }
  // An error that brings a message is mqadmin's own answer; a proxy's says that mqadmin is away.
  document.addEventListener("htmx:after:request", (event) => {
    const { status, headers } = event.detail.ctx.response;
    setOffline(status >= 502 && !headers.has("HX-Trigger"));
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx && !replaced.has(event.detail.ctx)) setOffline(true);
  });

  // --- Times that tick --------------------------------------------------------------------------------------

  const steps = [["d", 86400, 172800], ["h", 3600, 3600], ["min", 60, 60], ["s", 1, 0]];
  function tick() {
    const now = Date.now();
    for (const time of $$("time[data-ago]")) {
      const seconds = Math.max(0, Math.floor((now - Date.parse(time.dateTime)) / 1000));
      const [unit, size] = steps.find(([, , from]) => seconds >= from);
      const form = document.body.getAttribute(`data-ago-${unit}`) || "%(n)s";
      const text = form.replace("%(n)s", Math.floor(seconds / size));
      if (time.textContent !== text) time.textContent = text;
    }
  }
  setInterval(tick, 1000);

  // --- Messages -----------------------------------------------------------------------------------------------

  function toast(text, level) {
    const stays = level === "error" || level === "warning";
    // What fails every second says so once.
    if (stays && $$("#toasts .toast-line").some((line) => line.firstChild.data === text)) return;
    const item = document.createElement("p");
    item.className = `toast-line ${level || "info"}`;
    item.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "toast-close";
    close.textContent = "×";
    close.setAttribute("aria-label", $("#keys [data-close]")?.textContent || "×");
    close.addEventListener("click", () => item.remove());
    item.append(close);
    $("#toasts").append(item);
    if (!stays) setTimeout(() => item.remove(), 7000);
  }
  // Without https a page may not write to the clipboard: what is to be copied is selected then.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      toast(button.dataset.copied);
    } catch {
      getSelection().selectAllChildren($("code", button.parentElement));
    }
  });

  document.addEventListener("mqadmin:toast", (event) => {
    for (const { text, level } of event.detail.items || []) toast(text, level);
  });

  // --- Confirmation: <button data-confirm="..." data-confirm-typed="word"> --------------------------------

  const confirmed = new WeakSet();
  // Which act it is: a live part may have put another in its place while the question stood there.
  const actOf = (button) => button.isConnected && `${button.formAction} ${button.name}=${button.value}`;
  function ask(button) {
    const dialog = $("#confirm");
    const asked = actOf(button);
    const typed = $(".typed", dialog);
    const input = $("input", typed);
    const word = button.dataset.confirmTyped || "";
    $("#confirm-text").textContent = button.dataset.confirm;
    typed.hidden = !word;
    $("[data-word]", typed).textContent = word;
    input.value = "";
    const yes = $("[data-yes]", dialog);
    yes.textContent = button.textContent.trim() || button.title;
    yes.classList.toggle("btn-danger", "confirmDanger" in button.dataset);
    yes.classList.toggle("btn-primary", !("confirmDanger" in button.dataset));
    const check = () => (yes.disabled = !!word && input.value !== word);
    input.oninput = check;
    check();
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue !== "yes" || yes.disabled) return button.focus();
      if (actOf(button) !== asked) return toast(dialog.dataset.changed, "warning");
      confirmed.add(button);
      button.click();
    };
    dialog.showModal();
    (word ? input : yes).focus();
  }

  document.addEventListener(
    "click",
    (event) => {
      const denied = event.target.closest("[aria-disabled=true]");
      if (denied) {
        event.preventDefault();
        event.stopImmediatePropagation();
        if (denied.dataset.denied) toast(denied.dataset.denied, "warning");
        return;
      }
      const button = event.target.closest("button");
      if (event.detail > 1 && button?.form && button.type === "submit") {
        event.preventDefault(); // a double click acts once, also where the first click was answered by then
        event.stopImmediatePropagation();
        return;
      }
      if (!button?.dataset.confirm || confirmed.delete(button)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(button);
    },
    true,
  );

  // --- Dialogs, menus, theme --------------------------------------------------------------------------------

  function open(id) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    if (id === "keys") listPageKeys(dialog);
    dialog.showModal();
    $("input", dialog)?.select();
  }
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open(opener.dataset.open);
    }
    const dialog = event.target.closest("dialog");
    if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) {
      event.preventDefault(); // "Cancel" is a link, for where there is no dialog to close
      dialog.close();
    }
    for (const menu of $$("details[data-popup][open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-theme-form]")) return;
    event.preventDefault();
    const order = ["auto", "light", "dark"];
    mqadminTheme(order[(order.indexOf(document.documentElement.dataset.theme) + 1) % 3]);
  });

  function listPageKeys(dialog) {
    const list = $("[data-page-keys]", dialog);
    const seen = new Set(["/"]);
    list.replaceChildren();
    for (const row of $$("[data-if]", dialog)) row.hidden = !$(row.dataset.if);
    for (const element of $$("[data-key]")) {
      const key = element.dataset.key;
      if (seen.has(key)) continue;
      seen.add(key);
      const row = document.createElement("div");
      const term = row.appendChild(document.createElement("dt"));
      term.appendChild(document.createElement("kbd")).textContent = key;
      row.appendChild(document.createElement("dd")).textContent =
        element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent.trim();
      list.append(row);
    }
  }

  // --- Keys ---------------------------------------------------------------------------------------------------

  const rowTarget = (row) => $("a[href]", row) || row;
  const currentRow = () => document.activeElement?.closest?.("[data-key-row]");

  function walk(step) {
    const list = currentRow()?.closest("[data-keys-list]") || $("[data-keys-list]");
    const rows = list ? $$("[data-key-row]", list).filter((row) => row.offsetParent) : [];
    if (!rows.length) return false;
    const at = rows.indexOf(currentRow());
    const open = rows.findIndex((row) => $("[aria-current]", row)); // where one is when none has the focus
    const row = rows[at < 0 ? Math.max(0, open) : Math.min(rows.length - 1, Math.max(0, at + step))];
    const target = rowTarget(row);
    if (target === row && !row.hasAttribute("tabindex")) row.tabIndex = -1;
    target.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    row.dispatchEvent(new CustomEvent("mqadmin:row", { bubbles: true }));
    return true;
  }

  function press(key) {
    if (key === "j") return walk(1);
    if (key === "k") return walk(-1);
    if (key === "?") return open("keys"), true;
    if (key === "x") {
      const box = currentRow() && $("input[type=checkbox]", currentRow());
      if (box) return box.click(), true;
    }
    const selector = `[data-key="${CSS.escape(key)}"]`;
    const target = (currentRow() && $(selector, currentRow())) || $$(selector).find((element) => element.offsetParent);
    if (!target) return false;
    // A page may know that what the key would act on is not in sight yet.
    if (!target.dispatchEvent(new CustomEvent("mqadmin:key", { bubbles: true, cancelable: true, detail: { key } }))) return true;
    if (isTyping(target)) target.focus(), target.select?.();
    else target.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return open("find");
    }
    if (event.key === "Escape") {
      for (const menu of $$("details[data-popup][open]")) {
        menu.open = false;
        $("summary", menu).focus();
      }
      if (isTyping(document.activeElement) && !document.activeElement.closest("dialog")) document.activeElement.blur();
    }
    const dialog = $("dialog[open]");
    if (dialog && event.key === "Escape") {
      event.preventDefault(); // a search input would only empty itself
      document.activeElement.blur(); // or keys would still be typed into what is no longer seen
      return dialog.close();
    }
    if (dialog?.id === "find" && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const stops = [$("input", dialog), ...$$("[data-hit]", dialog)];
      const at = stops.indexOf(document.activeElement);
      stops[(at + (event.key === "ArrowDown" ? 1 : -1) + stops.length) % stops.length].focus();
      return;
    }
    if (dialog?.id === "find" && event.key === "Enter" && document.activeElement.matches("input")) {
      const first = $("[data-hit]", dialog);
      if (first) {
        event.preventDefault();
        first.click();
      }
      return;
    }
    if (dialog || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.repeat && event.key !== "j" && event.key !== "k") return; // a key that is held acts once
    if (event.key.length === 1 && press(event.key)) event.preventDefault();
  });

  // On a phone they scroll sideways; what is not shown there does not move.
  for (const at of ["#nav .open", "#nav [aria-current]", ".nouns [aria-current]"])
    for (const here of document.querySelectorAll(at)) here.scrollIntoView({ block: "nearest", inline: "center" });
  tick();
})();
