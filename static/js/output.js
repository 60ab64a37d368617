// What a process prints, as it comes: each look asks for what is new since the last byte that is shown.
// Who reads further up stays where he is; at the end the newest line stays in sight.
(() => {
  "use strict";

  const MOST = 1_000_000; // characters kept in the page: the file has all of it
  const text = () => document.getElementById("output-text");

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.id === "output-more") ctx.request.action += `?since=${text().dataset.position}`;
  });

  document.addEventListener("htmx:after:swap", () => {
    const place = text();
    const news = document.querySelector("#output-more [data-from]");
    // Two looks at once bring the same lines: only what follows on what is shown counts.
    if (!news || news.dataset.from !== place.dataset.position) return;
    const isAtEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
    place.dataset.position = news.dataset.to;
    if (!news.textContent) return;
    document.getElementById("output-none")?.remove();
    place.append(...news.childNodes);
    if (place.textContent.length > MOST) place.textContent = place.textContent.slice(-MOST / 2).replace(/^.*\n/, "");
    if (isAtEnd) place.scrollTop = place.scrollHeight;
  });

  addEventListener("DOMContentLoaded", () => (text().scrollTop = text().scrollHeight));
})();
