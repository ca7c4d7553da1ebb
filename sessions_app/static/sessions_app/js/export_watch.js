/** Exports of chats that the reader has left: the page tells when one of them is ready. */

import { listExports, readSubagent } from "./api.js";
import { h } from "./dom.js";
import { formatOf } from "./export_formats.js";
import { isUnfinished } from "./store.js";
import { toast } from "./toasts.js";

const EXPORT_AGENT = "export_agent";
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
    for (const subagent of state.subagents.values())
      if (subagent.agent_type === EXPORT_AGENT && isUnfinished(subagent))
        this.#watch(subagent.subagent_id, id, state.session?.title);
  }

  async #watch(subagentId, sessionId, title) {
    if (this.#watched.has(subagentId)) return;
    this.#watched.add(subagentId);
    const exported = await this.#ended(subagentId, sessionId);
    this.#watched.delete(subagentId);
    if (exported && this.#current() !== sessionId) this.#tell(exported, sessionId, title || "New chat");
  }

  /** Return the export once it has ended; nothing if that cannot be known. */
  async #ended(subagentId, sessionId) {
    for (;;) {
      const answer = await readSubagent(subagentId).catch((problem) => problem);
      if (answer.state && !isUnfinished(answer)) break;
      if (!answer.state && !answer.mayPass) return undefined;
      await pause();
    }
    const { results } = await listExports(sessionId).catch(() => ({ results: [] }));
    return results.find(({ subagent_id }) => subagent_id === subagentId);
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
