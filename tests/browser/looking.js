// What is wrong with how a page lies there, at the width that it has now: a list of sentences.
() => {
  const wrong = [];
  const page = document.scrollingElement;
  const name = (element) =>
    element.tagName.toLowerCase() +
    (element.id ? `#${element.id}` : "") +
    (typeof element.className === "string" && element.className ? `.${element.className.trim().split(/\s+/).join(".")}` : "");
  const trail = (element) => [element.parentElement, element].filter(Boolean).map(name).join(" > ");
  const styles = new Map();
  const style = (element) => {
    if (!styles.has(element)) styles.set(element, getComputedStyle(element));
    return styles.get(element);
  };
  // Scrolls by itself, or says with an ellipsis that there is more.
  const cutsOnPurpose = (element) => {
    const { overflowX, textOverflow, webkitLineClamp, display } = style(element);
    if (overflowX === "auto" || overflowX === "scroll") return true;
    return overflowX !== "visible" && ((textOverflow === "ellipsis" && !display.includes("flex")) || webkitLineClamp !== "none");
  };
  const hidden = (element) => element.closest(".visually-hidden, .skip, [hidden], dialog:not([open])");

  if (page.scrollWidth > page.clientWidth) wrong.push(`the page is ${page.scrollWidth - page.clientWidth} px too wide`);
  for (const element of document.querySelectorAll("main *, .side *, dialog[open] *")) {
    if (element.closest("svg") && element.tagName !== "svg") continue;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || hidden(element)) continue;
    let within = element.parentElement;
    while (within && within !== page && !within.matches(".card, td, th, .tile, .side") && !cutsOnPurpose(within)) {
      within = within.parentElement;
    }
    if (!within || cutsOnPurpose(within)) continue;
    const limit = within === page ? page.clientWidth : within.getBoundingClientRect().right;
    const isAbove = style(element).position === "absolute" || element.closest(".menu-list, .broker-menu ul, .offers");
    if (box.right > limit + 1.5 && !isAbove) {
      wrong.push(`${trail(element)} stands ${Math.round(box.right - limit)} px outside ${name(within)}`);
    }
  }
  // Text that runs out of its cell is no element of its own.
  for (const cell of document.querySelectorAll("td, th, .tile, .card, dd, dt, .btn, .pill, h1, h2")) {
    if (hidden(cell) || cutsOnPurpose(cell) || !cell.getClientRects().length) continue;
    if (cell.scrollWidth > cell.clientWidth + 1 && style(cell).display !== "inline") {
      wrong.push(`${trail(cell)} holds ${cell.scrollWidth - cell.clientWidth} px more than it shows`);
    }
  }
  return [...new Set(wrong)].slice(0, 12);
}
