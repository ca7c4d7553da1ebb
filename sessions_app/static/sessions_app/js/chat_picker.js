/** A list of one's chats to choose from: search, one by one or all, more as one scrolls. */

import { ChatPages } from "./chat_pages.js";
import { h, reconcile, setText, show } from "./dom.js";
import { count, stateWord } from "./words.js";

const SEARCH_AFTER_MS = 220;
const NEW_TITLE = "New chat";
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
/** An archive has so many chats at most. */
export const MOST_CHATS = 1000;

export class ChatPicker {
  #part;
  #views = new Map();
  #chosen = new Set();
  #timer = 0;
  #isChoosing = false;
  #chosenEvery = null;
  #pages = new ChatPages(() => this.#render());

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part=${name}]`);
    this.#part("search").addEventListener("input", () => this.#searchSoon());
    this.#part("search").addEventListener("keydown", (event) => this.#searchKey(event));
    this.#part("every").addEventListener("change", () => (this.#chosenEvery = this.#chooseEvery()));
    this.#part("more").addEventListener("click", () => this.#more());
    this.#part("chats").addEventListener("change", (event) => this.#choose(event.target));
    new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && this.#goOn(), {
      root: this.#part("list"),
      rootMargin: "200px",
    }).observe(this.#part("more"));
  }

  /** Return the ids of the chosen chats, once all that are to be chosen are loaded. */
  async read() {
    await this.#chosenEvery;
    return [...this.#chosen];
  }

  /** Load the chats anew; `ids` are chosen to begin with. */
  enter(ids) {
    this.#chosen = new Set(ids);
    this.#isChoosing = false;
    this.#part("search").value = "";
    this.#part("list").scrollTop = 0;
    this.#pages.look();
  }

  /** Let go of the chosen chats that are there no more, and return how many they were. */
  async forgetDeleted() {
    clearTimeout(this.#timer);
    this.#part("search").value = "";
    await this.#pages.look();
    if (!(await this.#pages.all(Infinity))) return 0;
    const there = new Set(this.#pages.items.map(({ id }) => id));
    const gone = [...this.#chosen].filter((id) => !there.has(id));
    for (const id of gone) this.#chosen.delete(id);
    this.#render();
    return gone.length;
  }

  /** The button may go: the focus goes on with the first chat that it brought. */
  async #more() {
    const place = this.#pages.items.length;
    await this.#pages.more();
    const first = this.#part("chats").children[place]?.querySelector("input");
    (first ?? this.#part("more")).focus();
  }

  /** The end of the list is seen. After a failure the reader says when to go on. */
  #goOn() {
    if (this.#pages.phase === "ready") this.#pages.more();
  }

  #searchSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), SEARCH_AFTER_MS);
  }

  async #search() {
    clearTimeout(this.#timer);
    const text = this.#part("search").value.trim();
    if (text !== this.#pages.search) await this.#pages.look(text);
  }

  #searchKey(event) {
    const empties = event.key === "Escape" && event.target.value;
    if (event.key !== "Enter" && !empties) return;
    // Neither sends the form nor closes the dialog.
    event.preventDefault();
    if (empties) event.target.value = "";
    this.#search();
  }

  #choose({ checked, value }) {
    if (checked) this.#chosen.add(value);
    else this.#chosen.delete(value);
    this.#renderCount();
  }

  async #chooseEvery() {
    const { checked } = this.#part("every");
    this.#isChoosing = checked;
    this.#renderCount();
    // What was typed just now counts.
    await this.#search();
    const isThere = !checked || (await this.#pages.all(MOST_CHATS));
    if (checked !== this.#isChoosing) return;
    this.#isChoosing = false;
    if (isThere) this.#chooseShown(checked);
    this.#render();
    // Why not is told below the list.
    if (this.#pages.phase === "failed") this.#part("more").scrollIntoView({ block: "nearest" });
  }

  #chooseShown(checked) {
    for (const { id } of this.#pages.items.slice(0, checked ? MOST_CHATS : undefined)) {
      if (checked) this.#chosen.add(id);
      else this.#chosen.delete(id);
    }
  }

  #hasEvery() {
    const items = this.#pages.items.slice(0, MOST_CHATS);
    return items.length > 0 && items.every(({ id }) => this.#chosen.has(id));
  }

  #render() {
    const { items, phase, problem, search, hasMore } = this.#pages;
    const entries = items.map((chat) => ({ key: chat.id, chat, isChosen: this.#chosen.has(chat.id) }));
    reconcile(this.#part("chats"), this.#views, entries, chatView);
    show(this.#part("more"), hasMore || phase === "failed");
    setText(this.#part("more"), phase === "failed" ? "Try again" : "Show more");
    const nothing = search ? "No chat matches." : "No chats yet.";
    const words = { loading: "Loading…", failed: problem?.message, ready: items.length ? "" : nothing };
    setText(this.#part("listWords"), words[phase]);
    show(this.#part("listLogin"), Boolean(problem?.needsLogin));
    show(this.#part("listStatus"), Boolean(words[phase]));
    this.#renderCount();
  }

  #renderCount() {
    const every = this.#part("every");
    const hasEvery = this.#hasEvery() && (!this.#pages.hasMore || this.#pages.items.length >= MOST_CHATS);
    every.checked = hasEvery || this.#isChoosing;
    every.indeterminate = !every.checked && this.#pages.items.some(({ id }) => this.#chosen.has(id));
    every.disabled = !this.#pages.items.length;
    setText(this.#part("everyWords"), this.#pages.search ? "Select all that match" : "Select all");
    const number = this.#chosen.size;
    const most = number === MOST_CHATS ? ", the most there may be" : "";
    const words = number ? `${count(number, "chat")} selected${most}` : "None selected";
    setText(this.#part("count"), this.#isChoosing ? "Selecting…" : words);
  }
}

function chatView({ chat: { id, last_activity_at } }) {
  const field = h("input", { type: "checkbox", value: id });
  const title = h("span", { class: "pick-title", dir: "auto" });
  const state = h("span", { class: "pick-state" });
  const day = h("time", { datetime: last_activity_at }, DAY.format(new Date(last_activity_at)));
  const label = h("label", { class: "pick" }, field, title, state, day);
  return {
    node: h("li", { "data-testid": "pick-chat" }, label),
    update({ chat, isChosen }) {
      field.checked = isChosen;
      setText(title, chat.title || NEW_TITLE);
      const isOpen = chat.state === "active";
      setText(state, isOpen ? "" : stateWord(chat.state));
      show(state, !isOpen);
    },
  };
}
