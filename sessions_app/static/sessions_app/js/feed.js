/**
 * A live feed over a websocket: of one session, or of the whole installation for staff.
 *
 * Durable events are handed on in order of `seq`, none missing, none twice, over any number of
 * connections. A lost connection is taken up again where it was; when the server cannot go on from there,
 * or something is missing all the same, the snapshot is loaded again.
 */

import { Backoff } from "./backoff.js";

const PING_EVERY_MS = 20_000;
const ANSWER_WITHIN_MS = 10_000;
const ANSWER_WITHIN_AFTER_SLEEP_MS = 3000;
/** A connection that ends sooner than this after it was ready counts as a failed try. */
const STEADY_AFTER_MS = 2000;

const AT_ONCE = { first: 0, longest: 0 };
const SOON = { first: 250, longest: 15_000 };
const SLOWLY = { first: 20_000, longest: 60_000 };

const BAD_PLACE = 4400;
const TOO_SLOW = 4408;
const TOO_MANY = 4429;
const FINAL = {
  4400: { message: "The server does not know where this page stands.", canRetry: true },
  4401: { message: "You are not logged in any more.", needsLogin: true },
  4403: { message: "The server refuses this page." },
  4404: { message: "This chat does not exist, or it is not yours." },
};

export class Feed {
  #address;
  #load;
  #on;
  #backoff = new Backoff(() => this.#connect());
  #socket = null;
  #timers = {};
  #round = 0;
  #placeRefused = false;
  #at = null;
  #trouble = {};

  /**
   * `address(after)` returns the URL and `load()` the snapshot, or throws a `Problem`; a feed without
   * durable events has no `load`. `on.snapshot(snapshot)`, `on.events(list)`, `on.error(payload)` and
   * `on.state(state)` are told what happens. A state has a `name`:
   *
   * - connecting: for the first time;
   * - live: `regained` if it was lost before;
   * - reconnecting, offline (the browser knows no network), busy (too many sockets of this user): lost;
   *   tries again `at` a moment in milliseconds since 1970, or does just now (null); `attempt` counts;
   *   `message` says what is wrong if that is more than a lost connection;
   * - closed: for good, with its `problem`: `{message, needsLogin, canRetry}`.
   */
  constructor({ address, load = null, on }) {
    this.#address = address;
    this.#load = load;
    this.#on = on;
    this.after = null;
    this.ready = false;
  }

