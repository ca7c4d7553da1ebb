/** How a chat begins. */

import * as api from "./api.js";
import { forgetModel, modelOfNewChats } from "./model_picker.js";

/**
 * Start a chat with the model that was picked for new ones; the same key again returns the same chat.
 * A model that is not offered any more must not keep a chat from beginning.
 */
export async function beginChat(key) {
  try {
    return await api.createSession(key, modelOfNewChats());
  } catch (problem) {
    if (problem.code !== "unknown_model") throw problem;
    forgetModel();
    return api.createSession(key, "");
  }
}
