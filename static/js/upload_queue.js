// The queue of uploads in this page: one after the other, a bounded number of rows, one summary.
//
// Two at a time took 16 seconds instead of 20 for 200 photographs, but neighbours sometimes changed places in the gallery.
import { showInGallery } from "./gallery.js";
import { send } from "./upload_request.js";
import { UploadRow } from "./upload_row.js";

const ROWS_AHEAD = 20; // waiting files that have a row; the others are only counted
const ROWS_TAKEN = 40; // uploaded files that keep their row; each has its card in the gallery
const ANNOUNCE_MS = 4000;
const LOST_IN_A_ROW = 3; // after so many interruptions the connection is gone: the others wait for "retry"

const fill = (words, values) => words.replace(/{(\w+)}/g, (_, name) => values[name]);

export class UploadQueue {
  constructor(form, panel) {
    this.form = form;
    this.panel = panel;
    this.words = panel.dataset;
    this.part = (name) => panel.querySelector(`[data-part="${name}"]`);
    this.uploads = [];
    this.lostInARow = 0;
    this.part("retry-all").addEventListener("click", () => this.retryAll());
    window.addEventListener("online", () => this.retryAll());
    this.part("close").addEventListener("click", () => this.clear());
  }

  get isBusy() {
    return this.uploads.some((upload) => upload.state === "waiting" || upload.state === "sending");
  }

  inState(state) {
    return this.uploads.filter((upload) => upload.state === state);
  }

  add(files, wish) {
    if (!this.isBusy) this.clear();
    this.uploads.push(...files.map((file) => ({ file, wish, state: "waiting" })));
    this.panel.hidden = false;
    for (const upload of this.inState("waiting")) this.refuseTooLarge(upload);
    this.next();
  }

  refuseTooLarge(upload) {
    if (upload.file.size <= Number(this.form.dataset.maxBytes)) return;
    this.finish(upload, { state: "refused", sentence: this.words.tooLarge });
  }

  retry(upload) {
    this.lostInARow = 0;
    this.enter(upload, "waiting");
    this.next();
  }

  retryAll() {
    this.inState("interrupted").forEach((upload) => this.retry(upload));
  }

  next() {
    const waiting = this.inState("waiting");
    waiting.slice(0, ROWS_AHEAD).forEach((upload) => this.rowOf(upload));
    if (waiting.length && !this.inState("sending").length && this.lostInARow < LOST_IN_A_ROW) this.start(waiting[0]);
    this.summarize();
  }

  async start(upload) {
    const row = this.enter(upload, "sending");
    this.follow(row);
    const outcome = await send(upload.file, upload.wish, this.form, this.words, (percentage) => row.showProgress(percentage));
    this.finish(upload, outcome);
    this.next();
  }

  enter(upload, state, outcome) {
    upload.state = state;
    const row = this.rowOf(upload);
    row.show(state, outcome);
    return row;
  }

  finish(upload, outcome) {
    this.enter(upload, outcome.state, outcome);
    this.lostInARow = outcome.state === "interrupted" ? this.lostInARow + 1 : 0;
    if (!outcome.image) return;
    showInGallery(outcome.image);
    upload.file = null; // a picture that has arrived need not stay in memory
    const withRow = this.inState("taken").filter((taken) => taken.row);
    withRow.slice(0, Math.max(withRow.length - ROWS_TAKEN, 0)).forEach((taken) => this.dropRow(taken));
  }

  rowOf(upload) {
    if (!upload.row) {
      upload.row = new UploadRow(upload.file, () => this.retry(upload));
      upload.row.show(upload.state);
      this.part("rows").append(upload.row.element);
    }
    return upload.row;
  }

  dropRow(upload) {
    upload.row.element.remove();
    upload.row = null;
  }

  // Keeps the file that is on its way in sight, unless the person is looking through the list.
  follow(row) {
    const rows = this.part("rows");
    if (!rows.matches(":hover, :focus-within")) requestAnimationFrame(() => rows.scrollTo({ top: row.element.offsetTop - rows.offsetTop - row.element.offsetHeight }));
  }

  summarize() {
    const total = this.uploads.length;
    const count = (state) => this.inState(state).length;
    const [taken, refused, interrupted] = ["taken", "refused", "interrupted"].map(count);
    const parts = [fill(this.words.summary, { taken, total })];
    if (refused) parts.push(fill(this.words.refused, { count: refused }));
    if (interrupted) parts.push(fill(this.words.interrupted, { count: interrupted }));
    this.part("summary").textContent = parts.join(" · ");
    this.part("overall").value = (taken + refused + interrupted) / total;
    this.part("retry-all").hidden = interrupted < 2;
    this.part("close").hidden = this.isBusy;
    this.countHidden();
    this.announce();
  }

  countHidden() {
    const count = this.inState("waiting").filter((upload) => !upload.row).length;
    this.part("more").textContent = fill(this.words.hiddenRows, { count });
    this.part("more").hidden = count === 0;
  }

  // A screen reader hears the summary now and then and at the end, not at every file.
  announce() {
    const speak = () => {
      this.announcing = null;
      this.part("announcement").textContent = this.part("summary").textContent;
    };
    if (this.isBusy) this.announcing ??= setTimeout(speak, ANNOUNCE_MS);
    else speak();
  }

  clear() {
    this.uploads = this.inState("interrupted");
    this.part("rows").replaceChildren(...this.uploads.map((upload) => upload.row.element));
    this.panel.hidden = this.uploads.length === 0;
  }
}
