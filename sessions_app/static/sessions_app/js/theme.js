/** Light, dark, or as the system says. A classic script in the head: the first paint has the colours. */
(function () {
  const KEY = "mcpchat-theme";
  const root = document.documentElement;

  function saved() {
    try {
      return localStorage.getItem(KEY) || "auto";
    } catch {
      return "auto";
    }
  }

  function apply(theme) {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  apply(saved());
  document.addEventListener("DOMContentLoaded", () => {
    const chosen = document.querySelector(`input[name=theme][value="${saved()}"]`);
    if (chosen) chosen.checked = true;
  });
  document.addEventListener("change", (event) => {
    if (event.target.name !== "theme") return;
    apply(event.target.value);
    try {
      localStorage.setItem(KEY, event.target.value);
    } catch {
      // Without storage the choice holds for this page.
    }
  });
})();