  /** Connect, and stay connected until `close()`. */
  open() {
    for (const type of ["online", "offline"]) window.addEventListener(type, this.#look);
    document.addEventListener("visibilitychange", this.#look);
    this.#drop();
    this.#connect();
  }

  /** End without a word to anyone. */
  close() {
    for (const type of ["online", "offline"]) window.removeEventListener(type, this.#look);
    document.removeEventListener("visibilitychange", this.#look);
    this.#backoff.reset();
    this.#drop();
  }

  /** End and tell why. */
  end(problem) {
    this.close();
    this.after = null;
    this.#on.state({ name: "closed", problem });
  }

  /** Try now, whatever was planned and also after the end. */
  retry() {
    if (!this.ready) this.open();
  }

  /** Load the snapshot and go on from there: what came does not follow from what was there. */
  reset() {
    if (!this.#socket) return;
    this.after = null;
    this.#lost(this.#backoff.failures ? SOON : AT_ONCE);
  }

  async #connect() {
    const round = (this.#round += 1);
    this.#backoff.cancel();
    this.#at = null;
    this.#tell();
    if (this.#load && this.after === null && !(await this.#loaded(round))) return;
    const socket = new WebSocket(this.#address(this.after));
    this.#socket = socket;
    this.#expectAnswer(ANSWER_WITHIN_MS);
    const ifCurrent = (listener) => (event) => socket === this.#socket && listener(event);
    socket.onopen = ifCurrent(() => {
      this.#timers.ping = setInterval(() => this.#ping(ANSWER_WITHIN_MS), PING_EVERY_MS);
    });
    socket.onmessage = ifCurrent((event) => this.#take(event.data));
    socket.onclose = ifCurrent((event) => this.#closed(event.code));
  }

  async #loaded(round) {
    try {
      const snapshot = await this.#load();
      if (round !== this.#round) return false;
      this.after = snapshot.last_seq;
      this.#on.snapshot(snapshot);
      return true;
    } catch (problem) {
      if (round !== this.#round) return false;
      const message = problem.status ? problem.message : undefined;
      if (problem.mayPass) this.#lost(SOON, { message });
      else this.end(problem);
      return false;
    }
  }

  #ping(answerWithin) {
    this.#socket.send('{"type":"ping"}');
    this.#expectAnswer(answerWithin);
  }

  #expectAnswer(within) {
    clearTimeout(this.#timers.answer);
    this.#timers.answer = setTimeout(() => this.#lost(), within);
  }

  /** Hand on what is new in a frame, up to where something is missing. */
  #take(text) {
    clearTimeout(this.#timers.answer);
    const socket = this.#socket;
    let fresh = [];
    const flush = () => {
      if (fresh.length) this.#on.events(fresh);
      fresh = [];
    };
    for (const event of decode(text)) {
      if (socket !== this.#socket) return;
      const place = this.#placeOf(event);
      if (place === "next") fresh.push(event);
      if (place === "control" || place === "gap") flush();
      if (place === "control") this.#control(event);
      if (place === "gap") this.reset();
    }
    if (socket === this.#socket) flush();
  }

  #placeOf({ kind, seq }) {
    if (String(kind).startsWith("feed.")) return "control";
    if (seq === undefined || seq === null) return "next";
    if (seq <= this.after) return "seen";
    if (seq !== this.after + 1) return "gap";
    this.after = seq;
    return "next";
  }

  #control({ kind, payload }) {
    if (kind === "feed.ready") this.#isReady();
    else if (kind === "feed.reset") this.reset();
    else if (kind === "feed.error") this.#on.error(payload);
  }

  #isReady() {
    this.ready = true;
    this.#placeRefused = false;
    this.#timers.steady = setTimeout(() => this.#backoff.reset(), STEADY_AFTER_MS);
    this.#on.state({ name: "live", regained: this.#backoff.failures > 0 });
  }

  #closed(code) {
    if (code === BAD_PLACE && !this.#placeRefused) {
      this.#placeRefused = true;
      return this.reset();
    }
    if (FINAL[code]) return this.end(FINAL[code]);
    if (code === TOO_MANY) return this.#lost(SLOWLY, { name: "busy" });
    return this.#lost(code === TOO_SLOW && this.ready ? AT_ONCE : SOON);
  }

  #lost(pace = SOON, trouble = {}) {
    this.#drop();
    this.#trouble = trouble;
    this.#at = this.#backoff.wait(pace);
    this.#tell();
  }

  /** The network came or went, or the page is looked at again and the computer may have slept. */
  #look = ({ type }) => {
    if (type === "visibilitychange" && document.hidden) return;
    if (this.#backoff.isWaiting && type === "offline") this.#tell();
    else if (this.#backoff.now()) return;
    else if (this.#socket?.readyState === WebSocket.OPEN) this.#ping(ANSWER_WITHIN_AFTER_SLEEP_MS);
    else if (type === "online") this.retry();
  };

  #drop() {
    this.#round += 1;
    Object.values(this.#timers).forEach((timer) => clearTimeout(timer));
    this.#timers = {};
    const socket = this.#socket;
    this.#socket = null;
    this.ready = false;
    socket?.close();
  }

  /** Tell how it stands while there is no connection. */
  #tell() {
    const attempt = this.#backoff.failures;
    const lost = navigator.onLine === false ? "offline" : "reconnecting";
    this.#on.state({ name: attempt ? lost : "connecting", attempt, at: this.#at, ...this.#trouble });
  }
}

function decode(text) {
  try {
    const events = JSON.parse(text);
    return Array.isArray(events) ? events : [];
  } catch {
    return [];
  }
}
