/** Says over the page that the connection is lost, with a button to try now, and for a moment that it is back. */

import { connectionSentence } from "./connection_words.js";
import { setText, show } from "./dom.js";

/** Most cuts are mended before anyone needs to know of them. */
const SHOWN_AFTER_MS = 700;
const BACK_FOR_MS = 2000;
const TICK_MS = 250;
const AWAY = new Set(["reconnecting", "offline", "busy", "closed"]);

export class ConnectionNotice {
  #root;
  #words;
  #button;
  #spoken;
  #state = { name: "none" };
  #timers = {};

  /** `spoken` is an element with aria-live; `retry()` is called when the reader does not want to wait. */
  constructor(root, spoken, retry) {
    this.#root = root;
    this.#words = root.querySelector("[data-part=words]");
    this.#button = root.querySelector("[data-part=retry]");
    this.#spoken = spoken;
    this.#button.addEventListener("click", retry);
  }

  /** Show a state of the feed. */
  render(state) {
    const wasAway = this.#isAway();
    this.#state = state;
    if (this.#isAway()) this.#away(wasAway);
    else if (state.name !== "live") this.#hide();
    else if (wasAway) this.#back();
  }

  /** A lost login has a notice of its own. */
  #isAway() {
    return AWAY.has(this.#state.name) && !this.#state.problem?.needsLogin;
  }

  #away(wasAway) {
    if (!wasAway) {
      this.#stop();
      this.#timers.show = setTimeout(() => this.#appear(), SHOWN_AFTER_MS);
    } else if (!this.#root.hidden) this.#draw();
  }

  #appear() {
    this.#draw();
    show(this.#root, true);
    this.#timers.tick = setInterval(() => this.#draw(), TICK_MS);
  }

  #draw() {
    this.#root.dataset.state = this.#state.name;
    setText(this.#words, connectionSentence(this.#state));
    show(this.#button, this.#state.name !== "closed" || this.#state.problem.canRetry === true);
    // The seconds are for the eye: a screen reader is told once.
    setText(this.#spoken, connectionSentence({ ...this.#state, at: null }));
  }

  #back() {
    this.#stop();
    if (this.#root.hidden) return;
    this.#root.dataset.state = "live";
    setText(this.#words, "Connected again");
    setText(this.#spoken, "The connection is back.");
    this.#leaveFocus();
    show(this.#button, false);
    this.#timers.hide = setTimeout(() => this.#hide(), BACK_FOR_MS);
  }

  #hide() {
    this.#stop();
    this.#leaveFocus();
    show(this.#root, false);
    setText(this.#spoken, "");
  }

  /** Who pressed the button goes on from the page, not from nowhere. */
  #leaveFocus() {
    if (this.#root.contains(document.activeElement)) document.getElementById("main").focus();
  }

  #stop() {
    Object.values(this.#timers).forEach((timer) => clearTimeout(timer));
    this.#timers = {};
  }
}
