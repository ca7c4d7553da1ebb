/** The header of a session: title, connection, working agents, export menu. */

import { connectionWord } from "./connection_words.js";
import { setAttribute, setText, show } from "./dom.js";
import { rememberedChoices, unusualWords } from "./export_choices.js";
import { attachMenu } from "./menus.js";
import { ModelPicker } from "./model_picker.js";
import { titleOf } from "./sidebar.js";
import { isUnfinished } from "./store.js";
import { editTitle } from "./title_editor.js";
import { count } from "./words.js";

const PRODUCT = "MCP Chat";

export class Header {
  #parts;
  #picker;
  #session = null;

  /** `on.rename(title)`, `on.export(format)`, `on.exportOptions()`, `on.showAgents()`, `on.pickModel(model)` are told. */
  constructor(root, on) {
    const names = ["title", "connection", "connectionWords", "model", "agents", "exportButton"];
    this.#parts = Object.fromEntries(names.map((name) => [name, root.querySelector(`[data-part=${name}]`)]));
    this.#parts.title.addEventListener("click", () => {
      if (this.#session) editTitle(this.#parts.title, this.#session.title, on.rename);
    });
    this.#parts.agents.addEventListener("click", on.showAgents);
    this.#attachExports(document.getElementById("export-menu"), on);
    this.#picker = new ModelPicker(this.#parts.model, document.getElementById("model-menu"), on.pickModel);
  }

  #attachExports(menu, on) {
    attachMenu(this.#parts.exportButton, menu);
    const note = menu.querySelector("[data-part=note]");
    menu.addEventListener("beforetoggle", () => {
      const unusual = unusualWords(rememberedChoices());
      setText(note, `As chosen last time: ${unusual}.`);
      show(note, Boolean(unusual));
    });
    menu.addEventListener("click", (event) => {
      const item = event.target.closest("[data-format], [data-part=options]");
      if (!item) return;
      menu.hidePopover();
      if (item.dataset.format) on.export(item.dataset.format);
      else on.exportOptions();
    });
  }

  /** Show the header of a conversation. */
  render({ state, connection }) {
    this.#session = state.session;
    const title = state.session ? titleOf(state.session) : "";
    setText(this.#parts.title, title);
    show(this.#parts.title, Boolean(title));
    this.#picker.render(state.session);
    const working = [...state.subagents.values()].filter(isUnfinished).length;
    setText(this.#parts.agents.querySelector("span"), count(working, "agent"));
    setAttribute(this.#parts.agents, "aria-label", `${count(working, "agent")} working: show the first`);
    show(this.#parts.agents, working > 0);
    show(this.#parts.exportButton, Boolean(state.session));
    document.title = title ? `${title} · ${PRODUCT}` : PRODUCT;
    this.renderConnection(connection);
  }

  /** Show how the feed stands. */
  renderConnection(connection) {
    const word = connectionWord(connection);
    show(this.#parts.connection, Boolean(word));
    this.#parts.connection.dataset.state = connection.name;
    setText(this.#parts.connectionWords, word);
  }
}
