/**
 * The live feed of one session over a websocket.
 *
 * Durable events are handed on in order of `seq`, none missing, none twice, over any number of
 * connections. A lost connection is taken up again with exponential back-off and jitter.
 */

const PING_EVERY_MS = 20_000;
const ANSWER_WITHIN_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const GAPS_BEFORE_RESET = 3;
const FINAL_CODES = {
  4400: "The page asked for a place in this chat that the server does not know. Reload the page.",
  4401: "You are not logged in.",
  4403: "The server refused this page's address.",
  4404: "This chat does not exist, or it is not yours.",
};

export class Feed {
  #address;
  #on;
  #socket = null;
  #timers = { retry: 0, ping: 0, answer: 0 };
  #failures = 0;
  #gaps = 0;
  #ended = false;

  /**
   * `address(after)` returns the URL; `on.events(list)`, `on.state(state)`, `on.reset()` and
   * `on.error(payload)` are told what happens. A state is `{name, attempt, message}` with the names
   * connecting, live, reconnecting and closed.
   */
  constructor({ address, after, on }) {
    this.#address = address;
    this.#on = on;
    this.after = after;
    this.ready = false;
    this.wake = () => this.#wake();
  }

  /** Connect, and stay connected until `close()`. */
  open() {
    window.addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
    this.#connect();
  }

  /** End for good, without a word to anyone. */
  close() {
    this.#ended = true;
    window.removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    this.#dropSocket();
  }

  #connect() {
    clearTimeout(this.#timers.retry);
    this.#timers.retry = 0;
    this.#tell(this.#failures ? "reconnecting" : "connecting");
    const socket = new WebSocket(this.#address(this.after));
    this.#socket = socket;
    this.#expectAnswer();
    const ifCurrent = (listener) => (event) => socket === this.#socket && listener(event);
    socket.onopen = ifCurrent(() => this.#startPings());
    socket.onmessage = ifCurrent((event) => this.#take(event.data));
    socket.onclose = ifCurrent((event) => this.#closed(event.code));
  }

  #startPings() {
    this.#timers.ping = setInterval(() => this.#ping(), PING_EVERY_MS);
  }

  #ping() {
    this.#socket.send('{"type":"ping"}');
    this.#expectAnswer();
  }

  #expectAnswer() {
    clearTimeout(this.#timers.answer);
    this.#timers.answer = setTimeout(() => this.#lost(), ANSWER_WITHIN_MS);
  }

  #take(text) {
    clearTimeout(this.#timers.answer);
    const socket = this.#socket;
    let fresh = [];
    const flush = () => {
      if (fresh.length) this.#on.events(fresh);
      fresh = [];
    };
    for (const event of decode(text)) {
      const place = this.#placeOf(event);
      if (place === "next") fresh.push(event);
      else if (place !== "seen") flush();
      if (place === "control") this.#control(event);
      if (place === "gap") this.#gap();
      if (socket !== this.#socket) break;
    }
    flush();
  }

  #placeOf({ kind, seq }) {
    if (String(kind).startsWith("feed.")) return "control";
    if (seq === undefined || seq === null) return "next";
    if (seq <= this.after) return "seen";
    if (seq !== this.after + 1) return "gap";
    this.after = seq;
    this.#gaps = 0;
    return "next";
  }

  #control({ kind, payload }) {
    if (kind === "feed.ready") {
      this.#failures = 0;
      this.ready = true;
      this.#tell("live");
    } else if (kind === "feed.reset") this.#reset();
    else if (kind === "feed.error") this.#on.error(payload);
  }

  /** Something is missing: ask again from the last event that is known, or for the whole chat. */
  #gap() {
    this.#gaps += 1;
    if (this.#gaps >= GAPS_BEFORE_RESET) this.#reset();
    else this.#lost();
  }

  #reset() {
    this.close();
    this.#on.reset();
  }

  #closed(code) {
    if (!FINAL_CODES[code]) return this.#lost();
    this.close();
    return this.#on.state({ name: "closed", code, message: FINAL_CODES[code] });
  }

  #lost() {
    this.#dropSocket();
    if (this.#ended) return;
    this.#failures += 1;
    const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#failures - 1));
    this.#timers.retry = setTimeout(() => this.#connect(), ceiling * (0.5 + Math.random() / 2));
    this.#tell("reconnecting");
  }

  /** Try at once when the network is back or the page is looked at again: the computer may have slept. */
  #wake() {
    if (document.hidden) return;
    if (this.#timers.retry) this.#connect();
    else if (this.#socket?.readyState === WebSocket.OPEN) this.#ping();
  }

  #dropSocket() {
    Object.values(this.#timers).forEach((timer) => clearTimeout(timer));
    this.#timers = { retry: 0, ping: 0, answer: 0 };
    const socket = this.#socket;
    this.#socket = null;
    this.ready = false;
    socket?.close();
  }

  #tell(name) {
    this.#on.state({ name, attempt: this.#failures });
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
