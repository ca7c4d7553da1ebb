/** A dialog with a form that is sent: what is refused is told in it, and nothing that was typed is lost. */

import { newKey } from "./api.js";
import { setText, show } from "./dom.js";

export class FormDialog {
  #dialog;
  #send;
  #call = null;
  #key = newKey();

  /**
   * `send(key, signal)` sends the form; it resolves to what is done once the dialog is closed, or to null if
   * it said itself what is wrong. The key stays the same until something is changed: what is sent again after an
   * answer was lost is done once.
   */
  constructor(dialog, send) {
    this.#dialog = dialog;
    this.#send = send;
    this.part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.part("cancel").addEventListener("click", () => dialog.close());
    for (const kind of ["input", "change"]) dialog.addEventListener(kind, () => (this.#key = newKey()));
    dialog.addEventListener("close", () => this.#closed());
  }

  /** Return a part of the dialog by its name. */
  part(name) {
    return this.#dialog.querySelector(`[data-part=${name}]`);
  }

  /** Show the dialog; what has the focus now gets it back. */
  open() {
    this.tell(null);
    this.#wait(false);
    this.#dialog.showModal();
  }

  /** Close it, as if the reader had cancelled. */
  close() {
    this.#dialog.close();
  }

  /** Tell a problem, or with null that there is none. */
  tell(problem) {
    setText(this.part("errorWords"), problem?.message);
    show(this.part("login"), Boolean(problem?.needsLogin));
    show(this.part("error"), Boolean(problem));
    if (problem) this.part("error").scrollIntoView({ block: "nearest" });
  }

  async #submit() {
    if (this.#call) return;
    const call = (this.#call = new AbortController());
    this.tell(null);
    this.#wait(true);
    try {
      const next = await this.#send(this.#key, call.signal);
      if (!next || call.signal.aborted) return;
      this.#key = newKey();
      this.#dialog.close();
      next();
    } catch (problem) {
      if (!call.signal.aborted) this.tell(problem);
    } finally {
      if (this.#call === call) this.#wait(false);
    }
  }

  #wait(waits) {
    if (!waits) this.#call = null;
    this.#dialog.setAttribute("aria-busy", waits);
    // One that is really disabled would lose the focus.
    this.part("submit").setAttribute("aria-disabled", waits);
  }

  #closed() {
    this.#call?.abort();
    this.#call = null;
  }
}
