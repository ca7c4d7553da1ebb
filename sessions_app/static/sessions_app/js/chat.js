/** The chat page: puts its parts together. */

import * as api from "./api.js";
import { Announcer } from "./announcer.js";
import { serverNow } from "./clock.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { setText, show } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Header } from "./header.js";
import { listenToKeys } from "./keyboard.js";
import { Scrolling } from "./scrolling.js";
import { SessionActions } from "./session_actions.js";
import { Sidebar } from "./sidebar.js";
import { Timeline } from "./timeline.js";
import { tellProblem } from "./toasts.js";

const REFRESH_LIST_MS = 60_000;
const element = (id) => document.getElementById(id);

class ChatPage {
  constructor() {
    this.conversation = new Conversation({
      change: () => this.render(),
      connection: (state) => this.connectionChanged(state),
      problem: tellProblem,
    });
    this.actions = new SessionActions((id, change) => this.sessionChanged(id, change));
    this.sidebar = new Sidebar(element("sidebar"), { open: (id) => this.go(id), actions: this.actions });
    this.composer = new Composer(element("composer"), {
      send: (text) => this.send({ key: api.newKey(), content: text }),
      stop: () => this.conversation.stopTurn(),
      restore: () => this.actions.restore(this.conversation.id),
      startNew: () => this.go(null),
    });
    this.header = new Header(element("header"), {
      rename: (title) => this.actions.rename(this.conversation.id, title),
      export: (format, metadata) => this.conversation.exportAs(format, metadata),
      showAgents: () => this.showAgents(),
    });
    this.timeline = new Timeline(element("timeline"), {
      onCancel: (id) => this.conversation.cancelSubagent(id),
      onRetry: (id) => this.conversation.retrySubagent(id),
      onResend: (entry) => this.send(entry),
      onEdit: (entry) => this.edit(entry),
    });
    this.scrolling = new Scrolling(element("scroller"), element("new-messages"));
    this.announcer = new Announcer(element("announcer"));
    this.drawer = new Drawer({
      sidebar: element("sidebar"),
      rest: [element("header"), element("main")],
      button: element("drawer-button"),
      backdrop: element("backdrop"),
    });
    this.shownId = undefined;
    this.wasEmpty = true;
    this.followOwn = false;
  }

  /** Listen to everything and show the session of the address. */
  start() {
    listenToKeys({
      search: () => this.search(),
      startNew: () => this.go(null),
      escape: () => (this.drawer.isOpen ? this.drawer.shut() : this.conversation.stopTurn()),
    });
    window.addEventListener("popstate", () => this.show(idOfAddress()));
    document
      .querySelectorAll("[data-action=new]")
      .forEach((link) => link.addEventListener("click", (event) => this.newClick(event)));
    document
      .querySelectorAll("[data-suggestion]")
      .forEach((button) =>
        button.addEventListener("click", () => this.composer.fill(button.dataset.suggestion)),
      );
    element("load-again").addEventListener("click", () => this.show(idOfAddress()));
    element("login-link").href += `?next=${encodeURIComponent(location.pathname)}`;
    window.addEventListener("focus", () => this.sidebar.list.refresh());
    setInterval(() => document.hidden || this.sidebar.list.refresh(), REFRESH_LIST_MS);
    this.sidebar.list.refresh();
    this.show(idOfAddress());
  }

  newClick(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.go(null);
  }

  /** Go to a session, or to a new one. */
  go(id, pending = []) {
    const address = id ? `/sessions/${id}/` : "/";
    if (address !== location.pathname) history.pushState(null, "", address);
    this.drawer.shut();
    if (id && id === this.conversation.id && this.conversation.phase === "open") return null;
    return this.show(id, pending);
  }

  async show(id, pending = []) {
    element("login-link").search = `?next=${encodeURIComponent(location.pathname)}`;
    const opened = id ? this.conversation.open(id, pending) : this.conversation.leave();
    this.composer.enter(id);
    this.sidebar.select(id);
    if (matchMedia("(hover: hover)").matches) this.composer.field.focus();
    await opened;
  }

  search() {
    this.drawer.open();
    this.sidebar.search.focus();
    this.sidebar.search.select();
  }

  showAgents() {
    const states = ["running", "admitted", "queued"];
    const found = states
      .map((state) => document.querySelector(`.agent-card[data-state=${state}]`))
      .find(Boolean);
    found?.scrollIntoView({ block: "center" });
  }

  /** Send a message; without a session, start one. What was refused goes back into the composer. */
  async send(entry) {
    const problem = this.conversation.id ? await this.sendHere(entry) : await this.sendNew(entry);
    if (!problem) return;
    if (problem.needsLogin) tellProblem(problem);
    if (problem.mayPass || problem.needsLogin) {
      this.conversation.dispatch("page.send_failed", { key: entry.key, error: problem.message });
    } else {
      this.conversation.dispatch("page.send_ended", entry);
      this.composer.giveBack(entry.content, problem.message);
    }
  }

  sendHere(entry) {
    const sent = this.conversation.send(entry);
    this.followOwn = true;
    this.sidebar.list.change(this.conversation.id, { last_activity_at: new Date(serverNow()).toISOString() });
    return sent;
  }

  async sendNew(entry) {
    this.conversation.dispatch("page.sending", entry);
    const created = await api.createSession(entry.key).catch((problem) => problem);
    if (created instanceof api.Problem) return created;
    this.sidebar.list.add(created);
    this.go(created.id, [{ ...entry, error: null }]);
    return this.sendHere(entry);
  }

  edit(entry) {
    this.conversation.dispatch("page.send_ended", entry);
    this.composer.fill(entry.content);
  }

  sessionChanged(id, change) {
    this.sidebar.list.change(id, change);
    if (id !== this.conversation.id) return;
    if (!change) this.go(null);
    else if (this.conversation.state.session) {
      this.conversation.dispatch("session.updated", {
        ...this.conversation.state.session,
        session_id: id,
        ...change,
      });
    }
  }

  connectionChanged(connection) {
    this.header?.renderConnection(connection);
    this.composer?.render(this.conversation);
    if (connection.name === "closed")
      tellProblem(new api.Problem(connection.code === 4401 ? 401 : 400, "", connection.message));
  }

  render() {
    const { id, state, phase, problem } = this.conversation;
    const isEmpty = phase === "new" && !state.pending.length;
    document.body.dataset.phase = isEmpty ? "empty" : phase;
    show(element("empty"), isEmpty);
    show(element("skeleton"), phase === "loading" && !state.pending.length);
    show(element("failure"), phase === "failed");
    show(element("timeline"), !isEmpty && phase !== "failed");
    setText(element("failure-text"), problem?.message);
    show(element("load-again"), problem?.mayPass ?? false);
    this.header.render(this.conversation);
    this.composer.render(this.conversation);
    this.renderTimeline(id, state);
    this.announcer.take(id, state);
    if (state.session) this.followTitle(state.session);
  }

  renderTimeline(id, state) {
    const isOther = id !== this.shownId;
    this.shownId = id;
    this.scrolling.around(() => this.timeline.render(state));
    if (isOther || this.followOwn || (this.wasEmpty && state.session)) this.scrolling.toEnd();
    this.followOwn = false;
    this.wasEmpty = !state.session;
  }

  followTitle({ id, title, state }) {
    const known = this.sidebar.list.items.get(id);
    if (known && (known.title !== title || known.state !== state))
      this.sidebar.list.change(id, { title, state });
  }
}

function idOfAddress() {
  return location.pathname.match(/^\/sessions\/([0-9a-f-]{36})\/?$/)?.[1] ?? null;
}

new ChatPage().start();
