/** Keys of the whole page. */

function isTyping(target) {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Listen; `on.search()`, `on.startNew()` and `on.escape()` are told. */
export function listenToKeys(on) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    const control = event.ctrlKey || event.metaKey;
    const plain = !control && !event.altKey;
    const finds =
      (control && event.key.toLowerCase() === "k") || (plain && event.key === "/" && !isTyping(event.target));
    // By code: on some keyboards Alt+N types another character.
    const starts = event.altKey && !control && event.code === "KeyN";
    if (finds) on.search();
    else if (starts) on.startNew();
    else if (event.key === "Escape" && !document.querySelector(":popover-open")) on.escape();
    else return;
    if (event.key !== "Escape") event.preventDefault();
  });
}
