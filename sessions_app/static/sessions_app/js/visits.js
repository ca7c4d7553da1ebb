/** Going to a chat from any page: the chat page shows it at once, another page loads the chat page. */

import { toast } from "./toasts.js";

const STORAGE_KEY = "mcpchat-said";
let open = null;

/** Go to a chat; `words`, if there are any, are told there. */
export function visit(id, words = "") {
  if (open) {
    open(id);
    if (words) toast(words);
    return;
  }
  keep(words);
  location.assign(`/sessions/${encodeURIComponent(id)}/`);
}

/** Have `show(id)` show chats in this page, and tell what the page before left to be told. */
export function openChatsHere(show) {
  open = show;
  const words = kept();
  keep("");
  if (words) toast(words);
}

function keep(words) {
  try {
    if (words) sessionStorage.setItem(STORAGE_KEY, words);
    else sessionStorage.removeItem(STORAGE_KEY);
  } catch {
    // Without storage nothing is told; the chat is there.
  }
}

function kept() {
  try {
    return sessionStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}
