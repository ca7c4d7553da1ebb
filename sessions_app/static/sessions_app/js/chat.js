/** The chat page: puts its parts together. */

import { Announcer } from "./announcer.js";
import { newKey } from "./api.js";
import { ChatExports } from "./chat_exports.js";
import { serverNow } from "./clock.js";
import { Composer, giveBackTo } from "./composer.js";
import { ConnectionNotice } from "./connection_notice.js";
import { Conversation } from "./conversation.js";
import { setText, show } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Header } from "./header.js";
import { listenToKeys } from "./keyboard.js";
import { beginChat } from "./new_chat.js";
import { Outbox } from "./outbox.js";
import { PromptDialog } from "./prompt_dialog.js";
import { Scrolling } from "./scrolling.js";
import { SessionActions } from "./session_actions.js";
import { Sidebar } from "./sidebar.js";
import { Timeline } from "./timeline.js";
import { tellProblem, toast } from "./toasts.js";
import { openChatsHere } from "./visits.js";

const REFRESH_LIST_MS = 60_000;
const element = (id) => document.getElementById(id);

class ChatPage {
  constructor() {
    this.conversation = new Conversation({
      change: () => this.render(),
      connection: (state) => this.connectionChanged(state),
      problem: tellProblem,
    });
    this.outbox = new Outbox({
      begun: (created) => this.begun(created),
      sent: (entry, message) => this.sent(entry, message),
      refused: (entry, problem) => this.refused(entry, problem),
      waiting: (entry, problem) => this.waiting(entry, problem),
    });
    this.actions = new SessionActions((id, change) => this.sessionChanged(id, change));
    this.sidebar = new Sidebar(element("sidebar"), { open: (id) => this.go(id), actions: this.actions });
    this.composer = new Composer(element("composer"), {
      send: (text) => this.send(text),
      stop: () => this.conversation.stopTurn(),
      restore: () => this.actions.restore(this.conversation.id),
      startNew: () => this.go(null),
      prompt: (prompt, put) => this.prompts.ask(prompt, put),
      say: (text) => this.announcer.say(text),
    });
    this.composer.listenToDrops(element("main"), element("drop-target"));
    this.prompts = new PromptDialog(element("prompt-dialog"), () => this.sessionId());
    this.header = new Header(element("header"), {
      rename: (title) => this.actions.rename(this.conversation.id, title),
      export: (format) => this.exports.as(format),
      exportOptions: () => this.exports.choose(),
      showAgents: () => this.showAgents(),
      pickModel: (model) => this.pickModel(model),
    });
    this.exports = new ChatExports(this.conversation, {
      asked: () => this.scrolling.toEnd(),
      open: (id) => this.go(id),
    });
    this.timeline = new Timeline(element("timeline"), {
      onCancel: (id) => this.conversation.cancelSubagent(id),
      onRetry: (id) => this.conversation.retrySubagent(id),
      onAgain: (wish) => this.exports.again(wish),
      onDecide: (id, decision) => this.conversation.decideApproval(id, decision),
      onResend: () => this.resend(),
      onEdit: (entry) => this.edit(entry),
      onReword: (id, content, key) => this.conversation.editMessage(id, content, key),
      onRegenerate: (id) => this.conversation.regenerate(id),
      onSwitch: (branchId) => this.conversation.switchBranch(branchId),
    });
    this.scrolling = new Scrolling(element("scroller"), element("new-messages"));
    this.notice = new ConnectionNotice(element("connection-notice"), element("connection-spoken"), () =>
      this.conversation.reconnect(),
    );
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
    element("login-link").href += `?next=${encodeURIComponent(location.pathname)}`;
    window.addEventListener("online", () => this.outbox.sendAgain());
    window.addEventListener("focus", () => this.sidebar.list.refresh());
    setInterval(() => document.hidden || this.sidebar.list.refresh(), REFRESH_LIST_MS);
    this.sidebar.list.refresh();
    this.show(idOfAddress());
    openChatsHere((id) => this.goToNew(id));
    this.outbox.send();
  }

  newClick(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.go(null);
  }

  /** Go to a session, or to a new one. */
  go(id) {
    const address = id ? `/sessions/${id}/` : "/";
    if (address !== location.pathname) history.pushState(null, "", address);
    this.drawer.shut();
    if (!id || id !== this.conversation.id || this.conversation.phase !== "open") this.show(id);
  }

  /** Go to a session that has just been made elsewhere. */
  goToNew(id) {
    this.go(id);
    this.sidebar.list.refresh();
  }

  show(id) {
    element("login-link").search = `?next=${encodeURIComponent(location.pathname)}`;
    const pending = this.outbox.of(id);
    this.exports.leave();
    if (id) this.conversation.open(id, pending);
    else this.conversation.leave(pending);
    this.composer.enter(id);
    this.sidebar.select(id);
    if (matchMedia("(hover: hover)").matches) this.composer.field.focus();
  }

  search() {
    this.drawer.open();
    this.sidebar.search.focus();
    this.sidebar.search.select();
  }

  /** Take another model for this chat; null says only that the list of models came. */
  pickModel(model) {
    if (model !== null && this.conversation.id) this.conversation.chooseModel(model);
    else this.header?.render(this.conversation);
  }

  showAgents() {
    const states = ["running", "admitted", "queued"];
    const found = states
      .map((state) => document.querySelector(`.agent-card[data-state=${state}]`))
      .find(Boolean);
    found?.scrollIntoView({ block: "center" });
  }

  /** Send a message; without a session, the outbox starts one. */
  send(content) {
    const { id } = this.conversation;
    this.followOwn = true;
    this.conversation.dispatch("page.sending", this.outbox.add(id, content));
    if (id) this.sidebar.list.change(id, { last_activity_at: new Date(serverNow()).toISOString() });
    this.outbox.send();
  }

  resend() {
    for (const { key } of this.outbox.of(this.conversation.id))
      this.conversation.dispatch("page.send_failed", { key, error: null });
    this.outbox.sendAgain();
  }

  /** Return the id of the chat, which begins now if it is a new one. */
  async sessionId() {
    if (!this.conversation.id) this.begun(await beginChat(newKey()));
    return this.conversation.id;
  }

  begun(created) {
    this.sidebar.list.add(created);
    if (this.conversation.id) return;
    this.composer.moveTo(created.id);
    this.go(created.id);
  }

  sent(entry, message) {
    if (entry.session !== this.conversation.id) return;
    this.conversation.dispatch("message.added", message);
    this.conversation.dispatch("page.send_ended", entry);
  }

  waiting(entry, problem) {
    if (problem.needsLogin) tellProblem(problem);
    if (entry.session === this.conversation.id) this.conversation.dispatch("page.send_failed", entry);
  }

  /** What was refused goes back into the composer from which it came. */
  refused(entry, problem) {
    if (entry.session !== this.conversation.id) {
      giveBackTo(entry.session, entry.content);
      toast(`A message in another chat was not sent. ${problem.message}`, { tone: "error" });
      return;
    }
    this.conversation.dispatch("page.send_ended", entry);
    this.composer.giveBack(entry.content, problem.message);
  }

  edit(entry) {
    this.outbox.remove(entry);
    this.conversation.dispatch("page.send_ended", entry);
    this.composer.giveBack(entry.content);
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
    this.notice?.render(connection);
    if (connection.regained) this.catchUp();
    if (connection.problem?.needsLogin) tellProblem(connection.problem);
  }

  catchUp() {
    this.outbox.sendAgain();
    this.composer.goOn();
    this.sidebar.list.refresh();
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
