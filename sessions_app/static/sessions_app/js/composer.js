/** The composer: a growing field, Enter sends, what cannot be sent stays. */

import { Completion } from "./completion.js";
import { characters } from "./drafts.js";
import { setAttribute, setText, show } from "./dom.js";

const MOST_CHARACTERS = 32_000;
const COUNT_FROM = 28_000;
const DRAFT_KEY = "mcpchat-draft-";

export class Composer {
  #form;
  #parts;
  #on;
  #id = null;
  #enabled = true;
  #isEntered = false;
  #completion;

  /**
   * `on.send(text)`, `on.stop()`, `on.restore()` and `on.startNew()` are told what the reader wants;
   * `on.prompt(prompt, put)` has a server's prompt written and gives its text to `put`.
   */
  constructor(form, on) {
    const find = (name) => form.querySelector(`[data-part=${name}]`);
    this.#form = form;
    this.#on = on;
    this.field = find("field");
    this.#parts = Object.fromEntries(
      ["send", "stop", "count", "error", "reason", "reasonText", "restore", "startNew", "box"].map(
        (name) => [name, find(name)],
      ),
    );
    this.#completion = new Completion(this.field, find("completion"), {
      put: (from, to, text) => this.replace(from, to, text),
      prompt: (prompt, from, to) => this.#askFor(prompt, this.field.value.slice(from, to)),
    });
    this.#listen();
  }

  #listen() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.#parts.stop.addEventListener("click", () => this.#on.stop());
    this.#parts.restore.addEventListener("click", () => this.#on.restore());
    this.#parts.startNew.addEventListener("click", () => this.#on.startNew());
    this.#parts.box.addEventListener(
      "click",
      (event) => event.target === this.#parts.box && this.field.focus(),
    );
  }

  #key(event) {
    if (this.#completion.key(event)) return;
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!sends) return;
    event.preventDefault();
    this.submit();
  }

  /** Send what is in the field, if it can be sent. */
  submit() {
    const text = this.field.value.trim();
    if (!this.#enabled || !text || characters(text) > MOST_CHARACTERS) return;
    this.#put("");
    this.#on.send(text);
  }

  /** Put text into the field and the cursor behind it. */
  fill(text) {
    this.#put(text);
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  /** Put text in the place of what stands from one character to another, and the cursor behind it. */
  replace(from, to, text) {
    const isApart = text.endsWith(" ") && this.field.value[to] === " ";
    this.field.focus();
    this.field.setRangeText(isApart ? text.trimEnd() : text, from, to, "end");
    this.#changed();
    this.field.scrollTop = this.field.scrollHeight;
  }

  /** Put the text of a prompt in the place of its name; if that is gone, behind what was written. */
  #askFor(prompt, name) {
    this.#on.prompt(prompt, (text) => {
      const { value } = this.field;
      if (value.startsWith(name)) this.replace(0, name.length, text);
      else this.replace(value.length, value.length, text);
    });
  }

  /** Give back a text that was not sent, with the reason; what was typed since stays behind it. */
  giveBack(text, reason = "") {
    const typed = this.field.value;
    this.fill(typed ? `${text}\n${typed}` : text);
    this.#complain(reason);
  }

  /**
   * Go to the composer of another session: every session keeps its own unsent text.
   * What was typed before the scripts were there stays.
   */
  enter(id) {
    const early = this.#isEntered ? "" : this.field.value;
    this.#isEntered = true;
    this.#id = id;
    this.#put(readDraft(id) || early);
  }

  /** Let what was typed go along to the session that the new chat has become. */
  moveTo(id) {
    const typed = this.field.value;
    this.#put("");
    giveBackTo(id, typed);
  }

  #put(text) {
    this.#completion.shut();
    this.field.value = text;
    this.#changed();
  }

  #changed() {
    const text = this.field.value;
    const near = text.length > COUNT_FROM;
    const length = near ? characters(text.trim()) : 0;
    show(this.#parts.count, near);
    setText(this.#parts.count, `${length.toLocaleString()} / ${MOST_CHARACTERS.toLocaleString()}`);
    this.#complain(
      length > MOST_CHARACTERS
        ? `Too long by ${(length - MOST_CHARACTERS).toLocaleString()} characters.`
        : "",
    );
    setAttribute(this.#parts.send, "disabled", !text.trim() || length > MOST_CHARACTERS || !this.#enabled);
    this.#grow();
    keepDraft(this.#id, text);
  }

  #complain(reason) {
    setText(this.#parts.error, reason);
    show(this.#parts.error, Boolean(reason));
    setAttribute(this.field, "aria-invalid", Boolean(reason) && "true");
  }

  /** The style sheet bounds the height; without text the field is one line. */
  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }

  /** Show what the chat allows: `state` as in `store.js`, `phase` of the conversation. */
  render({ state, phase }) {
    const name = state.session?.state ?? "active";
    this.#enabled = phase !== "failed" && phase !== "loading" && name === "active";
    show(this.#parts.reason, name !== "active");
    show(this.#parts.restore, name === "archived");
    show(this.#parts.startNew, name === "stopped");
    setText(this.#parts.reasonText, REASONS[name]);
    show(this.#parts.box, name === "active");
    setAttribute(this.field, "disabled", !this.#enabled && phase !== "loading");
    setAttribute(
      this.#parts.send,
      "disabled",
      !this.#enabled || !this.field.value.trim() || this.#isTooLong(),
    );
    show(this.#parts.stop, Boolean(state.turn));
    setAttribute(this.#parts.stop, "disabled", state.stopping);
  }

  #isTooLong() {
    return this.field.value.length > MOST_CHARACTERS && characters(this.field.value.trim()) > MOST_CHARACTERS;
  }
}

const REASONS = {
  archived: "This chat is archived. Restore it to go on.",
  stopped: "This chat was stopped. What was said stays readable.",
};

/** Add a text to what another session's composer will hold. */
export function giveBackTo(id, text) {
  keepDraft(id, [text, readDraft(id)].filter(Boolean).join("\n"));
}

function readDraft(id) {
  try {
    return sessionStorage.getItem(DRAFT_KEY + (id ?? "new")) ?? "";
  } catch {
    return "";
  }
}

function keepDraft(id, text) {
  try {
    if (text) sessionStorage.setItem(DRAFT_KEY + (id ?? "new"), text);
    else sessionStorage.removeItem(DRAFT_KEY + (id ?? "new"));
  } catch {
    // Without storage the text lives as long as the page.
  }
}
