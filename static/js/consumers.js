// The live list of records: new ones come in by themselves, but never under the eyes of somebody who reads.
// Then they wait behind the button "12 new". Without script that button is a link, and the page stays as it is.
(() => {
  "use strict";

  const section = () => document.querySelector("[data-records]");
  let isOver = false; // the pointer is on the list

  document.addEventListener("pointerover", (event) => {
    isOver = !!event.target.closest?.("[data-records] table");
  });
  document.addEventListener("pointerleave", () => (isOver = false));

  function isReading(list) {
    if (isOver || list.getBoundingClientRect().top < 0) return true;
    if (list.contains(document.activeElement)) return true;
    const selection = getSelection();
    return !!selection && !selection.isCollapsed && list.contains(selection.anchorNode);
  }

  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.target?.id !== "records-new") return; // or an error would be asked for again and again
    const list = section();
    const button = list?.querySelector("[data-records-load]");
    if (button && !isReading(list)) button.click();
  });

  // A box that says which rows a page is about: the page counts again.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
})();
