// Labels below a threshold are hidden; every page of a picture remembers it.
const KEY = "threshold-percent";
const status = document.getElementById("results-status");

function stored() {
  try {
    return Number(localStorage.getItem(KEY)) || 0;
  } catch {
    return 0; // storage may be switched off
  }
}

function store(percent) {
  try {
    localStorage.setItem(KEY, percent);
  } catch {
    // this page keeps it all the same
  }
}

// The sentence about what is shown now.
function hideBelow(percent) {
  const panel = document.getElementById("threshold");
  if (!panel) return "";
  const input = panel.querySelector("input");
  input.value = percent;
  input.setAttribute("aria-valuetext", `${percent}%`);
  panel.querySelector("output").textContent = `${percent}%`;
  const labels = [...document.querySelectorAll("#results .result")];
  for (const label of labels) label.hidden = Number(label.dataset.confidence) < percent;
  for (const model of document.querySelectorAll("#results .results")) {
    model.querySelector(".results-none").hidden = model.querySelector(".result:not([hidden])") !== null;
  }
  const shown = labels.filter((label) => !label.hidden).length;
  const sentence = panel.dataset.shown.replace("{shown}", shown).replace("{total}", labels.length);
  panel.querySelector(".threshold-shown").textContent = shown < labels.length ? sentence : "";
  return sentence;
}

document.addEventListener("input", (event) => {
  if (event.target.id !== KEY) return;
  hideBelow(event.target.value);
  store(event.target.value);
});
document.addEventListener("change", (event) => {
  if (event.target.id === KEY) status.textContent = hideBelow(event.target.value);
});
document.addEventListener("htmx:afterSwap", () => hideBelow(stored()));
hideBelow(stored());
