// Keys without control: on the whole page "/" leads to the search and "?" lists all keys. Whoever speaks to the machine
// or strays with a hand can switch them off in that list; it is remembered in this browser.
const STORED = "single-keys";
const list = document.getElementById("keys");
const box = list?.querySelector("input");

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage may be switched off
  }
}

export const singleKeysAreOn = () => box?.checked ?? false;

const isTyping = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

const ACTIONS = {
  "/": () => document.querySelector("#finder [name=q]")?.select(),
  "?": () => list.togglePopover(),
};

if (list) {
  box.checked = stored() !== "off";
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(STORED, box.checked ? "on" : "off");
    } catch {
      // this page does as it was told all the same
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (!(event.key in ACTIONS) || !singleKeysAreOn()) return;
    event.preventDefault();
    ACTIONS[event.key]();
  });
}
