/** What every page has: the account menu, and the dialogs behind it. */

import { ArchiveDialog } from "./archive_dialog.js";
import { ImportDialog } from "./import_dialog.js";
import { attachMenu } from "./menus.js";
import { Permissions } from "./permissions.js";

const button = document.getElementById("account-button");
if (button) {
  const menu = document.getElementById("account-menu");
  attachMenu(button, menu);
  const permissions = new Permissions(document.getElementById("permissions-dialog"), button);
  document.getElementById("permissions-open").addEventListener("click", () => {
    menu.hidePopover();
    permissions.open();
  });
  openFrom("[data-opens=archive]", new ArchiveDialog(document.getElementById("archive-dialog")));
  openFrom("[data-opens=import]", new ImportDialog(document.getElementById("import-dialog")));
}

/** Open a dialog from the items of menus that a selector finds. */
function openFrom(selector, dialog) {
  for (const item of document.querySelectorAll(selector))
    item.addEventListener("click", () => {
      // The focus goes back to the menu's button, and from the dialog there, too.
      item.closest("[popover]")?.hidePopover();
      dialog.open();
    });
}
