// What the page shows of the queue of uploads: a bounded number of rows, one summary, what it waits for.
import { UploadRow } from "./upload_row.js";

const ROWS_AHEAD = 20; // waiting files that have a row; the others are only counted
const ROWS_TAKEN = 40; // uploaded files that keep their row; each has its card in the gallery
const ANNOUNCE_MS = 4000;

const fill = (words, values) => words.replace(/{(\w+)}/g, (_, name) => values[name]);

export class UploadPanel {
  constructor(element, queue) {
    this.element = element;
    this.queue = queue;
    this.words = element.dataset;
    this.rows = new Map();
    this.part("retry-all").addEventListener("click", () => queue.retryAll());
    this.part("close").addEventListener("click", () => queue.clear());
  }

  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  show(upload, outcome) {
    if (upload.state === "dropped") return this.removeRow(upload);
    const row = this.rowOf(upload);
    row.show(upload.state, outcome);
    if (upload.state === "sending") this.follow(row);
    const withRow = this.queue.inState("taken").filter((taken) => this.rows.has(taken));
    for (const taken of withRow.slice(0, -ROWS_TAKEN)) this.removeRow(taken);
  }

  showProgress(upload, percentage) {
    this.rows.get(upload)?.showProgress(percentage);
  }

  rowOf(upload) {
    if (!this.rows.has(upload)) {
      const row = new UploadRow(upload.file, { onRetry: () => this.queue.retryAll((other) => other === upload), onDrop: () => this.queue.drop(upload) });
      row.show(upload.state);
      this.part("rows").append(row.element);
      this.rows.set(upload, row);
    }
    return this.rows.get(upload);
  }

  removeRow(upload) {
    this.rows.get(upload)?.element.remove();
    this.rows.delete(upload);
  }

  // Keeps the file that is on its way in sight, unless the person is looking through the list.
  follow(row) {
    const rows = this.part("rows");
    if (!rows.matches(":hover, :focus-within")) requestAnimationFrame(() => rows.scrollTo({ top: row.element.offsetTop - rows.offsetTop - row.element.offsetHeight }));
  }

  summarize() {
    const { queue, words } = this;
    for (const upload of queue.inState("waiting").slice(0, ROWS_AHEAD)) this.rowOf(upload);
    const count = (state) => queue.inState(state).length;
    const [taken, refused, interrupted] = ["taken", "refused", "interrupted"].map(count);
    const total = queue.uploads.length;
    const parts = [fill(words.summary, { taken, total })];
    if (refused) parts.push(fill(words.refused, { count: refused }));
    if (interrupted) parts.push(fill(words.interrupted, { count: interrupted }));
    const appears = this.element.hidden && total > 0;
    this.element.hidden = total === 0;
    if (appears) this.element.scrollIntoView({ block: "nearest" });
    this.part("summary").textContent = parts.join(" · ");
    this.part("overall").value = (taken + refused) / total || 0;
    this.part("retry-all").hidden = interrupted < 2;
    this.part("close").hidden = queue.isBusy || taken + refused === 0;
    this.showNotes();
    this.announce();
    if (this.wasBusy && !queue.isBusy) this.showProblem();
    this.wasBusy = queue.isBusy;
  }

  // In the end what went wrong is in sight, not what came last.
  showProblem() {
    const [problem] = this.queue.inState("refused", "interrupted");
    if (this.rows.has(problem)) this.follow(this.rows.get(problem));
  }

  showNotes() {
    const { queue } = this;
    const hidden = queue.inState("waiting").filter((upload) => !this.rows.has(upload)).length;
    this.part("more").textContent = fill(this.words.hiddenRows, { count: hidden });
    this.part("more").hidden = hidden === 0;
    this.part("offline").hidden = navigator.onLine || (!queue.isBusy && !queue.inState("interrupted").length);
    this.part("unkept").hidden = !queue.keeper.isFull || !queue.wouldLose;
  }

  // A screen reader hears the summary now and then and at the end, not at every file.
  announce() {
    const speak = () => {
      this.announcing = null;
      this.part("announcement").textContent = this.part("summary").textContent;
    };
    if (this.queue.isBusy) this.announcing ??= setTimeout(speak, ANNOUNCE_MS);
    else speak();
  }

  clear() {
    for (const upload of [...this.rows.keys()]) if (!this.queue.uploads.includes(upload)) this.removeRow(upload);
    this.summarize();
  }
}
