/** How files come into the page: chosen, dropped anywhere on the chat, or pasted. */

import { show } from "./dom.js";
import { toast } from "./toasts.js";

const hasFiles = (transfer) => Boolean(transfer?.types.includes("Files"));

export class FileTaking {
  #input;
  #on;

  /** `on.take(files)` is given files; `on.mayTake()` says whether the chat takes any now. */
  constructor(input, on) {
    this.#input = input;
    this.#on = on;
    input.addEventListener("change", () => {
      this.#take([...input.files]);
      // The same file chosen again is news.
      input.value = "";
    });
    document.addEventListener("paste", (event) => this.#paste(event));
  }

  /** Let the reader choose. */
  choose() {
    this.#input.click();
  }

  /** Take what is dropped on `area`; `target` is shown over it meanwhile. */
  listenToDrops(area, target) {
    // A file that is dropped beside the chat must not take the page's place.
    addEventListener("dragover", (event) => this.#over(event, area.contains(event.target), target));
    addEventListener("dragleave", (event) => event.relatedTarget === null && show(target, false));
    addEventListener("drop", (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      const takes = !target.hidden;
      show(target, false);
      if (takes) this.#takeDropped(event.dataTransfer);
    });
  }

  #takeDropped(transfer) {
    const { files, hasFolder } = dropped(transfer);
    if (hasFolder) toast("A folder cannot be attached: make an archive of it.", { tone: "error" });
    this.#take(files);
  }

  #over(event, isInside, target) {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    const takes = isInside && this.#on.mayTake() && !document.querySelector("dialog[open]");
    event.dataTransfer.dropEffect = takes ? "copy" : "none";
    show(target, takes);
  }

  /** Office programs put a picture of the text beside it: the text is what is meant. */
  #paste(event) {
    const { files, types } = event.clipboardData;
    const isText = types.includes("text/html") && types.includes("text/plain");
    if (!files.length || isText || !this.#on.mayTake() || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.#take([...files]);
  }

  #take(files) {
    if (files.length && this.#on.mayTake()) this.#on.take(files);
  }
}

/** Return `{files, hasFolder}` of what was dropped: a folder has no bytes that a page could read. */
export function dropped(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const isFolder = (item) => Boolean(item.webkitGetAsEntry?.()?.isDirectory);
  const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile()).filter(Boolean);
  return { files, hasFolder: items.some(isFolder) };
}
