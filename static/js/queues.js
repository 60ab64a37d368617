// The list of queues: while the pointer is over the table, or the keyboard in it, its rows keep their order.
(() => {
  "use strict";

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const table = ctx.sourceElement;
    if (table.id !== "queues-table" || !table.querySelector("tbody")?.matches(":hover, :focus-within")) return;
    const order = [...table.querySelectorAll("[data-queue]")].map((row) => row.dataset.queue).join(",");
    ctx.request.action += `${ctx.request.action.includes("?") ? "&" : "?"}hold=${order}`;
  });
})();
