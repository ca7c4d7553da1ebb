/** The dialog in which the reader imports a chat from a JSON export. */

import { ChatImport } from "./chat_import.js";
import { setAttribute, setText, show } from "./dom.js";
import { dropped } from "./file_taking.js";
import { FormDialog } from "./form_dialog.js";
import { visit } from "./visits.js";
import { count, sizeWords } from "./words.js";

const FOLDER = "A folder cannot be imported: choose the JSON file in it.";
const hasFiles = (transfer) => Boolean(transfer?.types.includes("Files"));

export class ImportDialog {
  #form;
  #part;
  #mostBytes;
  #file = null;
  #import = null;

  constructor(dialog) {
    this.#form = new FormDialog(dialog, (key, signal) => this.#send(signal));
    this.#part = (name) => this.#form.part(name);
    this.#mostBytes = Number(dialog.dataset.mostBytes);
    this.#part("choose").addEventListener("click", () => this.#part("file").click());
    this.#part("file").addEventListener("change", ({ target }) => {
      this.#take([...target.files]);
      // The same file chosen again is news.
      target.value = "";
    });
    this.#listenToDrops(dialog);
    dialog.addEventListener("close", () => this.#take([]));
  }

  /** Show it. */
  open() {
    this.#form.open();
    this.#render();
  }

  #listenToDrops(dialog) {
    const mark = (isOver) => setAttribute(this.#part("drop"), "data-over", isOver);
    const over = (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      // The chat behind the dialog takes none now.
      event.stopPropagation();
      event.preventDefault();
      event.dataTransfer.dropEffect = this.#isSending() ? "none" : "copy";
      mark(!this.#isSending());
    };
    dialog.addEventListener("dragenter", over);
    dialog.addEventListener("dragover", over);
    dialog.addEventListener("dragleave", (event) => dialog.contains(event.relatedTarget) || mark(false));
    dialog.addEventListener("drop", (event) => {
      over(event);
      mark(false);
      if (!this.#isSending()) this.#takeDropped(event.dataTransfer);
    });
  }

  /** What has no file in it leaves the chosen one where it is. */
  #takeDropped(transfer) {
    const { files, hasFolder } = dropped(transfer);
    if (files.length) this.#take(files, hasFolder || files.length > 1);
    else if (hasFolder) this.#form.tell(new Error(FOLDER));
  }

  #isSending() {
    return !this.#part("progress").hidden;
  }

  #take(files, hasMore = false) {
    this.#import?.forget();
    this.#file = files[0] ?? null;
    this.#import = this.#file && new ChatImport(this.#file);
    this.#form.tell(this.#refusal(hasMore));
    this.#render();
    if (this.#file && !this.#part("submit").disabled) this.#part("submit").focus();
  }

  #refusal(hasMore) {
    if (this.#isTooLarge()) return new Error(`At most ${sizeWords(this.#mostBytes)} are imported.`);
    return hasMore ? new Error(`One chat at a time: only ${this.#file.name} is taken.`) : null;
  }

  #isTooLarge() {
    return this.#file !== null && this.#file.size > this.#mostBytes;
  }

  #render() {
    show(this.#part("chosen"), Boolean(this.#file));
    setText(this.#part("fileName"), this.#file?.name);
    setText(this.#part("fileSize"), this.#file ? sizeWords(this.#file.size) : "");
    setText(this.#part("choose"), this.#file ? "Choose another file" : "Choose a file");
    this.#part("choose").disabled = false;
    this.#part("submit").disabled = !this.#file || this.#isTooLarge();
    this.#tellProgress(undefined, "");
  }

  async #send(signal) {
    if (!this.#file || this.#isTooLarge()) return null;
    this.#part("choose").disabled = true;
    this.#tellProgress(null, "");
    try {
      const session = await this.#import.send(signal, (...told) => this.#tellProgress(...told));
      return () => visit(session.id, `Imported ${count(session.message_count, "message")}.`);
    } finally {
      if (!signal.aborted) this.#render();
    }
  }

  /** Show how far an upload is; null: the server restores the chat; undefined: nothing is under way. */
  #tellProgress(percent, reason) {
    const isUpload = typeof percent === "number";
    show(this.#part("progress"), percent !== undefined);
    show(this.#part("bar"), isUpload);
    setAttribute(this.#part("bar"), "aria-valuenow", isUpload ? percent : null);
    this.#part("fill").style.transform = `scaleX(${(percent ?? 0) / 100})`;
    setText(this.#part("stage"), isUpload ? `Uploading… ${percent} %` : "Restoring the chat…");
    setText(this.#part("reason"), reason);
    show(this.#part("reason"), Boolean(reason));
  }
}
