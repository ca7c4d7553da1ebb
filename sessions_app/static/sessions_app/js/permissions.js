/** The dialog of the tools that the reader allowed for a chat or for always: to see them, and to take them back. */

import * as api from "./api.js";
import { h, setAttribute, setText, show } from "./dom.js";

const LOGGED_OUT = "You are not logged in any more.";

export class Permissions {
  #dialog;
  #part;
  #next = null;
  #loading = 0;

  /** `opener` is the control that gets the focus back. */
  constructor(dialog, opener) {
    this.#dialog = dialog;
    this.#part = (name) => dialog.querySelector(`[data-part=${name}]`);
    dialog.addEventListener("close", () => opener.focus());
    this.#part("retry").addEventListener("click", () => this.#load(true));
    this.#part("more").addEventListener("click", () => this.#more());
  }

  /** Show the dialog with what is allowed now. */
  open() {
    this.#next = null;
    this.#part("items").replaceChildren();
    this.#render();
    this.#dialog.showModal();
    this.#load();
  }

  async #load(again = false) {
    setText(this.#part("status"), "");
    if (again) this.#part("close").focus(); // the button to try again goes
    await this.#fill(api.listPermissions(), []);
  }

  async #more() {
    const before = [...this.#part("items").children];
    await this.#fill(api.nextPage(this.#next), before);
    this.#part("items").children[before.length]?.querySelector("button").focus();
  }

  /** Show what an answer has after `before`; an answer to an earlier question is dropped. */
  async #fill(asked, before) {
    const turn = ++this.#loading;
    this.#tell(null);
    show(this.#part("empty"), false);
    show(this.#part("loading"), true);
    try {
      const { results, next } = await asked;
      if (turn !== this.#loading) return;
      this.#part("items").replaceChildren(...before, ...results.map((permission) => this.#item(permission)));
      this.#next = next;
    } catch (problem) {
      if (turn !== this.#loading) return;
      this.#tell(problem, { retry: true });
    }
    show(this.#part("loading"), false);
    this.#render();
  }

  #render() {
    const isEmpty = !this.#part("items").childElementCount;
    show(this.#part("items"), !isEmpty);
    show(this.#part("more"), Boolean(this.#next));
    const isNothing = isEmpty && !this.#next && this.#part("trouble").hidden;
    show(this.#part("empty"), isNothing);
    show(this.#part("about"), !isNothing);
  }

  #tell(problem, { retry = false, what = "" } = {}) {
    show(this.#part("trouble"), Boolean(problem));
    setText(this.#part("words"), problem ? what + (problem.needsLogin ? LOGGED_OUT : problem.message) : "");
    show(this.#part("login"), Boolean(problem?.needsLogin));
    show(this.#part("retry"), Boolean(problem) && retry);
  }

  #item(permission) {
    const scope = h("span", {}, ...scopeWords(permission));
    const facts = h("p", { class: "permission-facts" }, scope, moment(permission.created_at));
    const button = h(
      "button",
      {
        type: "button",
        class: "button small",
        "data-testid": "permission-take-back",
        "aria-label": `Take back ${permission.tool_name}, ${scopeName(permission)}`,
        on: { click: () => this.#takeBack(permission, node, button) },
      },
      "Take back",
    );
    const node = h(
      "li",
      { class: "permission", "data-testid": "permission-item" },
      h("div", {}, h("code", {}, permission.tool_name), facts),
      button,
    );
    return node;
  }

  async #takeBack({ id, tool_name }, node, button) {
    if (button.hasAttribute("aria-disabled")) return;
    setAttribute(button, "aria-disabled", "true"); // one that is really disabled would lose the focus
    setText(this.#part("status"), "");
    this.#tell(null);
    try {
      await api.takeBackPermission(id);
    } catch (problem) {
      if (problem.status !== 404) {
        setAttribute(button, "aria-disabled", null);
        this.#tell(problem, { what: `${tool_name} was not taken back. ` });
        return;
      }
      // It was taken back elsewhere, or went with its chat.
    }
    this.#leave(node);
    setText(this.#part("status"), `${tool_name} was taken back.`);
  }

  /** Remove an item, and hand its focus to the one beside it. */
  #leave(node) {
    const heir = node.nextElementSibling ?? node.previousElementSibling;
    const hadFocus = node.contains(document.activeElement);
    node.remove();
    this.#render();
    if (hadFocus) (heir?.querySelector("button") ?? this.#part("close")).focus();
  }
}

function scopeName({ session_id, session_title }) {
  return session_id ? `allowed in the chat “${session_title || "New chat"}”` : "always allowed";
}

function scopeWords({ session_id, session_title }) {
  if (!session_id) return ["Always, in every chat"];
  const link = h("a", { href: `/sessions/${session_id}/`, dir: "auto" }, session_title || "New chat");
  return ["In the chat ", link];
}

function moment(stamp) {
  const words = new Date(stamp).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: stamp }, words);
}
