/** The model picker: which model answers in this chat, or in the next new one. */

import * as api from "./api.js";
import { h, setAttribute, setText, show } from "./dom.js";
import { attachMenu } from "./menus.js";
import { sessionWords } from "./usage_words.js";

const STORAGE_KEY = "mcpchat-model";
const SEARCH_FROM = 9;

/** Return the model that new chats begin with; empty for the server's own choice. */
export function modelOfNewChats() {
  return localStorage.getItem(STORAGE_KEY) ?? "";
}

/** Forget the model of new chats: the server does not offer it any more. */
export function forgetModel() {
  localStorage.removeItem(STORAGE_KEY);
}

export class ModelPicker {
  #button;
  #menu;
  #items;
  #search;
  #spent;
  #session = null;
  #choices = [];
  #chosen = "";
  #onPick;

  /** `onPick(model)` is told what was chosen; empty stands for the server's own choice. */
  constructor(button, menu, onPick) {
    this.#button = button;
    this.#menu = menu;
    this.#onPick = onPick;
    this.#items = h("div", { class: "model-items", role: "group", "aria-label": "Models" });
    this.#search = h("input", {
      type: "search",
      class: "model-search",
      placeholder: "Search models",
      "aria-label": "Search models",
      autocomplete: "off",
      on: { input: () => this.#renderItems() },
    });
    this.#spent = h("p", { class: "menu-foot", "data-testid": "session-usage", hidden: true });
    menu.append(h("p", { class: "menu-head" }, "Model"), this.#search, this.#items, this.#spent);
    attachMenu(button, menu);
    menu.addEventListener("beforetoggle", (event) => event.newState === "open" && this.#opened());
    this.#load();
  }

  /** Show the model of a session, or that of new chats. */
  render(session) {
    this.#session = session;
    this.#chosen = session ? session.model : this.#offered(modelOfNewChats());
    const name = this.#chosen || this.#default();
    setText(this.#button.querySelector("span"), shortName(name));
    setAttribute(this.#button, "aria-label", `Model: ${name}. Choose another`);
    setAttribute(this.#button, "title", name);
    show(this.#button, Boolean(name) && session?.state !== "stopped");
  }

  #default() {
    return this.#choices.find((choice) => choice.is_default)?.name ?? "";
  }

  #offered(name) {
    return this.#choices.some((choice) => choice.name === name) ? name : "";
  }

  async #load() {
    this.#choices = await api.listModels().catch(() => this.#choices);
    this.#renderItems();
    this.#onPick(null);
  }

  #opened() {
    this.#search.value = "";
    this.#renderItems();
    this.#load();
    this.#loadSpent();
  }

  async #loadSpent() {
    const id = this.#session?.id;
    show(this.#spent, false);
    const words = id ? sessionWords(await api.readUsage(id).catch(() => ({ requests: 0 }))) : "";
    if (id !== this.#session?.id) return;
    setText(this.#spent, words);
    show(this.#spent, Boolean(words));
  }

  #renderItems() {
    show(this.#search, this.#choices.length >= SEARCH_FROM);
    const words = this.#search.value.trim().toLowerCase();
    const found = this.#choices.filter(({ name }) => name.toLowerCase().includes(words));
    this.#items.replaceChildren(...found.map((choice) => this.#item(choice)));
    if (!found.length) this.#items.append(h("p", { class: "menu-head" }, "No model is called so."));
  }

  #item({ name, provider, is_default }) {
    const isChosen = name === (this.#chosen || this.#default());
    return h(
      "button",
      {
        type: "button",
        class: "menu-item model-item",
        "data-testid": "model-item",
        "data-model": name,
        "aria-pressed": String(isChosen),
        on: { click: () => this.#pick(is_default ? "" : name) },
      },
      h("span", { class: "model-name" }, shortName(name)),
      h("span", { class: "model-facts" }, is_default ? `${provider} · default` : provider),
    );
  }

  #pick(name) {
    this.#menu.hidePopover();
    try {
      localStorage.setItem(STORAGE_KEY, name);
    } catch {
      // Without storage new chats begin with the server's own choice.
    }
    this.#onPick(name);
  }
}

function shortName(name) {
  return name.includes(":") ? name.slice(name.indexOf(":") + 1) : name;
}
