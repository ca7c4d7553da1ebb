/** The dialog that asks for the arguments of a server's prompt and has it written. */

import { h, setText, show } from "./dom.js";
import { writtenPrompt } from "./prompt_call.js";

const AT_ONCE_MS = 300;

export class PromptDialog {
  #dialog;
  #parts;
  #wish = null;
  #fields = new Map();
  #call = null;

  /** `session()` resolves to the id of the chat in which the server is asked. */
  constructor(dialog, session) {
    this.#dialog = dialog;
    this.session = session;
    const find = (name) => dialog.querySelector(`[data-part=${name}]`);
    this.#parts = Object.fromEntries(
      ["title", "description", "fields", "error", "status", "cancel", "insert", "form"].map((name) => [
        name,
        find(name),
      ]),
    );
    this.#parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#write();
    });
    this.#parts.cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#call?.abort());
  }

  /** Have `prompt` written; `put(text)` is given its text. One without arguments needs no dialog. */
  ask(prompt, put) {
    this.#wish = { prompt, put };
    this.#render(prompt);
    if (prompt.arguments.length) this.#dialog.showModal();
    else this.#write();
  }

  #render({ server, name, title, description, arguments: expected }) {
    setText(this.#parts.title, title || name);
    setText(this.#parts.description, description || `A prompt of ${server}.`);
    this.#fields = new Map(expected.map((argument, number) => [argument.name, field(argument, number)]));
    const nodes = [...this.#fields.values()].map(({ node }) => node);
    this.#parts.fields.replaceChildren(...nodes);
    this.#tell("");
    this.#wait(false);
  }

  async #write() {
    const { prompt, put } = this.#wish;
    const call = new AbortController();
    this.#call?.abort();
    this.#call = call;
    this.#tell("");
    this.#wait(true);
    const shown = setTimeout(() => this.#show(), AT_ONCE_MS);
    try {
      const text = await writtenPrompt(await this.session(), prompt, this.#values(), call.signal);
      if (call.signal.aborted) return;
      this.#call = null;
      clearTimeout(shown);
      this.#dialog.close();
      put(text);
    } catch (problem) {
      if (call.signal.aborted) return;
      this.#tell(problem.message);
      this.#show();
    } finally {
      clearTimeout(shown);
      if (this.#call === call || !this.#call) this.#wait(false);
    }
  }

  #show() {
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** What is left empty is not given. */
  #values() {
    const given = [...this.#fields].map(([name, { input }]) => [name, input.value]);
    return Object.fromEntries(given.filter(([, value]) => value !== ""));
  }

  #tell(error) {
    setText(this.#parts.error, error);
    show(this.#parts.error, Boolean(error));
  }

  #wait(waits) {
    setText(this.#parts.status, waits ? "The server is asked…" : "");
    this.#parts.insert.disabled = waits;
  }
}

function field({ name, title, description, required }, number) {
  const id = `prompt-argument-${number}`;
  const described = description ? `${id}-help` : null;
  const input = h("textarea", {
    id,
    rows: "1",
    required: Boolean(required),
    "aria-describedby": described,
    "data-testid": "prompt-argument",
    dir: "auto",
  });
  const mark = h("span", { class: "prompt-mark" }, required ? "required" : "optional");
  const label = h("label", { for: id }, title || name, " ", mark);
  const help = description ? h("small", { id: described }, description) : null;
  return { input, node: h("div", { class: "field" }, label, input, help) };
}
