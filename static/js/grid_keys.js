// The grid by keyboard: one stop for Tab, arrows move over it, space chooses, Enter opens, Delete deletes.
import { boxOf, cards, chooseAll, chosenCards, toggle } from "./selection.js";
import { singleKeysAreOn } from "./single_keys.js";

const grid = document.getElementById("pictures");
const form = document.getElementById("batch");
const linkOf = (card) => card.querySelector(".picture-link");
let current = null;
let place = 0; // of the current card, for when it goes

function rove(card) {
  current = card;
  place = cards().indexOf(card);
  for (const other of cards()) linkOf(other).tabIndex = boxOf(other).tabIndex = other === card ? 0 : -1;
}

const nearest = () => (current?.isConnected ? current : (cards()[place] ?? cards().at(-1)));

export function focusGrid(card = nearest()) {
  if (card) linkOf(card).focus();
}

function columns() {
  const tops = cards().map((card) => card.offsetTop);
  return tops.filter((top) => top === tops[0]).length;
}

const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: columns, Home: () => -Infinity, End: () => Infinity };

// Beyond an edge there is nothing: up from the first row and down from the last one stay, left and right go on in the next.
function move(card, key) {
  const all = cards();
  const from = all.indexOf(card);
  const to = from + STEPS[key]();
  const isRow = Math.abs(to) !== Infinity;
  focusGrid(all[isRow ? to : Math.max(0, Math.min(to, all.length - 1))] ?? card);
}

function remove(card) {
  if (!chosenCards().length) toggle(card);
  form.requestSubmit(form.querySelector("[value=delete]"));
}

const chooseAllOrNone = () => chooseAll(chosenCards().length < cards().length);

function actionFor(event, card) {
  if (event.key in STEPS) return () => move(card, event.key);
  if (event.key === " " && event.target === linkOf(card)) return () => toggle(card, { toHere: event.shiftKey });
  if (event.key === "Delete") return () => remove(card);
  if (event.key === "a" && singleKeysAreOn()) return chooseAllOrNone;
  return null;
}

function keydown(event) {
  const card = event.target.closest(".picture");
  if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = actionFor(event, card);
  if (!action) return;
  event.preventDefault();
  action();
}

if (grid) {
  grid.addEventListener("keydown", keydown);
  grid.addEventListener("focusin", (event) => rove(event.target.closest(".picture")));
  grid.addEventListener("selection:changed", ({ detail: card }) => card && rove(card));
  new MutationObserver(() => rove(nearest())).observe(grid, { childList: true });
  rove(cards()[0]);
}
