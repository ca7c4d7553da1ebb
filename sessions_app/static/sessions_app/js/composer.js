/** The composer: a growing field, files that go with it; Enter sends, what cannot be sent stays. */

import { Attachments } from "./attachments.js";
import { Completion } from "./completion.js";
import { characters } from "./drafts.js";
import { setAttribute, setText, show } from "./dom.js";
import { withFiles, withoutFiles } from "./file_links.js";
import { FileTaking } from "./file_taking.js";

const MOST_CHARACTERS = 32_000;
const COUNT_FROM = 28_000;
const DRAFT_KEY = "mcpchat-draft-";
const PARTS = [
  ...["send", "stop", "attach", "hold", "holdText", "unhold", "count", "error"],
  ...["reason", "reasonText", "restore", "startNew", "box"],
];

export class Composer {
  #form;
  #parts;
  #on;
  #id = null;
  #enabled = true;
  #isEntered = false;
  #isHeld = false;
  #attachments;
  #files;
  #completion;

  /**
   * `on.send(text)`, `on.stop()`, `on.restore()` and `on.startNew()` are told what the reader wants;
   * `on.prompt(prompt, put)` has a server's prompt written and gives its text to `put`; `on.say(text)` tells
   * a screen reader.
   */
  constructor(form, on) {
    const find = (name) => form.querySelector(`[data-part=${name}]`);
    this.#form = form;
    this.#on = on;
    this.field = find("field");
    this.#parts = Object.fromEntries(PARTS.map((name) => [name, find(name)]));
    this.#files = new FileTaking(find("files"), {
      take: (files) => this.#attach(files),
      mayTake: () => this.#enabled,
    });
    this.#attachments = new Attachments(find("uploads"), {
      change: () => this.#filesChanged(),
      removing: () => this.#removing(),
      say: (text) => on.say(text),
      choose: () => this.#files.choose(),
    });
    this.#completion = new Completion(this.field, find("completion"), {
      put: (from, to, text) => this.replace(from, to, text),
      prompt: (prompt, from, to) => this.#askFor(prompt, this.field.value.slice(from, to)),
    });
    this.#listen();
  }

  #listen() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.#parts.attach.addEventListener("click", () => this.#files.choose());
    this.#parts.unhold.addEventListener("click", () => this.#unhold());
    this.#parts.stop.addEventListener("click", () => this.#on.stop());
    this.#parts.restore.addEventListener("click", () => this.#on.restore());
    this.#parts.startNew.addEventListener("click", () => this.#on.startNew());
    this.#parts.box.addEventListener(
      "click",
      (event) => event.target === this.#parts.box && this.field.focus(),
    );
  }

  #key(event) {
    if (this.#completion.key(event)) return;
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!sends) return;
    event.preventDefault();
    this.submit();
  }

  /** Take files that are dropped on `area`; `target` is shown over it meanwhile. */
  listenToDrops(area, target) {
    this.#files.listenToDrops(area, target);
  }

  /** Have uploads tried anew at once: connections may have broken. */
  goOn() {
    this.#attachments.goOn();
  }

  /** Send what is in the field with its files, if it can be sent; files under way are waited for. */
  submit() {
    if (!this.#isSendable()) return;
    if (this.#attachments.isStuck) return this.#complainOfFiles();
    this.#isHeld = this.#attachments.isUnderWay;
    if (this.#isHeld) return this.#renderHold();
    const content = this.#content();
    this.#put("");
    this.#attachments.clear();
    this.#on.send(content);
  }

  #attach(files) {
    this.#attachments.add(files);
    this.field.focus();
  }

  /** What was held goes out once all files are there; if one cannot be, the reader decides. */
  #filesChanged() {
    if (this.#isHeld && !this.#attachments.isUnderWay) {
      this.#isHeld = false;
      this.submit();
    }
    this.#renderHold();
    setAttribute(this.#parts.send, "disabled", !this.#isSendable());
  }

  /** What goes out is being changed, and a complaint about that file is settled. */
  #removing() {
    this.#changed();
    this.field.focus();
  }

  #complainOfFiles() {
    this.#complain("Retry or remove the files that were not uploaded.");
    this.#attachments.showStuck();
  }

  #unhold() {
    this.#isHeld = false;
    this.#renderHold();
    this.field.focus();
  }

  #renderHold() {
    const waits = this.#attachments.isUnderWay;
    show(this.#parts.hold, waits);
    show(this.#parts.unhold, this.#isHeld);
    setText(
      this.#parts.holdText,
      this.#isHeld ? "Goes out once the files are there." : "Sending waits until the files are there.",
    );
    setAttribute(this.#parts.send, "aria-label", waits ? "Send once the files are there" : "Send");
    this.#parts.box.classList.toggle("held", this.#isHeld);
  }

  #content() {
    return withFiles(this.field.value.trim(), this.#attachments.files);
  }

  #isSendable() {
    const isBlank = !this.field.value.trim() && !this.#attachments.all.length;
    return this.#enabled && !isBlank && this.#excess() <= 0;
  }

  /** How many characters there are too many. */
  #excess() {
    const content = this.#content();
    return content.length > MOST_CHARACTERS ? characters(content) - MOST_CHARACTERS : 0;
  }

  /** Put text into the field and the cursor behind it. */
  fill(text) {
    this.#put(text);
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  /** Put text in the place of what stands from one character to another, and the cursor behind it. */
  replace(from, to, text) {
    const isApart = text.endsWith(" ") && this.field.value[to] === " ";
    this.field.focus();
    this.field.setRangeText(isApart ? text.trimEnd() : text, from, to, "end");
    this.#changed();
    this.field.scrollTop = this.field.scrollHeight;
  }

  /** Put the text of a prompt in the place of its name; if that is gone, behind what was written. */
  #askFor(prompt, name) {
    this.#on.prompt(prompt, (text) => {
      const { value } = this.field;
      if (value.startsWith(name)) this.replace(0, name.length, text);
      else this.replace(value.length, value.length, text);
    });
  }

  /** Give back a message that was not sent, with the reason; what was typed since stays behind it. */
  giveBack(content, reason = "") {
    const typed = this.field.value;
    const { text, files } = withoutFiles(content);
    this.fill([text, typed].filter(Boolean).join("\n"));
    this.#attachments.giveBack(files);
    this.#complain(reason);
  }

  /**
   * Go to the composer of another session: every session keeps its own unsent text.
   * What was typed before the scripts were there stays.
   */
  enter(id) {
    const early = this.#isEntered ? "" : this.field.value;
    this.#isEntered = true;
    this.#id = id;
    const { text, files } = withoutFiles(readDraft(id));
    this.#isHeld = false;
    this.#attachments.enter(id);
    this.#attachments.giveBack(files);
    this.#put(text || early);
  }

  /** Let what was typed and attached go along to the session that the new chat has become. */
  moveTo(id) {
    const typed = this.field.value;
    this.#attachments.moveTo(id);
    this.#put("");
    giveBackTo(id, typed);
  }

  #put(text) {
    this.#completion.shut();
    this.field.value = text;
    this.#changed();
  }

  #changed() {
    const text = this.field.value;
    const near = text.length > COUNT_FROM;
    const excess = this.#excess();
    show(this.#parts.count, near);
    const length = near ? characters(text.trim()) : 0;
    setText(this.#parts.count, `${length.toLocaleString()} / ${MOST_CHARACTERS.toLocaleString()}`);
    this.#complain(excess > 0 ? `Too long by ${excess.toLocaleString()} characters.` : "");
    setAttribute(this.#parts.send, "disabled", !this.#isSendable());
    // What is being changed is not finished.
    this.#isHeld = false;
    this.#renderHold();
    this.#grow();
    keepDraft(this.#id, text);
  }

  #complain(reason) {
    setText(this.#parts.error, reason);
    show(this.#parts.error, Boolean(reason));
    setAttribute(this.field, "aria-invalid", Boolean(reason) && "true");
  }

  /** The style sheet bounds the height; without text the field is one line. */
  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }

  /** Show what the chat allows: `state` as in `store.js`, `phase` of the conversation. */
  render({ state, phase }) {
    const name = state.session?.state ?? "active";
    this.#enabled = phase !== "failed" && phase !== "loading" && name === "active";
    show(this.#parts.reason, name !== "active");
    show(this.#parts.restore, name === "archived");
    show(this.#parts.startNew, name === "stopped");
    setText(this.#parts.reasonText, REASONS[name]);
    show(this.#parts.box, name === "active");
    setAttribute(this.field, "disabled", !this.#enabled && phase !== "loading");
    setAttribute(this.#parts.send, "disabled", !this.#isSendable());
    setAttribute(this.#parts.attach, "disabled", !this.#enabled);
    show(this.#parts.stop, Boolean(state.turn));
    setAttribute(this.#parts.stop, "disabled", state.stopping);
  }
}

const REASONS = {
  archived: "This chat is archived. Restore it to go on.",
  stopped: "This chat was stopped. What was said stays readable.",
};

/** Add a text to what another session's composer will hold. */
export function giveBackTo(id, text) {
  keepDraft(id, [text, readDraft(id)].filter(Boolean).join("\n"));
}

function readDraft(id) {
  try {
    return sessionStorage.getItem(DRAFT_KEY + (id ?? "new")) ?? "";
  } catch {
    return "";
  }
}

function keepDraft(id, text) {
  try {
    if (text) sessionStorage.setItem(DRAFT_KEY + (id ?? "new"), text);
    else sessionStorage.removeItem(DRAFT_KEY + (id ?? "new"));
  } catch {
    // Without storage the text lives as long as the page.
  }
}
