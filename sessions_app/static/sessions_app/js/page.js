/** What every page has: the account menu. */

import { attachMenu } from "./menus.js";

const button = document.getElementById("account-button");
if (button) attachMenu(button, document.getElementById("account-menu"));
