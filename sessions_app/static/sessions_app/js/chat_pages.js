/** The reader's chats as a value, archived ones too: page after page, those of a search. */

import { listAllSessions, nextPage } from "./api.js";

export class ChatPages {
  #changed;
  #round = 0;

  /** `changed()` is called when there is something else to show. */
  constructor(changed) {
    this.#changed = changed;
    this.search = "";
    this.#begin();
  }

  /** Whether there are more than are loaded. */
  get hasMore() {
    return Boolean(this.next);
  }

  /** Show the chats whose title has `search` in it, from the first page. */
  async look(search = "") {
    this.search = search;
    this.#begin();
    this.#changed();
    await this.#load(() => listAllSessions(search));
  }

  /** Load the page after the last one; after a failure, the one that is missing. */
  async more() {
    if (this.phase === "loading") return;
    if (this.next) await this.#load(() => nextPage(this.next));
    else if (this.phase === "failed") await this.look(this.search);
  }

  /** Load on until there are all, or `most` of them. Returns whether it went well for this search. */
  async all(most) {
    const round = this.#round;
    while (this.next && this.items.length < most && this.phase === "ready" && round === this.#round)
      await this.more();
    return this.phase === "ready" && round === this.#round;
  }

  #begin() {
    this.#round += 1;
    Object.assign(this, { items: [], next: null, phase: "loading", problem: null });
  }

  async #load(read) {
    const round = this.#round;
    this.phase = "loading";
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
