/** One open chat: its state, its feed, and the verbs a reader has. */

import * as api from "./api.js";
import { observe } from "./clock.js";
import { refusal } from "./export_failure.js";
import { Feed } from "./feed.js";
import { changesBranch, empty, fromSnapshot, lacksText, reduce } from "./store.js";

const FETCH_AGAIN_MS = 700;
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
  #held = null;

  /** `on.change(state)`, `on.connection(state)` and `on.problem(problem)` are told what happens. */
  constructor(on) {
    this.#on = on;
    this.id = null;
    this.state = empty();
    this.phase = "new";
    this.connection = { name: "none" };
  }

  /** Show no session: the next message starts one; `pending` are messages that wait for that. */
  leave(pending = []) {
    this.#begin(null, "new", pending);
  }

  /** Load a session and follow it; `pending` are messages that wait for it. */
  open(id, pending = []) {
    this.#begin(id, "loading", pending);
    this.#feed = new Feed({
      address: (after) => feedAddress(id, after),
      load: () => api.readSession(id),
      on: {
        snapshot: (snapshot) => this.#stand(snapshot),
        events: (events) => this.#take(events),
        state: (state) => this.#connected(state),
        error: (payload) => this.#on.problem(new api.Problem(400, payload?.code, payload?.message)),
      },
    });
    this.#feed.open();
  }

  /** Try to connect now instead of when it is planned. */
  reconnect() {
    this.#feed?.retry();
  }

  #begin(id, phase, pending) {
    this.#feed?.close();
    this.#feed = null;
    this.#visit += 1;
    this.#held = null;
    this.id = id;
    this.state = { ...empty(), pending };
    this.phase = phase;
    this.problem = null;
    this.#connected({ name: "none" });
    this.#changed();
  }

  #stand(snapshot) {
    this.phase = "open";
    this.#held = null;
    this.state = fromSnapshot(snapshot, this.state.pending);
    this.#changed();
  }

  #take(events) {
    if (this.#feed.ready) observe(events.at(-1).created_at);
    if (this.#held) {
      this.#held.push(...events);
      return;
    }
    for (const [place, event] of events.entries()) {
      if (changesBranch(this.state, event)) {
        this.#loadBranch(events.slice(place));
        break;
      }
      if (lacksText(this.state, event)) {
        this.#feed.reset();
        break;
      }
      this.state = reduce(this.state, event);
    }
    this.#changed();
  }

  /** Another branch is shown: load it over the same feed; what comes meanwhile follows. */
  async #loadBranch(events) {
    const held = events;
    this.#held = held;
    const snapshot = await api.readSession(this.id).catch(() => null);
    if (this.#held !== held) return;
    this.#held = null;
    if (!snapshot) {
      this.#feed.reset();
      return;
    }
    this.#stand(snapshot);
    const isNews = ({ seq }) => seq === undefined || seq === null || seq > snapshot.last_seq;
    const news = held.filter(isNews);
    if (news.length) this.#take(news);
  }

  #connected(state) {
    if (state.name === "closed" && this.phase === "loading") return this.#failToLoad(state);
    this.connection = state;
    this.#on.connection(state);
    const isThird = state.name === "reconnecting" && state.attempt === ASK_WHY_AFTER_FAILURES;
    if (isThird && state.at) this.#askWhy();
    return undefined;
  }

  #failToLoad({ problem }) {
    this.phase = "failed";
    this.problem = problem;
    this.#connected({ name: "none", problem });
    this.#changed();
  }

  /** A refused handshake does not say why; the REST door does. */
  async #askWhy() {
    const visit = this.#visit;
    const problem = await api.readSession(this.id).then(
      () => null,
      (error) => error,
    );
    if (visit === this.#visit && problem && !problem.mayPass) this.#feed.end(problem);
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

  /** Have the next answers made by another model. */
  async chooseModel(model) {
    await this.#try(
      () => api.chooseModel(this.id, model),
      () => {},
    );
  }

  /** Say a message in other words; returns whether the server took it. */
  editMessage(messageId, content, key) {
    return this.#try(
      () => api.editMessage(this.id, messageId, content, key),
      () => {},
    );
  }

  /** Say whether a call that waits for a word may be made. */
  async decideApproval(approval_id, decision) {
    this.dispatch("page.approval", { approval_id, deciding: true });
    await this.#try(
      () => api.decideApproval(approval_id, decision),
      () => this.dispatch("page.approval", { approval_id, deciding: false }),
    );
  }

  /** Have an answer made again. */
  regenerate(messageId) {
    return this.#try(
      () => api.regenerate(this.id, messageId),
      () => {},
    );
  }

  /** Show another branch. */
  switchBranch(branchId) {
    return this.#try(
      () => api.switchBranch(this.id, branchId),
      () => {},
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
    if (this.state.subagents.get(subagent_id)?.retrying) return;
    this.dispatch("page.subagent", { subagent_id, retrying: true });
    await this.#try(
      () => api.retrySubagent(subagent_id, api.newKey()),
      () => {},
    );
    this.dispatch("page.subagent", { subagent_id, retrying: false });
  }

  /** Ask for an export, `{format, options}`, whose card is in this chat; it comes over the feed. */
  export(wish) {
    return this.#try(
      () =>
        api.requestExport({ session_id: this.id, ...wish }, api.newKey()).catch((problem) => {
          throw refusal(problem, wish);
        }),
      () => {},
    );
  }

  async #try(verb, undo) {
    try {
      await verb();
      return true;
    } catch (problem) {
      undo();
      this.#on.problem(problem);
      return false;
    }
  }
}
