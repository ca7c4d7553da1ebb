/** The sidebar: search, groups of sessions, their menu, keyboard. */

import { h, icon, reconcile, setAttribute, setText, show } from "./dom.js";
import { moveByArrows, openBeside } from "./menus.js";
import { SessionList } from "./session_list.js";
import { editTitle } from "./title_editor.js";
import { tellProblem } from "./toasts.js";

const SEARCH_AFTER_MS = 220;
const NEW_TITLE = "New chat";

/** Return the title to show for a session. */
export const titleOf = (session) => session?.title || NEW_TITLE;

export class Sidebar {
  #views = new Map();
  #current = null;
  #actions;
  #open;
  #menuFor = null;
  #timer = 0;

  /** `open(id)` goes to a session; `actions` is a `SessionActions`. */
  constructor(root, { open, actions }) {
    const find = (name) => root.querySelector(`[data-part=${name}]`);
    this.#open = open;
    this.#actions = actions;
    this.items = find("items");
    this.search = find("search");
    this.status = find("status");
    this.archived = find("archived");
    this.more = find("more");
    this.menu = document.getElementById("session-menu");
    this.list = new SessionList(() => this.render());
    this.#listen();
  }

  #listen() {
    this.search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#choose(), SEARCH_AFTER_MS);
    });
    this.search.addEventListener("keydown", (event) => this.#searchKey(event));
    this.archived.addEventListener("click", () => {
      setAttribute(
        this.archived,
        "aria-pressed",
        String(this.archived.getAttribute("aria-pressed") !== "true"),
      );
      this.#choose();
    });
    this.more.addEventListener("click", () => this.list.more());
    this.items.addEventListener("keydown", (event) => this.#listKey(event));
    this.menu.addEventListener("click", (event) => this.#menuClick(event));
    moveByArrows(this.menu);
  }

  #choose() {
    const filter = this.archived.getAttribute("aria-pressed") === "true" ? "archived" : "active";
    this.list.choose(filter, this.search.value.trim());
  }

  /** Mark the session that is open. */
  select(id) {
    this.#current = id;
    this.render();
  }

  /** Show the list as it stands. */
  render() {
    const entries = this.list.entries().map((entry) => ({ ...entry, current: entry.key === this.#current }));
    reconcile(this.items, this.#views, entries, (entry) =>
      entry.kind === "day" ? dayView() : this.#sessionView(entry),
    );
    this.#keepOneTabStop();
    show(this.more, Boolean(this.list.next));
    setText(this.status, this.#statusText());
    show(this.status, Boolean(this.status.textContent));
    setAttribute(this.items, "data-loading", this.list.phase === "loading");
    if (this.list.phase === "failed" && this.list.problem.needsLogin) tellProblem(this.list.problem);
  }

  #statusText() {
    const { phase, items, search, filter, problem } = this.list;
    if (phase === "failed") return problem.message;
    if (phase === "loading" || items.size) return "";
    if (search) return "No chat matches.";
    return filter === "archived" ? "Nothing is archived." : "No chats yet.";
  }

  #sessionView({ session: first }) {
    let session = first;
    const title = h("span", { class: "session-title", dir: "auto" });
    const state = h("span", { class: "session-state" });
    const link = h(
      "a",
      {
        class: "session-link",
        href: `/sessions/${first.id}/`,
        "data-testid": "session-item",
        "data-session-id": first.id,
      },
      title,
      state,
    );
    const button = h(
      "button",
      { type: "button", class: "icon-button session-more", "aria-haspopup": "menu" },
      icon("more"),
    );
    const node = h("li", { class: "session" }, link, button);
    const rename = () => editTitle(link, session.title, (text) => this.#actions.rename(session.id, text));
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#open(session.id);
    });
    link.addEventListener("dblclick", rename);
    button.addEventListener("click", () => this.#openMenu(session, rename, button));
    return {
      node,
      rename,
      update(entry) {
        session = entry.session;
        setText(title, titleOf(session));
        setAttribute(link, "title", titleOf(session));
        setText(state, session.state === "stopped" ? "Stopped" : "");
        show(state, session.state === "stopped");
        setAttribute(link, "aria-current", entry.current ? "page" : null);
        setAttribute(button, "aria-label", `Menu of “${titleOf(session)}”`);
      },
    };
  }

  #openMenu(session, rename, button) {
    this.#menuFor = { session, rename };
    const fits = { archive: ["active"], restore: ["archived"], stop: ["active", "archived"] };
    for (const [verb, states] of Object.entries(fits)) {
      show(this.menu.querySelector(`[data-verb=${verb}]`), states.includes(session.state));
    }
    openBeside(this.menu, button);
  }

  #menuClick(event) {
    const verb = event.target.closest("[data-verb]")?.dataset.verb;
    if (!verb) return;
    this.menu.hidePopover();
    const { session, rename } = this.#menuFor;
    if (verb === "rename") rename();
    else this.#actions[verb](session.id, titleOf(session));
  }

  #links() {
    return [...this.items.querySelectorAll(".session-link")];
  }

  /** One stop for the Tab key, moved by the arrows: fifty links are no way to the composer. */
  #keepOneTabStop(chosen = null) {
    const links = this.#links();
    const stop =
      chosen ??
      links.find((link) => link === document.activeElement) ??
      links.find((link) => link.hasAttribute("aria-current")) ??
      links[0];
    for (const link of links) {
      setAttribute(link, "tabindex", link === stop ? "0" : "-1");
      setAttribute(link.nextElementSibling, "tabindex", link === stop ? "0" : "-1");
    }
  }

  #searchKey(event) {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      this.#links()[0]?.focus();
    } else if (event.key === "Escape" && this.search.value) {
      event.stopPropagation();
      this.search.value = "";
      this.#choose();
    }
  }

  #listKey(event) {
    const link = event.target.closest(".session-link");
    if (!link) return;
    const links = this.#links();
    const place = links.indexOf(link);
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: links.length - 1 };
    if (event.key in moves) {
      event.preventDefault();
      const target = links[moves[event.key]];
      if (target) this.#keepOneTabStop(target);
      (target ?? (event.key === "ArrowUp" ? this.search : link)).focus();
      return;
    }
    const id = link.dataset.sessionId;
    if (event.key === "F2") this.#views.get(id).rename();
    if (event.key === "Delete") this.#actions.delete(id, titleOf(this.list.items.get(id)));
  }
}

function dayView() {
  const words = h("h2", {});
  const node = h("li", { class: "session-day" }, words);
  return { node, update: (entry) => setText(words, entry.words) };
}
