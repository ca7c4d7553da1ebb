/** The fields of a form in which format and options of an export are chosen. */

import { h, icon, setAttribute, setText, show } from "./dom.js";
import { formatOf, formats } from "./export_formats.js";

export class ExportFields {
  #form;
  #prefix;
  #parts;

  /** Put the fields into `root` of a form, around what is there; `prefix` tells those of forms apart. */
  constructor(root, prefix) {
    this.#form = root.closest("form");
    this.#prefix = prefix;
    this.#parts = {
      pages: segments("Page size", `${prefix}-page_size`, { a4: "A4", letter: "Letter" }),
      theme: segments("Colours", `${prefix}-theme`, { light: "Light", dark: "Dark" }),
    };
    root.prepend(this.#formats());
    root.append(this.#contents(), this.#looks());
    root.addEventListener("change", () => this.#fit());
  }

  /** What is chosen: format and options. */
  get choices() {
    return {
      format: this.#field("format").value,
      include_metadata: this.#field("include_metadata").checked,
      include_tools: this.#field("include_tools").checked,
      page_size: this.#field("page_size").value,
      theme: this.#field("theme").value,
    };
  }

  set choices(choices) {
    for (const name of ["format", "page_size", "theme"]) this.#field(name).value = choices[name];
    for (const name of ["include_metadata", "include_tools"]) this.#field(name).checked = choices[name];
    this.#fit();
  }

  #field(name) {
    return this.#form.elements[`${this.#prefix}-${name}`];
  }

  /** Show what the chosen format has; what is hidden keeps its value. */
  #fit() {
    const { hasPages, hasTheme, followsReader } = formatOf(this.#field("format").value);
    setText(this.#parts.theme.querySelector("label span"), followsReader ? "Auto" : "Light");
    show(this.#parts.pages, Boolean(hasPages));
    show(this.#parts.theme, Boolean(hasTheme));
  }

  #formats() {
    const options = formats().map(({ name, title, purpose, icon: picture }) => {
      const attributes = { type: "radio", name: `${this.#prefix}-format`, value: name };
      return h(
        "label",
        { class: "export-format", "data-testid": `format-${name}` },
        h("input", { ...attributes, checked: name === "pdf" }),
        icon(picture),
        h("span", { class: "export-format-words" }, h("strong", {}, title), h("small", {}, purpose)),
      );
    });
    return h("fieldset", { class: "export-formats" }, h("legend", {}, "Format"), ...options);
  }

  #contents() {
    return h(
      "fieldset",
      { class: "export-contents" },
      h("legend", {}, "Include"),
      this.#checkbox("include_metadata", "Metadata", "times, ids, models, cost"),
      this.#checkbox("include_tools", "Tool calls", "and the work of agents"),
    );
  }

  #checkbox(name, words, about) {
    const field = h("input", { type: "checkbox", name: `${this.#prefix}-${name}`, "data-testid": name });
    field.checked = true;
    return h("label", { class: "export-check" }, field, h("span", {}, words, " ", h("small", {}, about)));
  }

  #looks() {
    return h("div", { class: "export-looks" }, this.#parts.pages, this.#parts.theme);
  }
}

function segments(legend, name, values) {
  const labels = Object.entries(values).map(([value, words]) => {
    const field = h("input", { type: "radio", name, value });
    return h("label", {}, field, h("span", {}, words));
  });
  setAttribute(labels[0].firstChild, "checked", true);
  return h(
    "fieldset",
    { class: "export-segments" },
    h("legend", {}, legend),
    h("div", { class: "theme-choice" }, ...labels),
  );
}
