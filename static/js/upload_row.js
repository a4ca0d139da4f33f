// One file's row: name, size, preview, progress and outcome.
import { removeCopy } from "./upload_copy.js";

const template = document.getElementById("upload-row");
const language = document.documentElement.lang || undefined;
const UNITS = [["megabyte", 2 ** 20], ["kilobyte", 2 ** 10], ["byte", 1]];
const OUTCOMES = ["waiting", "storing", "taken", "refused"];

function sizeInWords(bytes) {
  const [unit, divisor] = UNITS.find(([, divisor]) => bytes >= divisor) ?? UNITS.at(-1);
  const format = new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: bytes < 10 * 2 ** 20 ? 1 : 0 });
  return format.format(bytes / divisor);
}

export class UploadRow {
  constructor(file, { onRetry, onDrop }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = (name) => this.element.querySelector(`[data-part="${name}"]`);
    this.progress = this.element.querySelector("progress");
    this.part("name").textContent = file.name;
    this.part("name").title = file.name;
    this.part("size").textContent = sizeInWords(file.size);
    this.part("retry").addEventListener("click", onRetry);
    this.part("drop").addEventListener("click", onDrop);
    this.preview(file);
  }

  // Where the browser cannot draw the picture (TIFF, HEIC), the icon behind it stays.
  preview(file) {
    const image = this.element.querySelector("img");
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    image.addEventListener("error", () => {
      URL.revokeObjectURL(image.src);
      image.hidden = true;
    });
    image.src = URL.createObjectURL(file);
  }

  showProgress(percentage) {
    this.progress.value = percentage;
    if (percentage >= 100) this.show("storing");
  }

  // state: waiting | sending | storing | taken | refused | interrupted
  show(state, { image, sentence, notice } = {}) {
    this.element.dataset.state = state;
    for (const name of OUTCOMES) this.part(name).hidden = name !== state;
    this.part("refused").hidden = !["refused", "interrupted"].includes(state);
    this.part("retry").hidden = state !== "interrupted";
    this.part("drop").hidden = !["waiting", "sending", "interrupted"].includes(state);
    this.part("sentence").textContent = sentence ?? "";
    this.part("notice").textContent = notice ?? "";
    if (state === "sending") this.progress.value = 0;
    if (image) this.showTaken(image);
  }

  showTaken(image) {
    this.part("taken").href = image.url;
    const earlier = image.duplicate_of;
    this.part("duplicate").hidden = !earlier;
    if (!earlier) return;
    this.part("earlier").href = earlier.url;
    this.part("earlier").textContent = earlier.filename;
    this.part("remove").hidden = false;
    this.part("remove").addEventListener("click", () => this.remove(image), { once: true });
  }

  async remove(image) {
    this.part("remove").disabled = true;
    if (!(await removeCopy(image))) return window.location.assign(image.url);
    for (const name of ["taken", "duplicate", "remove"]) this.part(name).hidden = true;
    this.part("removed").hidden = false;
    this.part("removed").focus();
  }
}
