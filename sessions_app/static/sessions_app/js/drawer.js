/** On a narrow screen the sidebar is a drawer: shut it cannot be reached, open it holds the focus. */

const NARROW = matchMedia("(max-width: 800px)");

export class Drawer {
  #sidebar;
  #rest;
  #button;
  #backdrop;

  constructor({ sidebar, rest, button, backdrop }) {
    this.#sidebar = sidebar;
    this.#rest = rest;
    this.#button = button;
    this.#backdrop = backdrop;
    button.addEventListener("click", () => this.open());
    backdrop.addEventListener("click", () => this.shut());
    sidebar.querySelector("[data-part=close]").addEventListener("click", () => this.shut());
    NARROW.addEventListener("change", () => this.#set(false));
    this.#set(false);
  }

  /** Whether the drawer covers the page. */
  get isOpen() {
    return NARROW.matches && this.#sidebar.classList.contains("open");
  }

  /** Open the drawer; on a wide screen the sidebar is there anyway. */
  open() {
    this.#set(true);
    if (NARROW.matches) this.#sidebar.querySelector("[data-part=close]").focus();
  }

  /** Shut the drawer and go back to its button. */
  shut() {
    const wasOpen = this.isOpen;
    this.#set(false);
    if (wasOpen) this.#button.focus();
  }

  #set(open) {
    const covers = open && NARROW.matches;
    this.#sidebar.classList.toggle("open", covers);
    this.#sidebar.inert = NARROW.matches && !open;
    this.#rest.forEach((element) => (element.inert = covers));
    this.#backdrop.hidden = !covers;
    this.#button.setAttribute("aria-expanded", covers);
  }
}
