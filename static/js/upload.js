// The upload zone: takes files that are dropped, pasted or chosen and gives them to the queue of uploads.
import { droppedFiles } from "./dropped_files.js";
import { UploadQueue } from "./upload_queue.js";

const form = document.getElementById("upload");
const veil = document.getElementById("drop-veil");
const queue = new UploadQueue(form, document.getElementById("uploads"));

const wish = () => ({ model: form.elements.model.value, priority: form.elements.priority.value, strips: form.querySelector("input[name=strip_metadata]:checked") !== null });

function add(files) {
  if (files.length) queue.add([...files], wish());
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

function addChosen() {
  add(form.elements.files.files);
  form.elements.files.value = "";
}

form.elements.files.addEventListener("change", addChosen);
addChosen(); // what was chosen while this script was still on its way

form.addEventListener("submit", (event) => event.preventDefault());

window.addEventListener("beforeunload", (event) => {
  if (queue.isBusy) event.preventDefault();
});

form.classList.add("takes-drops"); // the page promises it only now
