/** Exports of the open chat: asked for by a click, in a dialog, or once more. */

import { optionsOf, rememberedChoices } from "./export_choices.js";
import { ExportDialog } from "./export_dialog.js";
import { ExportWatch } from "./export_watch.js";
import { toast } from "./toasts.js";

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

  /** Ask for an export with what it was asked for with. */
  async again({ format, args: { truncated, as_staff, options, session_ids } }) {
    if (as_staff) toast("Export these chats anew in the admin.", { tone: "error" });
    // The page has not so many ids.
    else if (truncated) toast("Choose these chats anew under “Export several chats…”.", { tone: "error" });
    else await this.#ask({ format, options, session_ids });
  }

  /** The reader goes to another chat: tell there when an export is ready. */
  leave() {
    this.#watch.leave(this.#conversation);
  }

  async #ask(wish) {
    if (await this.#conversation.export(wish)) this.#asked();
  }
}
