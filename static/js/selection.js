// Which pictures are chosen: by their boxes, by shift for all between two, by a long press where there is no mouse.
// The boxes are the truth, so that the form works without this and a page that is gone back to shows what it showed.
const LONG_PRESS_MS = 450;

const grid = document.getElementById("pictures");
let anchor = null; // where a row of pictures begins
let pressTimer = 0;
let wasLongPress = false;

export const cards = () => [...grid.querySelectorAll(".picture")];
export const boxOf = (card) => card.querySelector(".picture-box");
export const chosenCards = () => cards().filter((card) => boxOf(card).checked);

const changed = (card = null) => grid.dispatchEvent(new CustomEvent("selection:changed", { bubbles: true, detail: card }));

export function chooseAll(isChosen) {
  for (const card of cards()) boxOf(card).checked = isChosen;
  anchor = null;
  changed();
}

export function toggle(card, { toHere = false } = {}) {
  const isChosen = !boxOf(card).checked;
  boxOf(card).checked = isChosen;
  settle(card, isChosen, toHere);
}

// What the box of this card says now goes for all up to the one before, if they are chosen in a row.
function settle(card, isChosen, toHere) {
  const all = cards();
  const from = all.indexOf(anchor);
  if (toHere && from >= 0) {
    const [first, last] = [from, all.indexOf(card)].sort((a, b) => a - b);
    for (const between of all.slice(first, last + 1)) boxOf(between).checked = isChosen;
  }
  anchor = card;
  changed(card);
}

// While something is chosen a click chooses more; with control or command it opens a tab, and Enter opens, as ever.
function click(event) {
  const card = event.target.closest(".picture");
  if (!card) return;
  if (event.target === boxOf(card)) return settle(card, event.target.checked, event.shiftKey);
  const opens = event.ctrlKey || event.metaKey || event.detail === 0;
  if (!wasLongPress && (opens || (!event.shiftKey && !chosenCards().length))) return;
  event.preventDefault();
  if (!wasLongPress) toggle(card, { toHere: event.shiftKey });
  wasLongPress = false;
}

function press(event) {
  wasLongPress = false;
  const card = event.target.closest(".picture");
  if (event.pointerType !== "touch" || !card) return;
  pressTimer = setTimeout(() => {
    wasLongPress = true;
    navigator.vibrate?.(10);
    toggle(card);
  }, LONG_PRESS_MS);
}

const release = () => clearTimeout(pressTimer);

if (grid) {
  grid.addEventListener("click", click);
  grid.addEventListener("pointerdown", press);
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, release);
  // Held on a link, a finger would open the browser's own menu.
  grid.addEventListener("contextmenu", (event) => {
    if (event.pointerType === "touch") event.preventDefault();
  });
}
