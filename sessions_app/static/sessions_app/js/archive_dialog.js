/** The dialog in which the reader chooses chats that are exported into one archive. */

import { requestExport } from "./api.js";
import { ChatPicker, MOST_CHATS } from "./chat_picker.js";
import { optionsOf, remember, rememberedChoices } from "./export_choices.js";
import { ExportFields } from "./export_fields.js";
import { FormDialog } from "./form_dialog.js";
import { visit } from "./visits.js";

export class ArchiveDialog {
  #form;
  #picker;
  #fields;

  constructor(dialog) {
    this.#form = new FormDialog(dialog, (key, signal) => this.#send(key, signal));
    this.#picker = new ChatPicker(this.#form.part("picker"));
    this.#fields = new ExportFields(this.#form.part("options"), "archive");
  }

  /** Show it; `ids` are chosen to begin with. */
  open(ids = []) {
    this.#fields.choices = rememberedChoices();
    this.#form.open();
    // With the focus in the search, the keyboard of a phone would cover the list.
    if (matchMedia("(hover: none)").matches) this.#form.part("title").focus();
    this.#picker.enter(ids);
  }

  async #send(key, signal) {
    const { chosen } = this.#picker;
    if (!chosen.length) throw new Error("Choose at least one chat.");
    if (chosen.length > MOST_CHATS) throw new Error(`An archive has at most ${MOST_CHATS} chats.`);
    const { choices } = this.#fields;
    remember(choices);
    const { format } = choices;
    const wish = { session_ids: chosen, format, options: optionsOf(format, choices) };
    const { session_id } = await requestExport(wish, key, signal);
    return () => visit(session_id);
  }
}
