/** One open chat: its state, its feed, and the verbs a reader has. */

import * as api from "./api.js";
import { observe } from "./clock.js";
import { Feed } from "./feed.js";
import { empty, fromSnapshot, reduce } from "./store.js";

const FETCH_AGAIN_MS = 700;
const RELOAD_FIRST_MS = 1000;
const RELOAD_LONGEST_MS = 15_000;
const ASK_WHY_AFTER_FAILURES = 3;

/** Return the address of a session's feed after event `seq`. */
function feedAddress(id, seq) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/ws/sessions/${id}/?after=${seq}`;
}

export class Conversation {
  #on;
  #feed = null;
  #fetching = new Set();
  #scheduled = false;
  #visit = 0;

  /** `on.change(state)`, `on.connection(state)` and `on.problem(problem)` are told what happens. */
  constructor(on) {
    this.#on = on;
    this.id = null;
    this.state = empty();
    this.phase = "new";
    this.connection = { name: "none" };
  }

  /** Show no session: the next message starts one. */
  leave() {
    this.#begin(null, "new", []);
  }

  /** Load a session and follow it; `pending` are messages that wait for it. Throws nothing. */
  async open(id, pending = []) {
    const visit = this.#begin(id, "loading", pending);
    try {
      const snapshot = await api.readSession(id);
      if (visit === this.#visit) this.#follow(snapshot);
    } catch (problem) {
      if (visit === this.#visit) this.#failToLoad(problem);
    }
  }

  #begin(id, phase, pending) {
    this.#feed?.close();
    this.#feed = null;
    this.#visit += 1;
    this.id = id;
    this.state = { ...empty(), pending };
    this.phase = phase;
    this.problem = null;
    this.#connected({ name: id ? "connecting" : "none" });
    this.#changed();
    return this.#visit;
  }

  #failToLoad(problem) {
    this.phase = "failed";
    this.problem = problem;
    this.#connected({ name: "none" });
    if (problem.needsLogin) this.#on.problem(problem);
    this.#changed();
  }

  #follow(snapshot) {
    this.phase = "open";
    this.state = fromSnapshot(snapshot, this.state.pending);
    const id = this.id;
    this.#feed = new Feed({
      address: (after) => feedAddress(id, after),
      after: snapshot.last_seq,
      on: {
        events: (events) => this.#take(events),
        state: (state) => this.#connected(state),
        reset: () => this.#reload(this.#visit),
        error: (payload) => this.#on.problem(new api.Problem(400, payload?.code, payload?.message)),
      },
    });
    this.#feed.open();
    this.#changed();
  }

  async #reload(visit, delay = RELOAD_FIRST_MS) {
    this.#connected({ name: "reconnecting", attempt: 1 });
    try {
      const snapshot = await api.readSession(this.id);
      if (visit === this.#visit) this.#follow(snapshot);
    } catch (problem) {
      if (visit !== this.#visit) return;
      if (!problem.mayPass) return this.#failToLoad(problem);
      setTimeout(
        () => visit === this.#visit && this.#reload(visit, Math.min(delay * 2, RELOAD_LONGEST_MS)),
        delay,
      );
    }
  }

  #take(events) {
    if (this.#feed?.ready) observe(events.at(-1).created_at);
    for (const event of events) this.state = reduce(this.state, event);
    this.#changed();
  }

  #connected(state) {
    this.connection = state;
    this.#on.connection(state);
    if (state.name === "reconnecting" && state.attempt === ASK_WHY_AFTER_FAILURES) this.#askWhy(this.#visit);
  }

  /** A refused handshake does not say why; the REST door does. */
  async #askWhy(visit) {
    const problem = await api.readSession(this.id).then(
      () => null,
      (error) => error,
    );
    if (visit !== this.#visit || !problem || problem.mayPass) return;
    this.#feed?.close();
    this.#connected({ name: "closed", message: problem.message });
    if (problem.needsLogin) this.#on.problem(problem);
  }

  /** Apply one of this page's own happenings. */
  dispatch(kind, payload) {
    this.state = reduce(this.state, { kind, payload });
    this.#changed();
  }

  /** Tell once a frame, however many events came; a hidden page has no frames. */
  #changed() {
    this.#fetchWanted();
    if (this.#scheduled) return;
    this.#scheduled = true;
    const tell = () => {
      this.#scheduled = false;
      this.#on.change(this.state);
    };
    if (document.hidden) setTimeout(tell, 100);
    else requestAnimationFrame(tell);
  }

  #fetchWanted() {
    for (const id of this.state.wanted) {
      if (!this.#fetching.has(id)) this.#fetch(id, this.#visit);
    }
  }

  async #fetch(id, visit) {
    this.#fetching.add(id);
    const message = await api.readMessage(this.id, id).catch((problem) => problem);
    if (visit === this.#visit) {
      if (!(message instanceof api.Problem))
        this.state = reduce(this.state, { kind: "page.fetched", payload: message });
      else if (!message.mayPass) this.dispatch("page.unfetched", { message_id: id });
    }
    setTimeout(() => this.#fetchedSo(id, visit), FETCH_AGAIN_MS);
    if (visit === this.#visit) this.#changed();
  }

  #fetchedSo(id, visit) {
    this.#fetching.delete(id);
    if (visit === this.#visit) this.#fetchWanted();
  }

  /** Send a message of an open session; `entry` is `{key, content}`. Returns the problem or null. */
  async send(entry) {
    const id = this.id;
    this.dispatch("page.sending", entry);
    const message = await api.postMessage(id, entry.content, entry.key).catch((problem) => problem);
    if (id !== this.id) return null;
    if (message instanceof api.Problem) return message;
    this.dispatch("message.added", message);
    this.dispatch("page.send_ended", entry);
    return null;
  }

  /** Ask the running turn to end. */
  async stopTurn() {
    const turn = this.state.turn;
    if (!turn || this.state.stopping) return;
    this.dispatch("page.stopping", { stopping: true });
    await this.#try(
      () => api.stopTurn(turn.turn_id),
      () => this.dispatch("page.stopping", { stopping: false }),
    );
  }

  /** Ask a subagent to end; the card says so at once. */
  async cancelSubagent(subagent_id) {
    this.dispatch("page.subagent", { subagent_id, cancelling: true });
    const undo = () => this.dispatch("page.subagent", { subagent_id, cancelling: false });
    await this.#try(() => api.cancelSubagent(subagent_id), undo);
  }

  /** Ask for another attempt of a subagent that failed or was cancelled. */
  async retrySubagent(subagent_id) {
    this.dispatch("page.subagent", { subagent_id, retrying: true });
    await this.#try(
      () => api.retrySubagent(subagent_id, api.newKey()),
      () => {},
    );
    this.dispatch("page.subagent", { subagent_id, retrying: false });
  }

  /** Ask for an export; its card comes over the feed. */
  async exportAs(format, includeMetadata) {
    const ask = () => api.requestExport(this.id, format, includeMetadata, api.newKey());
    await this.#try(ask, () => {});
  }

  async #try(verb, undo) {
    try {
      await verb();
    } catch (problem) {
      undo();
      this.#on.problem(problem);
    }
  }
}
