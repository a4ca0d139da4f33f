// The bar of what can be done with the chosen pictures: offers what is possible, does it without leaving the page.
import { asked } from "./asked.js";
import { focusGrid } from "./grid_keys.js";
import { outcome, say } from "./outcome.js";
import { boxOf, cards, chooseAll, chosenCards } from "./selection.js";
import { takeAway } from "./undo.js";

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

function clear() {
  chooseAll(false);
  focusGrid();
}

function escape(event) {
  if (event.key === "Escape" && chosenCards().length && !document.querySelector(":popover-open")) clear();
}

async function submit(event) {
  const { name, value } = event.submitter ?? {};
  // Where nothing would be left, another page has to come, which offers to undo it as well.
  if (name !== "action" || (value === "delete" && chosenCards().length === cards().length)) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  form.inert = true;
  show(await asked(form, body));
  form.inert = false;
  if (chosenCards().length) event.submitter.focus();
  else focusGrid(); // the bar is gone
}

// The page's poll brings the new states; who could not be helped stays chosen.
function show({ done = [], message, deletion }) {
  const helped = done.map((id) => document.getElementById(`picture-${id}`)).filter(Boolean);
  for (const card of helped) boxOf(card).checked = false;
  if (deletion) takeAway(helped);
  else for (const card of helped) card.querySelector(".picture-state").dataset.unfinished = boxOf(card).value;
  offer();
  outcome(message, { isDone: done.length > 0, deletion });
  htmx.trigger("#live", "refresh");
}

if (form) {
  form.addEventListener("submit", submit);
  part("clear").addEventListener("click", () => clear());
  part("all").addEventListener("click", () => chooseAll(true));
  document.addEventListener("keydown", escape);
  document.addEventListener("selection:changed", tell);
  document.addEventListener("htmx:afterSettle", offer);
  offer();
}
