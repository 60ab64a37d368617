// The editor of one letter: the cursor goes to what is wrong, or to the changes that were asked for.
(() => {
  "use strict";

  const body = document.querySelector("[data-fault-at]");
  const changes = document.getElementById("changes");
  if (body) {
    const at = Number(body.dataset.faultAt);
    body.focus();
    body.setSelectionRange(at, Math.min(at + 1, body.value.length));
    const lines = body.value.slice(0, at).split("\n").length;
    body.scrollTop = Math.max(0, (lines - 4) * parseFloat(getComputedStyle(body).lineHeight));
  } else if (changes) {
    changes.focus({ preventScroll: true });
    changes.scrollIntoView({ block: "nearest" });
  }
})();
