/** The formats of exports, and what can be chosen of each. */

const FORMATS = [
  {
    name: "pdf",
    title: "PDF",
    purpose: "to read, print and send",
    icon: "page",
    hasPages: true,
    hasTheme: true,
  },
  {
    name: "html",
    title: "HTML",
    purpose: "one page for any browser",
    icon: "globe",
    hasTheme: true,
    followsReader: true,
  },
  { name: "markdown", title: "Markdown", purpose: "for notes and editors", icon: "markdown" },
  { name: "json", title: "JSON", purpose: "for import and programs", icon: "braces" },
];

/** All of them, the one that most people want first. */
export const formats = () => FORMATS;

/** Return a format by its name; one that this page does not know has nothing to choose. */
export function formatOf(name) {
  return FORMATS.find((format) => format.name === name) ?? { name, title: String(name ?? ""), icon: "file" };
}
