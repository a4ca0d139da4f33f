// The form that adds a model: refuses too large a file before it is sent, shows how far the upload is, and what the
// chosen architecture does to a picture by itself.
const form = () => document.getElementById("add-model");
const ON_UNIT_SCALE = new Set(["mean", "std"]);
const NAMES = ["resize_px", "crop_px", "mean", "std"];

const unit = (numbers) => numbers.split(" ").map((number) => (number / 255).toFixed(3)).join(" ");

function showOwnPreprocessing() {
  const chosen = form().elements.architecture?.value;
  const option = [...(document.getElementById("architectures")?.options ?? [])].find((one) => one.value === chosen);
  for (const name of NAMES) {
    const field = form().elements[name];
    const own = option?.getAttribute(`data-${name.replace("_", "-")}`) ?? "";
    if (field) field.placeholder = own && ON_UNIT_SCALE.has(name) ? unit(own) : own;
  }
  const first = form().elements.interpolation?.options[0];
  if (!first) return;
  first.dataset.words ??= first.textContent;
  first.textContent = option ? `${first.dataset.words} (${option.dataset.interpolation})` : first.dataset.words;
}

function sayWhetherTooLarge(field) {
  const isTooLarge = [...field.files].some((file) => file.size > Number(field.dataset.maxBytes));
  const row = field.closest(".form-row");
  row.querySelector("[data-too-large-note]")?.remove();
  row.classList.toggle("errors", isTooLarge);
  if (isTooLarge) {
    const note = Object.assign(document.createElement("ul"), { className: "errorlist" });
    note.dataset.tooLargeNote = "";
    note.setAttribute("role", "alert");
    note.append(Object.assign(document.createElement("li"), { textContent: field.dataset.tooLarge }));
    row.prepend(note);
  }
  return isTooLarge;
}

function showProgress({ detail }) {
  const place = document.querySelector("[data-upload]");
  if (!place || !detail.lengthComputable) return;
  const percent = Math.floor((100 * detail.loaded) / detail.total);
  place.hidden = false;
  place.querySelector("progress").value = percent;
  place.querySelector("[data-upload-percent]").textContent = `${percent} %`;
}

document.addEventListener("change", ({ target }) => {
  if (target.name === "checkpoint") sayWhetherTooLarge(target);
});
document.addEventListener("input", ({ target }) => {
  if (target.name === "architecture") showOwnPreprocessing();
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const field = form()?.elements.checkpoint;
  if (event.target === form() && field && sayWhetherTooLarge(field)) {
    event.preventDefault();
    field.focus();
  }
});
document.addEventListener("htmx:xhr:progress", showProgress);
document.addEventListener("htmx:afterSettle", showOwnPreprocessing);
showOwnPreprocessing();
