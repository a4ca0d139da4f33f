// The upload zone: takes files that are dropped, pasted, chosen or photographed and gives them to the queue of uploads.
import { droppedFiles, picturesOfFolder } from "./dropped_files.js";
import { UploadQueue } from "./upload_queue.js";

const form = document.getElementById("upload");
const veil = document.getElementById("drop-veil");
const queue = new UploadQueue(form, document.getElementById("uploads"));

function wish() {
  const chosen = new FormData(form);
  return { model: chosen.get("model") ?? "", priority: chosen.get("priority"), strips: chosen.getAll("strip_metadata").at(-1) };
}

function add(files) {
  if (files.length) queue.add(files, wish());
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  veil.hidden = false;
});

document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) veil.hidden = true;
});

document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  veil.hidden = true;
  add(await droppedFiles(event.dataTransfer));
});

document.addEventListener("paste", (event) => add(event.clipboardData?.files ?? []));

// `pick` tells which of the chosen files are meant. What was chosen while this script was still on its way counts, too.
function takeFrom(input, pick = (files) => [...files]) {
  const take = () => {
    add(pick(input.files));
    input.value = "";
  };
  input.addEventListener("change", take);
  take();
}

takeFrom(form.elements.files);
takeFrom(document.getElementById("camera"));
takeFrom(document.getElementById("folder"), picturesOfFolder);

for (const button of form.querySelectorAll("[data-opens]")) {
  const input = document.getElementById(button.dataset.opens);
  button.hidden = button.dataset.opens === "folder" && !("webkitdirectory" in input);
  button.addEventListener("click", () => input.click());
}

form.addEventListener("change", ({ target }) => {
  if (target.name === "model") form.querySelector("[data-chosen-model]").textContent = target.dataset.name;
});

form.addEventListener("submit", (event) => event.preventDefault());

window.addEventListener("beforeunload", (event) => {
  if (queue.wouldLose) event.preventDefault();
});

form.classList.add("takes-drops"); // the page promises it only now
