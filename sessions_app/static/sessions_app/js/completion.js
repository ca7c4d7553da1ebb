/** The list above the composer that completes what is being written: a combobox with its listbox. */

import { h, setAttribute, show } from "./dom.js";
import { placeOf, prepare, suggestions } from "./completion_sources.js";

export class Completion {
  #field;
  #list;
  #on;
  #found = null;
  #options = [];
  #active = -1;
  #look = 0;
  #dismissed = null;

  /** `on.put(from, to, text)` changes the field; `on.prompt(prompt, from, to)` has a prompt written. */
  constructor(field, list, on) {
    this.#field = field;
    this.#list = list;
    this.#on = on;
    field.addEventListener("focus", prepare, { once: true });
    field.addEventListener("input", () => this.update());
    field.addEventListener("click", () => this.update());
    field.addEventListener("keyup", ({ key }) => MOVES.has(key) && this.update());
    field.addEventListener("blur", () => this.shut());
    // The field keeps the focus, and a phone its keyboard.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => this.#click(event));
  }

  get isOpen() {
    return !this.#list.hidden;
  }

  /** Show what fits the text at the cursor. */
  async update() {
    const look = ++this.#look;
    const { value, selectionStart, selectionEnd } = this.#field;
    const place = selectionStart === selectionEnd ? placeOf(value, selectionStart) : null;
    if (!place) this.#dismissed = null;
    if (!place || this.#dismissed === `${place.kind} ${place.from}`) return this.shut();
    // What is shown while more is loaded must still be for this place.
    if (this.#found && !isSamePlace(place, this.#found)) this.#close();
    const found = await suggestions(value, selectionStart);
    if (look !== this.#look || document.activeElement !== this.#field) return;
    const isSame = this.#field.value === value && this.#field.selectionStart === selectionStart;
    if (isSame && found.groups.length) this.#open(found);
    else this.shut();
  }

  /** Close the list. */
  shut() {
    this.#look += 1;
    this.#close();
  }

  #close() {
    this.#found = null;
    this.#options = [];
    this.#activate(-1);
    show(this.#list, false);
    this.#field.setAttribute("aria-expanded", "false");
  }

  /** Take a key of the field; true if it was for the list. */
  key(event) {
    if (!this.isOpen || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Escape") this.#dismiss();
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) return this.#enter(event);
    else return false;
    event.preventDefault();
    return true;
  }

  /** What is written out whole is sent by Enter, not completed once more. */
  #enter(event) {
    const entry = this.#options[this.#active]?.entry;
    const { value, selectionStart } = this.#field;
    const { from, to } = placeOf(value, selectionStart) ?? this.#found;
    const written = value.slice(from, to);
    if (!entry || (event.key === "Enter" && entry.insert?.trim() === written)) {
      this.shut();
      return false;
    }
    event.preventDefault();
    this.#take(entry);
    return true;
  }

  #open(found) {
    this.#found = found;
    this.#options = [];
    this.#list.replaceChildren(...found.groups.map((group, number) => this.#group(group, number)));
    show(this.#list, true);
    this.#list.scrollTop = 0;
    this.#field.setAttribute("aria-expanded", "true");
    this.#activate(0);
  }

  #group({ title, entries }, number) {
    const head = h("div", { class: "completion-head", id: `completion-head-${number}`, role: "presentation" }, title);
    const options = entries.map((entry) => this.#option(entry));
    return h("div", { role: "group", "aria-labelledby": head.id }, head, ...options);
  }

  #option(entry) {
    const node = h(
      "div",
      {
        class: "completion-option",
        role: "option",
        id: `completion-${this.#options.length}`,
        "data-testid": "completion-option",
        "aria-selected": "false",
      },
      h(
        "span",
        { class: "completion-label", dir: "ltr" },
        entry.label,
        entry.usage ? h("span", { class: "completion-usage" }, entry.usage) : null,
      ),
      h("span", { class: "completion-detail", dir: "auto" }, entry.detail),
    );
    this.#options.push({ node, entry });
    return node;
  }

  #move(step) {
    const count = this.#options.length;
    this.#activate((this.#active + step + count) % count);
    this.#options[this.#active].node.scrollIntoView({ block: "nearest" });
  }

  #activate(place) {
    this.#options[this.#active]?.node.setAttribute("aria-selected", "false");
    this.#active = place;
    const node = this.#options[place]?.node;
    node?.setAttribute("aria-selected", "true");
    setAttribute(this.#field, "aria-activedescendant", node?.id);
  }

  #dismiss() {
    this.#dismissed = `${this.#found.kind} ${this.#found.from}`;
    this.shut();
  }

  #click(event) {
    const node = event.target.closest("[role=option]");
    const option = this.#options.find((one) => one.node === node);
    if (option) this.#take(option.entry);
  }

  #take(entry) {
    const { value, selectionStart } = this.#field;
    const place = placeOf(value, selectionStart);
    const { from, to } = place && isSamePlace(place, this.#found) ? place : this.#found;
    this.shut();
    if (entry.prompt) return this.#on.prompt(entry.prompt, from, to);
    this.#on.put(from, to, entry.insert);
    if (entry.more) this.update();
  }
}

function isSamePlace(one, other) {
  return one.kind === other.kind && one.from === other.from;
}

const MOVES = new Set(["ArrowLeft", "ArrowRight", "Home", "End"]);
