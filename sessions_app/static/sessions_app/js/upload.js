/** One file on its way to the server, in pieces: it goes on where it was, after whatever cut it off. */

import * as api from "./api.js";
import { Backoff } from "./backoff.js";

const KIB = 1024;
// The most is what proxies let through by default.
const PIECE = { first: 256 * KIB, least: 64 * KIB, most: KIB * KIB };
const QUICK_MS = 500;
const SLOW_MS = 4000;
const TIMEOUT_MS = 30_000;
// With the last piece the server reads the whole file once more.
const CHECKED_BYTES_PER_MS = 20_000;
const PACE = { first: 500, longest: 15_000 };
const PASSING = new Set(["wrong_offset", "upload_busy", "upload_cut"]);

/** Return by what a file of the reader's is known again, as far as a page can tell. */
export const sourceOf = ({ name, size, lastModified }) => `${lastModified} ${size} ${name}`;

export class Upload {
  #file;
  #onChange;
  #attempt = null;
  #isUnsure = false;
  #pieceBytes = PIECE.first;
  #backoff = new Backoff(() => this.#run());

  /**
   * `facts` are `{name, size, source}` of a new one (see `sourceOf`), and what `kept` gave of an earlier page's.
   * `onChange(before)` is told of each change, with the state before it.
   *
   * `state` is `waiting`, `sending`, `done`, `failed` (see `reason`) or `lost`: begun by an earlier page,
   * which had the file. While it is `sending`, a `reason` says why it does not get on now.
   */
  constructor(file, facts, onChange) {
    this.#file = file;
    this.#onChange = onChange;
    const { id = null, name, size, source = null, received = 0, isOurs = true } = facts;
    Object.assign(this, { id, name, size, source, received, isOurs, reason: "", mayRetry: true });
    this.state = facts.state === "done" ? "done" : file ? "waiting" : "lost";
    this.#isUnsure = id !== null;
  }

  /** Return what a later page has to know. */
  get kept() {
    const { id, name, size, source, received, state, isOurs } = this;
    return { id, name, size, source, received, state, isOurs };
  }

  /** How much is there, in whole percent. */
  get percent() {
    return this.size ? Math.floor((100 * this.received) / this.size) : 0;
  }

  /** Whether it still needs nothing but time. */
  get isUnderWay() {
    return this.state === "waiting" || this.state === "sending";
  }

  /** Whether a chosen file is the one that an earlier page had. */
  isOf(file) {
    return this.state === "lost" && this.source === sourceOf(file);
  }

  /** Go on with the file that was chosen again. */
  goOnWith(file) {
    this.#file = file;
    this.#change({ state: "waiting", reason: "" });
  }

  /** Begin, or begin again after a failure. */
  start() {
    this.#change({ state: "sending", reason: "" });
    this.#run();
  }

  /** Try anew at once: what is under way may be on a connection that has broken. */
  goOn() {
    if (this.state !== "sending") return;
    this.#attempt?.abort();
    this.#backoff.reset();
    this.#isUnsure = true;
    this.#run();
  }

  /** Stop, and have the server forget what it has. */
  cancel() {
    this.#backoff.cancel();
    this.#attempt?.abort();
    this.#onChange = () => {};
    if (this.id && this.isOurs) api.deleteFile(this.id).catch(() => {});
  }

  /** Ask the server for what an earlier page said of it; false if it is not there any more. */
  async isStillThere() {
    try {
      this.#take(await api.readFile(this.id));
      return true;
    } catch (problem) {
      return problem.status !== 404;
    }
  }

  async #run() {
    const { signal } = (this.#attempt = new AbortController());
    try {
      await this.#agree(signal);
      while (this.state === "sending") await this.#sendPiece(signal);
    } catch (problem) {
      if (!signal.aborted) this.#stumble(problem);
    }
  }

  /** Know of the server what it has: it has forgotten what was not gone on with for long. */
  async #agree(signal) {
    if (this.id && this.#isUnsure) {
      const known = await api.readFile(this.id, signal).catch((problem) => {
        if (problem.status !== 404) throw problem;
      });
      if (!known) this.id = null;
      else this.#take(known);
    }
    if (!this.id) this.#take(await api.announceFile(this.name, this.size, signal));
    this.#isUnsure = false;
  }

  async #sendPiece(signal) {
    const began = performance.now();
    const bytes = await this.#read(this.received, this.received + this.#pieceBytes);
    const isLast = this.received + bytes.byteLength === this.size;
    const timeoutMs = TIMEOUT_MS + (isLast ? this.size / CHECKED_BYTES_PER_MS : 0);
    this.#take(await api.sendPiece(this.id, this.received, bytes, { signal, timeoutMs }));
    const took = performance.now() - began;
    if (took < QUICK_MS) this.#pieceBytes = Math.min(2 * this.#pieceBytes, PIECE.most);
    if (took > SLOW_MS) this.#pieceBytes = Math.max(this.#pieceBytes / 2, PIECE.least);
    this.#backoff.reset();
  }

  async #read(from, to) {
    try {
      return await this.#file.slice(from, to).arrayBuffer();
    } catch {
      throw new api.Problem(400, "unreadable", "The file cannot be read: it was changed, moved or deleted.");
    }
  }

  #take({ file_id: id, name, size, received, state }) {
    const isThere = state === "ready";
    this.#change({ id, name, size, received, reason: "", ...(isThere && { state: "done" }) });
  }

  #stumble(problem) {
    this.#isUnsure = true;
    if (problem.mayPass || PASSING.has(problem.code)) {
      this.#pieceBytes = Math.max(this.#pieceBytes / 2, PIECE.least);
      const reason = PASSING.has(problem.code) ? "" : `${problem.message} It goes on by itself.`;
      this.#backoff.wait(PACE);
      this.#change({ reason });
      return;
    }
    const { message: reason, needsLogin, code } = problem;
    this.#change({ state: "failed", reason, needsLogin, mayRetry: code !== "file_too_large" });
  }

  #change(values) {
    const before = this.state;
    Object.assign(this, values);
    this.#onChange(before);
  }
}
