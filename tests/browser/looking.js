// What is wrong with how a page lies there, at the width that it has now: a list of sentences.
// Styles are asked for only where something may be wrong: it runs at forty widths of each page.
() => {
  const wrong = [];
  const page = document.scrollingElement;
  const name = (element) =>
    element.tagName.toLowerCase() +
    (element.id ? `#${element.id}` : "") +
    (typeof element.className === "string" && element.className ? `.${element.className.trim().split(/\s+/).join(".")}` : "");
  const trail = (element) => [element.parentElement, element].filter(Boolean).map(name).join(" > ");
  // Scrolls by itself, or says with an ellipsis that there is more.
  const cutsOnPurpose = (element) => {
    const { overflowX, textOverflow, webkitLineClamp, display } = getComputedStyle(element);
    if (overflowX === "auto" || overflowX === "scroll") return true;
    return overflowX !== "visible" && ((textOverflow === "ellipsis" && !display.includes("flex")) || webkitLineClamp !== "none");
  };
  const HIDDEN = ".visually-hidden, .skip, [hidden], dialog:not([open])";
  const BOX = ".card, td, th, .tile, .side";

  // Whether something between an element and the box that it stands in cuts it on purpose, the box included.
  const isCut = (element, box) => {
    for (let within = element.parentElement; within; within = within.parentElement) {
      if (cutsOnPurpose(within)) return true;
      if (within === box) return false;
    }
    return true;
  };
  const look = (parent, box, limit) => {
    for (const element of parent.children) {
      if (element.matches(HIDDEN)) continue;
      const rect = element.getBoundingClientRect();
      if (rect.width && rect.height && rect.right > limit + 1.5 && !isCut(element, box)) {
        const isAbove =
          getComputedStyle(element).position === "absolute" || element.closest(".menu-list, .broker-menu ul, .offers");
        if (!isAbove) wrong.push(`${trail(element)} stands ${Math.round(rect.right - limit)} px outside ${name(box)}`);
      }
      if (element.tagName === "svg") continue;
      if (element.matches(BOX)) look(element, element, rect.right);
      else look(element, box, limit);
    }
  };

  if (page.scrollWidth > page.clientWidth) wrong.push(`the page is ${page.scrollWidth - page.clientWidth} px too wide`);
  for (const root of document.querySelectorAll("main, .side, dialog[open]")) {
    if (root.parentElement.closest("main, .side, dialog")) continue;
    const box = root.matches(BOX) ? root : page;
    look(root, box, box === page ? page.clientWidth : box.getBoundingClientRect().right);
  }
  // Text that runs out of its cell is no element of its own.
  for (const cell of document.querySelectorAll("td, th, .tile, .card, dd, dt, .btn, .pill, h1, h2")) {
    if (cell.scrollWidth <= cell.clientWidth + 1) continue;
    if (cell.closest(HIDDEN) || cutsOnPurpose(cell) || !cell.getClientRects().length) continue;
    if (getComputedStyle(cell).display !== "inline") {
      wrong.push(`${trail(cell)} holds ${cell.scrollWidth - cell.clientWidth} px more than it shows`);
    }
  }
  return [...new Set(wrong)].slice(0, 12);
}
