/** The files that go with the next message of a chat: uploaded while it is written, kept through a reload. */

import { reconcile, show } from "./dom.js";
import { toast } from "./toasts.js";
import { Upload, sourceOf } from "./upload.js";
import { uploadChip } from "./upload_chip.js";
import { count } from "./words.js";

const STORAGE_KEY = "mcpchat-files-";
const MOST_FILES = 20;
const AT_ONCE = 2;

export class Attachments {
  #list;
  #on;
  #session = null;
  #sets = new Map();
  #views = new Map();
  #numbers = new WeakMap();
  #last = 0;

  /**
   * `on.change()` is told of each change and `on.removing()` before one is taken out; `on.say(text)` tells a
   * screen reader; `on.choose()` lets the reader choose files.
   */
  constructor(list, on) {
    this.#list = list;
    this.#on = on;
    addEventListener("online", () => this.goOn());
    addEventListener("beforeunload", (event) => this.#anyUnderWay() && event.preventDefault());
  }

  /** The uploads of the chat that is shown. */
  get all() {
    return this.#of(this.#session);
  }

  /** Whether some are still being uploaded. */
  get isUnderWay() {
    return this.all.some((upload) => upload.isUnderWay);
  }

  /** Whether some cannot go with a message unless the reader does something. */
  get isStuck() {
    return this.all.some(({ state }) => state === "failed" || state === "lost");
  }

  /** The files `{id, name}` that are there. */
  get files() {
    return this.all.filter(({ state }) => state === "done").map(({ id, name }) => ({ id, name }));
  }

  /** Show those of another chat; uploads go on where they are. */
  enter(session) {
    this.#session = session;
    this.#changed();
  }

  /** Let what was attached to a new chat go along to the session that it has become. */
  moveTo(session) {
    const moved = this.#of(null);
    this.#sets.set(null, []);
    this.#keep(null);
    this.#of(session).push(...moved);
    this.#keep(session);
    this.#changed();
  }

  /** Upload files; those that an earlier page had begun go on. */
  add(files) {
    const room = MOST_FILES - this.all.length;
    const known = files.filter((file) => this.#goOnWith(file));
    const fresh = files.filter((file) => !known.includes(file));
    if (fresh.length > room)
      toast(`At most ${MOST_FILES} files go with a message.`, { tone: "error" });
    const taken = fresh.slice(0, Math.max(0, room));
    for (const file of taken)
      this.#put({ name: file.name, size: file.size, source: sourceOf(file) }, file);
    const begun = [...known, ...taken];
    if (!begun.length) return;
    this.#on.say(`Uploading ${begun.length === 1 ? begun[0].name : count(begun.length, "file")}.`);
    this.#changed();
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #goOnWith(file) {
    const lost = this.all.find((upload) => upload.isOf(file));
    lost?.goOnWith(file);
    return Boolean(lost);
  }

  /** Attach files that the server has: they come back with a message that was not sent. */
  giveBack(files) {
    for (const { id, name } of files) {
      if (this.all.some((upload) => upload.id === id)) continue;
      this.#put({ id, name, size: null, state: "done", isOurs: false });
    }
    this.#changed();
  }

  /** Bring into view what is stuck. */
  showStuck() {
    this.#list.querySelector("[data-state=failed], [data-state=lost]")?.scrollIntoView({ block: "nearest" });
  }

  /** Forget them: they have gone with a message. */
  clear() {
    this.#sets.set(this.#session, []);
    this.#changed();
  }

  /** Try anew at once: connections may have broken. */
  goOn() {
    for (const uploads of this.#sets.values()) for (const upload of uploads) upload.goOn();
  }

  #put(facts, file = null, session = this.#session) {
    const upload = new Upload(file, facts, (before) => this.#moved(upload, before));
    this.#sets.get(session).push(upload);
    this.#numbers.set(upload, `upload-${(this.#last += 1)}`);
    if (upload.id) this.#verify(upload);
    return upload;
  }

  /** What an earlier page had may have expired. */
  async #verify(upload) {
    if (await upload.isStillThere()) return;
    toast(`${upload.name} is not kept any more: attach it again.`, { tone: "error" });
    this.#drop(upload);
  }

  #moved({ name, state, reason }, before) {
    const isNews = before !== state;
    if (isNews && state === "done") this.#on.say(`${name} is uploaded.`);
    if (isNews && state === "failed") this.#on.say(`${name} was not uploaded. ${reason}`);
    this.#changed();
  }

  #remove(upload) {
    upload.cancel();
    this.#on.removing();
    this.#drop(upload);
    this.#on.say(`${upload.name} is removed.`);
  }

  #drop(upload) {
    for (const [session, uploads] of this.#sets) {
      this.#sets.set(session, uploads.filter((one) => one !== upload));
      this.#keep(session);
    }
    this.#changed();
  }

  #changed() {
    this.#startNext();
    this.#keep(this.#session);
    const entries = this.all.map((item) => ({ key: this.#numbers.get(item), item }));
    reconcile(this.#list, this.#views, entries, (entry) => uploadChip(entry, this.#actions));
    show(this.#list, entries.length > 0);
    this.#on.change();
  }

  #actions = {
    onRetry: (upload) => upload.start(),
    onChoose: () => this.#on.choose(),
    onRemove: (upload) => this.#remove(upload),
  };

  #startNext() {
    const uploads = [...this.#sets.values()].flat();
    const sending = uploads.filter(({ state }) => state === "sending").length;
    const next = sending < AT_ONCE && uploads.find(({ state }) => state === "waiting");
    // Which tells of a change, and so comes here again.
    if (next) next.start();
  }

  #anyUnderWay() {
    return [...this.#sets.values()].flat().some((upload) => upload.isUnderWay);
  }

  #of(session) {
    if (!this.#sets.has(session)) {
      this.#sets.set(session, []);
      for (const facts of stored(session)) this.#put(facts, null, session);
    }
    return this.#sets.get(session);
  }

  #keep(session) {
    const kept = this.#of(session).map((upload) => upload.kept);
    try {
      if (kept.length) sessionStorage.setItem(STORAGE_KEY + (session ?? "new"), JSON.stringify(kept));
      else sessionStorage.removeItem(STORAGE_KEY + (session ?? "new"));
    } catch {
      // Without storage they live as long as the page.
    }
  }
}

function stored(session) {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY + (session ?? "new"))) ?? [];
  } catch {
    return [];
  }
}
