// One file's row: name, size, preview, progress and outcome.
const template = document.getElementById("upload-row");
const language = document.documentElement.lang || undefined;

function sizeInWords(bytes) {
  const [unit, divisor] = bytes < 2 ** 20 ? ["kilobyte", 2 ** 10] : ["megabyte", 2 ** 20];
  const format = new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: bytes < 10 * 2 ** 20 ? 1 : 0 });
  return format.format(bytes / divisor);
}

export class UploadRow {
  constructor(file, onRetry) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = (name) => this.element.querySelector(`[data-part="${name}"]`);
    this.progress = this.element.querySelector("progress");
    this.part("name").textContent = file.name;
    this.part("name").title = file.name;
    this.part("size").textContent = sizeInWords(file.size);
    this.part("retry").addEventListener("click", onRetry);
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
    for (const name of ["waiting", "storing", "taken", "refused", "retry"]) this.part(name).hidden = name !== state;
    this.part("refused").hidden = !["refused", "interrupted"].includes(state);
    this.part("retry").hidden = state !== "interrupted";
    this.part("sentence").textContent = sentence ?? "";
    this.part("notice").textContent = notice ?? "";
    if (image) this.part("taken").href = image.url;
  }
}
