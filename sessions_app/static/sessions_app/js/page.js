/** What every page has: the account menu, and the allowed tools behind it. */

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
}
