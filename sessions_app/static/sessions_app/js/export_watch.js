/** Exports of chats that the reader has left: the page tells when one of them is ready. */

import { readExport } from "./api.js";
import { h } from "./dom.js";
import { formatOf } from "./export_formats.js";
import { isUnfinished } from "./store.js";
import { toast } from "./toasts.js";

const AGAIN_MS = 2000;
const pause = () => new Promise((resolve) => setTimeout(resolve, AGAIN_MS));

export class ExportWatch {
  #watched = new Set();
  #current;
  #open;

  /** `current()` returns the id of the open chat, `open(id)` opens one. */
  constructor({ current, open }) {
    this.#current = current;
    this.#open = open;
  }

  /** Watch what is being exported in a chat that is left. */
  leave({ id, state }) {
    for (const [subagentId, { export_id }] of state.exports) {
      const subagent = state.subagents.get(subagentId);
      if (subagent && isUnfinished(subagent)) this.#watch(export_id, id, state.session?.title);
    }
  }

  async #watch(exportId, sessionId, title) {
    if (this.#watched.has(exportId)) return;
    this.#watched.add(exportId);
    const exported = await this.#ended(exportId);
    this.#watched.delete(exportId);
    if (exported && this.#current() !== sessionId) this.#tell(exported, sessionId, title || "New chat");
  }

  /** Return the export once it has ended, or null if that cannot be known. */
  async #ended(id) {
    for (;;) {
      const answer = await readExport(id).catch((problem) => problem);
      if (answer.export_id && !isUnfinished(answer)) return answer;
      if (!answer.export_id && !answer.mayPass) return null;
      await pause();
    }
  }

  #tell({ state, format, download_url }, sessionId, title) {
    const name = `${formatOf(format).title} export of “${title}”`;
    if (state === "succeeded" && download_url) {
      const run = () => h("a", { href: download_url, download: "" }).click();
      toast(`The ${name} is ready.`, { action: { label: "Download", run } });
    } else if (state === "failed") {
      const show = { label: "Show", run: () => this.#open(sessionId) };
      toast(`The ${name} failed.`, { action: show, tone: "error" });
    }
  }
}
