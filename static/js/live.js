// Polling that survives a lost connection: says so calmly, tries again ever more slowly, and catches up.
const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 30000;
const BATCH = 60; // the server answers for so many pictures at once

const note = document.querySelector("[data-offline-note]");
let retryMs = FIRST_RETRY_MS;
let retryTimer = 0;

const isPoll = (event) => event.detail.elt?.matches?.("[data-poll]");

function pollNow() {
  clearTimeout(retryTimer);
  for (const element of document.querySelectorAll("[data-poll]")) htmx.trigger(element, "refresh");
}

function lost(event) {
  if (!isPoll(event)) return;
  if (event.detail.xhr?.status === 404) return window.location.reload(); // the picture was deleted elsewhere
  note.hidden = false;
  clearTimeout(retryTimer);
  retryTimer = setTimeout(pollNow, retryMs);
  retryMs = Math.min(retryMs * 1.7, LONGEST_RETRY_MS);
}

function regained(event) {
  if (!isPoll(event) || !event.detail.shouldSwap) return;
  note.hidden = true;
  retryMs = FIRST_RETRY_MS;
}

// The gallery asks for what is unfinished on the page now, which uploads have added to, the oldest first.
const unfinished = () => [...document.querySelectorAll("[data-unfinished]")];
let asked = [];

function askForUnfinished(event) {
  if (event.detail.elt.id !== "live") return;
  asked = unfinished().sort((a, b) => a.dataset.unfinished - b.dataset.unfinished).slice(0, BATCH);
  event.detail.parameters.set("ids", asked.map((state) => state.dataset.unfinished).join(","));
}

// Cards that were asked for and stand here unchanged belong to pictures that were deleted elsewhere.
function forgetUnanswered(event) {
  if (event.detail.elt.id !== "live") return;
  for (const state of asked) if (state.isConnected) delete state.dataset.unfinished;
  asked = [];
}

// The server's poller goes to sleep when all that it was asked for has finished; there may be more on the page.
function wakePoller() {
  const isAsleep = document.getElementById("live")?.getAttribute("hx-trigger") === "refresh";
  if (isAsleep && note.hidden && unfinished().length) pollNow();
}

// Writing the same words into a live region would make a screen reader say them again.
function keepSilentAboutTheSame(event) {
  const { target, fragment } = event.detail;
  if (target.getAttribute("role") === "status" && target.textContent === fragment.textContent) event.detail.shouldSwap = false;
}

document.addEventListener("htmx:sendError", lost);
document.addEventListener("htmx:responseError", lost);
document.addEventListener("htmx:timeout", lost);
document.addEventListener("htmx:beforeSwap", regained);
document.addEventListener("htmx:configRequest", askForUnfinished);
document.addEventListener("htmx:afterSettle", forgetUnanswered);
document.addEventListener("htmx:afterSettle", wakePoller);
document.addEventListener("pictures:added", wakePoller);
document.addEventListener("htmx:oobBeforeSwap", keepSilentAboutTheSame);
window.addEventListener("online", pollNow);
