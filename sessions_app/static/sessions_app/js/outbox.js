/**
 * Messages on their way to the server, in order. What cannot be sent now is sent later, by itself, and
 * stays through a reload of the page; each has a key by which the server takes it once.
 */

import * as api from "./api.js";
import { Backoff } from "./backoff.js";
import { beginChat } from "./new_chat.js";

const STORAGE_KEY = "mcpchat-outbox";
const PACE = { first: 2000, longest: 30_000 };

export class Outbox {
  #on;
  #entries = stored();
  #backoff = new Backoff(() => this.#run());
  #running = false;
  #attempt = null;

  /**
   * An entry is `{key, session, content, error}`; `session` is null until a new chat has begun for it.
   * `on.begun(created)` tells of that chat, `on.sent(entry, message)`, `on.refused(entry, problem)` and
   * `on.waiting(entry, problem)` of the entry's fate.
   */
  constructor(on) {
    this.#on = on;
  }

  /** Return the entries of a session; null stands for the new chat. */
  of(session) {
    return this.#entries.filter((entry) => entry.session === session);
  }

  /** Take a message and return its entry; `send()` sends it. */
  add(session, content) {
    const entry = { key: api.newKey(), session, content, error: null };
    this.#entries.push(entry);
    this.#keep();
    return entry;
  }

  /** Send what is here, now; without effect on what is just being sent. */
  send() {
    this.#backoff.cancel();
    if (!this.#running) this.#run();
  }

  /** Send anew what may have been under way when the connection broke. */
  sendAgain() {
    this.#attempt?.abort();
    this.#backoff.reset();
    this.send();
  }

  /** Take an entry out. */
  remove({ key }) {
    if (this.#entries[0]?.key === key) this.#attempt?.abort();
    this.#entries = this.#entries.filter((entry) => entry.key !== key);
    this.#keep();
  }

  async #run() {
    this.#running = true;
    while (this.#entries.length && (await this.#deliver(this.#entries[0])));
    this.#running = false;
  }

  /** Send one entry; false if it has to wait, and all behind it too. */
  async #deliver(entry) {
    const attempt = new AbortController();
    this.#attempt = attempt;
    try {
      if (entry.session === null) await this.#begin(entry);
      const message = await api.postMessage(entry.session, entry.content, entry.key, attempt.signal);
      this.#settle(entry);
      this.#backoff.reset();
      this.#on.sent(entry, message);
      return true;
    } catch (problem) {
      return attempt.signal.aborted || this.#failed(entry, problem);
    }
  }

  /** Start the chat that this entry begins; what was written behind it goes there too. */
  async #begin({ key }) {
    const created = await beginChat(key);
    for (const entry of this.of(null)) entry.session = created.id;
    this.#keep();
    this.#on.begun(created);
  }

  #failed(entry, problem) {
    if (!problem.mayPass && !problem.needsLogin) {
      this.#settle(entry);
      this.#on.refused(entry, problem);
      return true;
    }
    for (const waiting of this.#entries) {
      waiting.error = problem.needsLogin
        ? "Not sent: you are not logged in."
        : `Not sent yet. ${problem.message} It will go out by itself.`;
      this.#on.waiting(waiting, problem);
    }
    if (problem.mayPass) this.#backoff.wait(PACE);
    return false;
  }

  #settle(entry) {
    this.#attempt = null;
    this.remove(entry);
  }

  #keep() {
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify(this.#entries));
    } catch {
      // Without storage they live as long as the page.
    }
  }
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY)) ?? [];
  } catch {
    return [];
  }
}
