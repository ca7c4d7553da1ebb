/** The dialog in which the reader chooses what an export of the open chat has. */

import { requestExport } from "./api.js";
import { optionsOf, remember, rememberedChoices } from "./export_choices.js";
import { refusal } from "./export_failure.js";
import { ExportFields } from "./export_fields.js";
import { FormDialog } from "./form_dialog.js";
import { MessageRange } from "./message_range.js";

export class ExportDialog {
  #form;
  #fields;
  #range;
  #read;
  #asked;

  /** `read()` returns `{id, total}` of the open chat; `asked()` is told of an export that comes. */
  constructor(dialog, { read, asked }) {
    this.#read = read;
    this.#asked = asked;
    this.#form = new FormDialog(dialog, (key, signal) => this.#send(key, signal));
    this.#range = new MessageRange(this.#form.part("range"));
    this.#fields = new ExportFields(this.#form.part("options"), "export");
  }

  /** Show it. */
  open() {
    const { id, total } = this.#read();
    this.#fields.choices = rememberedChoices();
    this.#range.enter(id, total);
    this.#form.open();
  }

  /** Close it: what is chosen is about a chat that is left. */
  close() {
    this.#form.close();
  }

  async #send(key, signal) {
    const { id, total } = this.#read();
    this.#range.enter(id, total);
    const range = this.#range.read();
    if (!range) return null;
    const { choices } = this.#fields;
    remember(choices);
    const options = { ...optionsOf(choices.format, choices), ...range };
    const wish = { session_id: id, format: choices.format, options };
    await requestExport(wish, key, signal).catch((problem) => {
      throw refusal(problem);
    });
    return this.#asked;
  }
}
