/** Exports of the open chat: asked for by a click, in a dialog, or in another format. */

import { optionsOf, rememberedChoices } from "./export_choices.js";
import { ExportDialog } from "./export_dialog.js";
import { ExportWatch } from "./export_watch.js";

/** Return how many messages the shown branch has: results of work in other branches are there, too. */
function messageCount({ session, messages, subagents }) {
  if (!session?.branch_id) return messages.size;
  const isShown = ({ role, subagent_id }) => role !== "subagent" || subagents.has(subagent_id);
  return [...messages.values()].filter(isShown).length;
}

export class ChatExports {
  #conversation;
  #asked;
  #dialog;
  #watch;

  /** `asked()` is told of an export that comes into the open chat, `open(id)` opens another one. */
  constructor(conversation, { asked, open }) {
    this.#conversation = conversation;
    this.#asked = asked;
    this.#watch = new ExportWatch({ current: () => conversation.id, open });
    this.#dialog = new ExportDialog(document.getElementById("export-dialog"), {
      read: () => ({ id: conversation.id, total: messageCount(conversation.state) }),
      asked,
    });
  }

  /** Let the reader choose what the export has. */
  choose() {
    this.#dialog.open();
  }

  /** Export in a format, with what was chosen last. */
  as(format) {
    return this.#ask({ format, options: optionsOf(format, rememberedChoices()) });
  }

  /** Ask for an export in a format, else as an earlier one was asked for. */
  again({ format, args: { options, session_ids } }) {
    return this.#ask({ format, options, session_ids });
  }

  /** The reader goes to another chat: tell there when an export is ready. */
  leave() {
    this.#dialog.close();
    this.#watch.leave(this.#conversation);
  }

  async #ask(wish) {
    if (await this.#conversation.export(wish)) this.#asked();
  }
}
