/** One exported chat on its way into the server: a large one is uploaded first. */

import * as api from "./api.js";
import { sourceOf, Upload } from "./upload.js";

// The most that the server takes as one body.
const DIRECT_MAX_BYTES = 1024 * 1024;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const UNREADABLE = "The file cannot be read: it was changed, moved or deleted.";
const WORDS = {
  malformed_json: "This file is not JSON, so it is no exported chat. Choose one that was exported as JSON.",
  unknown_version: "This is no exported chat, or one of a version that this server cannot read.",
};

export class ChatImport {
  #file;
  #upload = null;
  #key = api.newKey();

  constructor(file) {
    this.#file = file;
  }

  /**
   * Send it and return the new session. `told(percent, reason)` hears of an upload, with null once the server
   * restores the chat. The same object sends with the same key: it is restored once. Throws `Problem`.
   */
  async send(signal, told) {
    try {
      const isLarge = this.#file.size > DIRECT_MAX_BYTES;
      const body = isLarge ? await this.#uploaded(signal, told) : await this.#bytes();
      told(null, "");
      // Once it was asked for, the server ends it: what was cancelled is deleted then.
      const session = await api.importChat(body, this.#key);
      if (signal.aborted) api.deleteSession(session.id).catch(() => {});
      this.forget();
      return session;
    } catch (problem) {
      throw WORDS[problem.code] ? new api.Problem(400, problem.code, WORDS[problem.code]) : problem;
    }
  }

  /** Have the server forget what was uploaded. */
  forget() {
    this.#upload?.cancel();
    this.#upload = null;
  }

  async #bytes() {
    const bytes = await this.#file.arrayBuffer().catch(() => {
      throw new api.Problem(400, "unreadable", UNREADABLE);
    });
    const start = new Uint8Array(bytes, 0, Math.min(3, bytes.byteLength));
    const isMarked = BYTE_ORDER_MARK.every((byte, place) => start[place] === byte);
    return isMarked ? bytes.slice(3) : bytes;
  }

  #uploaded(signal, told) {
    if (this.#upload?.state === "done") return { file: this.#upload.id };
    return new Promise((resolve, reject) => {
      const { name, size } = this.#file;
      this.forget();
      const upload = new Upload(this.#file, { name, size, source: sourceOf(this.#file) }, () => {
        told(upload.percent, upload.reason);
        if (upload.state === "done") resolve({ file: upload.id });
        const status = upload.needsLogin ? 401 : 400;
        if (upload.state === "failed") reject(new api.Problem(status, "upload_failed", upload.reason));
      });
      this.#upload = upload;
      signal.addEventListener("abort", () => {
        this.forget();
        reject(new api.Problem(0, "aborted", ""));
      });
      upload.start();
    });
  }
}
