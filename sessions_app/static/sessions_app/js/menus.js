/** Menus are popovers of the browser; this puts them beside their button and moves through them by arrow. */

const EDGE_PX = 8;

/** Open `menu` beside `button`, inside the window; `data-align="start"` puts their left edges together. */
export function openBeside(menu, button) {
  menu.showPopover();
  const anchor = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + height + EDGE_PX < window.innerHeight;
  const wanted = menu.dataset.align === "start" ? anchor.left : anchor.right - width;
  const left = Math.min(wanted, window.innerWidth - width - EDGE_PX);
  menu.style.top = `${Math.max(EDGE_PX, below ? anchor.bottom + 4 : anchor.top - height - 4)}px`;
  menu.style.left = `${Math.max(EDGE_PX, left)}px`;
  controls(menu)[0]?.focus();
}

/** Make `button` open and close `menu`. */
export function attachMenu(button, menu) {
  button.setAttribute("aria-haspopup", "true");
  button.setAttribute("aria-expanded", "false");
  let open = false;
  menu.addEventListener("toggle", (event) => {
    open = event.newState === "open";
    button.setAttribute("aria-expanded", open);
  });
  let wasOpen = false;
  // A press on the button already closes an open popover; the click must not open it again.
  button.addEventListener("pointerdown", () => (wasOpen = open));
  button.addEventListener("click", () => {
    if (!wasOpen) openBeside(menu, button);
    wasOpen = false;
  });
  moveByArrows(menu);
}

/** Let the arrow keys move between the controls of `menu`. */
export function moveByArrows(menu) {
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.type === "radio") return;
    event.preventDefault();
    const all = controls(menu);
    const place = all.indexOf(document.activeElement);
    all[(place + step + all.length) % all.length]?.focus();
  });
}

function controls(menu) {
  return [...menu.querySelectorAll("a[href], button:not([disabled]), input:not([disabled])")].filter(
    (control) => control.offsetParent !== null,
  );
}
