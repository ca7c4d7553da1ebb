/** The fields for which messages of a chat are meant: all of them, or from one number to another. */

import { setAttribute, setText, show } from "./dom.js";
import { count as countWords } from "./words.js";

/** Return `{options}` of a range of `total` messages as it was typed, or `{field, error}`. */
export function readRange(from, to, total) {
  const first = numberOf(from, 1);
  const last = numberOf(to, total);
  const isPlace = (number) => number >= 1 && number <= total;
  if (!isPlace(first)) return { field: "from", error: outside(total) };
  if (!isPlace(last)) return { field: "to", error: outside(total) };
  if (first > last) return { field: "to", error: "The last message comes before the first one." };
  return { options: { first_message: first, last_message: last } };
}

/** What is left empty means the beginning or the end. */
function numberOf(text, empty) {
  const words = text.trim();
  if (!words) return empty;
  return /^[0-9]{1,9}$/.test(words) ? Number(words) : NaN;
}

function outside(total) {
  return total === 1 ? "There is one message." : `Give the number of a message, from 1 to ${total}.`;
}

export class MessageRange {
  #part;
  #chat;
  #total = 0;

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part=${name}]`);
    for (const name of ["from", "to"])
      this.#part(name).addEventListener("input", () => {
        this.#part("some").checked = true;
        this.#tell(null);
      });
    root.addEventListener("change", () => this.#tell(null));
  }

  /** Be about a chat with `total` messages; what was typed for another one goes. */
  enter(chat, total) {
    if (chat !== this.#chat) {
      this.#part("all").checked = true;
      for (const name of ["from", "to"]) this.#part(name).value = "";
    }
    this.#chat = chat;
    this.#total = total;
    setText(this.#part("total"), countWords(total, "message"));
    setAttribute(this.#part("from"), "placeholder", "1");
    setAttribute(this.#part("to"), "placeholder", Math.max(1, total));
    for (const name of ["some", "from", "to"]) this.#part(name).disabled = total < 1;
    this.#tell(null);
  }

  /** Return the options for what is chosen, or null after telling what is wrong with it. */
  read() {
    if (this.#part("all").checked) return {};
    const read = readRange(this.#part("from").value, this.#part("to").value, this.#total);
    this.#tell(read);
    if (read.error) {
      this.#part(read.field).focus();
      this.#part("rangeError").scrollIntoView({ block: "nearest" });
    }
    return read.options ?? null;
  }

  #tell(read) {
    for (const name of ["from", "to"])
      setAttribute(this.#part(name), "aria-invalid", read?.field === name ? "true" : null);
    setText(this.#part("rangeError"), read?.error);
    show(this.#part("rangeError"), Boolean(read?.error));
  }
}
