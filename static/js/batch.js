// The bar of what can be done with the chosen pictures: offers what is possible, does it without leaving the page.
import { outcome, say } from "./outcome.js";
import { boxOf, chooseAll, chosenCards } from "./selection.js";

const form = document.getElementById("batch");
const part = (name) => form.querySelector(`[data-part="${name}"]`);
const isUnfinished = (card) => card.querySelector("[data-unfinished]") !== null;

function offer() {
  const chosen = chosenCards();
  const unfinished = chosen.filter(isUnfinished).length;
  part("cancel").hidden = unfinished === 0;
  part("analyze").hidden = unfinished === chosen.length;
  part("count").textContent = form.dataset.chosen.replace("{count}", chosen.length);
}

function tell() {
  offer();
  say(part("count").textContent);
}

// A button is called `action`, which hides the property of that name.
async function ask(body) {
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } });
  if (answer.status === 401) window.location.reload();
  const told = await answer.json().catch(() => ({}));
  return answer.ok ? told : { done: [], message: told.errors?.[0].message ?? form.dataset.failed };
}

async function submit(event) {
  if (event.submitter?.name !== "action") return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  form.inert = true;
  const told = await ask(body).catch(() => ({ done: [], message: form.dataset.lost }));
  form.inert = false;
  show(told);
}

// The page's poll brings the new states; who could not be helped stays chosen.
function show({ done, message }) {
  for (const id of done) {
    const card = document.getElementById(`picture-${id}`);
    if (!card) continue;
    boxOf(card).checked = false;
    card.querySelector(".picture-state").dataset.unfinished = id;
  }
  offer();
  outcome(message, done.length > 0);
  document.dispatchEvent(new Event("pictures:added"));
}

if (form) {
  form.addEventListener("submit", submit);
  part("clear").addEventListener("click", () => chooseAll(false));
  part("all").addEventListener("click", () => chooseAll(true));
  document.addEventListener("selection:changed", tell);
  document.addEventListener("htmx:afterSettle", offer);
  offer();
}
