/** The dialog in which the reader chooses chats that are exported into one archive. */

import { requestExport } from "./api.js";
import { ChatPicker, MOST_CHATS } from "./chat_picker.js";
import { optionsOf, remember, rememberedChoices } from "./export_choices.js";
import { ExportFields } from "./export_fields.js";
import { FormDialog } from "./form_dialog.js";
import { visit } from "./visits.js";
import { count } from "./words.js";

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
    // On a phone it stays at the title: the keyboard would cover the list.
    if (matchMedia("(hover: hover)").matches) this.#form.part("search").focus();
    this.#picker.enter(ids);
  }

  async #send(key, signal) {
    const chosen = await this.#picker.read();
    if (!chosen.length) throw new Error("Choose at least one chat.");
    if (chosen.length > MOST_CHATS) throw new Error(`An archive has at most ${MOST_CHATS} chats.`);
    const { choices } = this.#fields;
    remember(choices);
    const { format } = choices;
    const wish = { session_ids: chosen, format, options: optionsOf(format, choices) };
    const { session_id } = await requestExport(wish, key, signal).catch((problem) => this.#refused(problem));
    return () => visit(session_id);
  }

  /** A chat that was deleted meanwhile is chosen no more; the rest stays. */
  async #refused(problem) {
    const gone = problem.code === "not_found" ? await this.#picker.forgetDeleted() : 0;
    if (!gone) throw problem;
    const were = gone === 1 ? "was" : "were";
    const next = (await this.#picker.read()).length ? "Export the others now." : "Choose others.";
    throw new Error(`${count(gone, "selected chat")} ${were} deleted meanwhile. ${next}`);
  }
}
