/** The sessions of the sidebar as a value: pages from the server, changes of this page, groups by day. */

import { listSessions, nextPage } from "./api.js";
import { dayWord } from "./words.js";

export class SessionList {
  #changed;
  #round = 0;

  /** `changed()` is called when there is something else to show. */
  constructor(changed) {
    this.#changed = changed;
    this.items = new Map();
    this.next = null;
    this.filter = "active";
    this.search = "";
    this.phase = "loading";
    this.problem = null;
  }

  /** Load the first page anew. */
  async refresh() {
    this.#round += 1;
    await this.#load(
      () => listSessions(this.filter, this.search),
      this.#round,
      () => new Map(),
    );
  }

  /** Load the page after the last. */
  async more() {
    if (!this.next) return;
    await this.#load(
      () => nextPage(this.next),
      this.#round,
      () => new Map(this.items),
    );
  }

  async #load(read, round, base) {
    try {
      const page = await read();
      if (round !== this.#round) return;
      this.items = base();
      page.results.forEach((session) => this.items.set(session.id, session));
      this.next = page.next;
      this.phase = "ready";
    } catch (problem) {
      if (round !== this.#round) return;
      this.problem = problem;
      this.phase = this.items.size ? "ready" : "failed";
    }
    this.#changed();
  }

  /** Show other sessions: `filter` is active or archived. */
  choose(filter, search) {
    if (filter !== this.filter) this.items = new Map();
    Object.assign(this, { filter, search, phase: this.items.size ? "ready" : "loading" });
    this.#changed();
    return this.refresh();
  }

  /** Take in a session that was just made. */
  add(session) {
    if (this.filter !== "active" || this.search) return;
    this.items = new Map(this.items).set(session.id, session);
    this.#changed();
  }

  /** Take in a change of a session; null when it is gone. */
  change(id, change) {
    const known = this.items.get(id);
    if (!known && change?.state === this.filter) this.refresh();
    if (!known) return;
    const items = new Map(this.items);
    const leaves =
      !change || (change.state && (change.state === "archived") !== (this.filter === "archived"));
    if (leaves) items.delete(id);
    else items.set(id, { ...known, ...change });
    this.items = items;
    this.#changed();
  }

  /** Return entries for the page: headings of days and sessions, newest first. */
  entries() {
    const sessions = [...this.items.values()].sort((one, other) =>
      one.last_activity_at < other.last_activity_at ? 1 : -1,
    );
    let day = "";
    return sessions.flatMap((session) => {
      const heading = dayWord(new Date(session.last_activity_at));
      const entry = { key: session.id, kind: "session", session };
      if (heading === day) return [entry];
      day = heading;
      return [{ key: `day-${day}`, kind: "day", words: day }, entry];
    });
  }
}
