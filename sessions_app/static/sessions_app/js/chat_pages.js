/** The reader's chats as a value, archived ones too: page after page, those of a search. */

import { listAllSessions, nextPage } from "./api.js";

export class ChatPages {
  #changed;
  #round = 0;
  #loading = null;

  /** `changed()` is called when there is something else to show. */
  constructor(changed) {
    this.#changed = changed;
    this.search = "";
    this.#begin("ready");
  }

  /** Whether there are more than are loaded. */
  get hasMore() {
    return Boolean(this.next);
  }

  /** Show the chats whose title has `search` in it, from the first page. */
  async look(search = "") {
    this.search = search;
    this.#begin("loading");
    this.#changed();
    await this.#load(() => listAllSessions(search));
  }

  /** Load the page after the last one; after a failure, the one that is missing. Waits for one that is under way. */
  async more() {
    if (this.phase === "loading") await this.#loading;
    else if (this.next) await this.#load(() => nextPage(this.next));
    else if (this.phase === "failed") await this.look(this.search);
  }

  /** Load on until there are all, or `most` of them. Returns whether it went well for this search. */
  async all(most) {
    const round = this.#round;
    const isOn = () => this.phase === "loading" || (this.phase === "ready" && this.#lacks(most));
    while (round === this.#round && isOn()) await this.more();
    return this.phase === "ready" && round === this.#round;
  }

  #lacks(most) {
    return this.hasMore && this.items.length < most;
  }

  #begin(phase) {
    this.#round += 1;
    Object.assign(this, { items: [], next: null, phase, problem: null });
  }

  #load(read) {
    this.phase = "loading";
    this.#loading = this.#loaded(read);
    return this.#loading;
  }

  async #loaded(read) {
    const round = this.#round;
    try {
      const page = await read();
      if (round !== this.#round) return;
      // A chat that was talked in meanwhile moves between pages.
      const known = new Set(this.items.map(({ id }) => id));
      this.items = [...this.items, ...page.results.filter(({ id }) => !known.has(id))];
      Object.assign(this, { next: page.next, phase: "ready", problem: null });
    } catch (problem) {
      if (round !== this.#round) return;
      Object.assign(this, { phase: "failed", problem });
    }
    this.#changed();
  }
}
