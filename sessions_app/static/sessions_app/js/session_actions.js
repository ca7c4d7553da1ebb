/** What one can do with a whole session, from the list or from the header. */

import * as api from "./api.js";
import { confirm } from "./dialogs.js";
import { tellProblem, toast } from "./toasts.js";

export class SessionActions {
  #changed;

  /** `changed(id, change)` is told what became of a session: some fields, or `null` when it is gone. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Give a session another title. */
  async rename(id, title) {
    await this.#try(async () => {
      await api.renameSession(id, title);
      this.#changed(id, { title });
    });
  }

  /** Put a session away, with a way back. */
  async archive(id) {
    await this.#try(async () => {
      await api.archiveSession(id);
      this.#changed(id, { state: "archived" });
      toast("Chat archived.", { action: { label: "Undo", run: () => this.restore(id) } });
    });
  }

  /** Take an archived session back. */
  async restore(id) {
    await this.#try(async () => {
      await api.restoreSession(id);
      this.#changed(id, { state: "active" });
    });
  }

  /** End a session's work for good, if the reader agrees. */
  async stop(id, title) {
    const agreed = await confirm({
      title: "Stop this chat?",
      text:
        `The answer and the agents of “${title}” are cancelled and it takes no more messages. ` +
        "What was said stays readable.",
      agree: "Stop chat",
    });
    if (!agreed) return;
    await this.#try(async () => {
      await api.stopSession(id);
      this.#changed(id, { state: "stopped" });
    });
  }

  /** Delete a session, if the reader agrees. */
  async delete(id, title) {
    const agreed = await confirm({
      title: "Delete this chat?",
      text: `“${title}” with its messages, reports and exports is deleted. This cannot be undone.`,
      agree: "Delete chat",
    });
    if (!agreed) return;
    await this.#try(async () => {
      await api.deleteSession(id);
      this.#changed(id, null);
      toast("Chat deleted.");
    });
  }

  async #try(verb) {
    try {
      await verb();
    } catch (problem) {
      tellProblem(problem);
    }
  }
}
