// Nobody is signed in any more: what they had not sent yet is not for the next person at this browser.
import { forgetAll } from "./upload_store.js";

forgetAll().catch(() => {}); // a browser that keeps nothing has nothing to forget
