// Keeps the uploads of this tab until they have arrived, and takes over those of tabs that are gone.
import * as store from "./upload_store.js";

// crypto.randomUUID is for pages with TLS only, and many installations are visited without.
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// A tab holds the lock of its name for as long as it lives. Without TLS there are no locks: two tabs may then send the
// same file, which the server takes once.
const withLock = (name, use) => (navigator.locks ? navigator.locks.request(name, use) : use());
const forEver = new Promise(() => {});
const tab = randomId();

export class UploadKeeper {
  // `onFull` is called when the browser has no room for a file.
  constructor(owner, onFull) {
    this.owner = owner;
    this.onFull = onFull;
    this.isFull = false;
    this.kept = Promise.resolve();
    withLock(tab, () => forEver);
  }

  // One after the other, in the order in which they are sent: what has arrived meanwhile need not be kept.
  keep(uploads) {
    this.kept = this.kept.then(async () => {
      for (const upload of uploads) await this.keepOne(upload);
    });
  }

  async keepOne(upload) {
    if (this.isFull || upload.isOver) return;
    try {
      const { id, order, file, wish } = upload;
      await store.keep({ id, order, file, wish, owner: this.owner, tab });
      upload.isKept = true;
      if (upload.isOver) await store.forget(id);
    } catch {
      this.isFull = true;
      this.onFull();
    }
  }

  forget(upload) {
    if (upload.isKept) store.forget(upload.id).catch(() => {});
  }

  // Calls `onFound` with the records of each tab that is gone, at once or when it goes, and answers for them from then on.
  async takeOver(onFound) {
    const records = await store.keptBy(this.owner).catch(() => []);
    for (const gone of new Set(records.map((record) => record.tab))) {
      withLock(gone, async () => {
        const left = (await store.keptBy(this.owner)).filter((record) => record.tab === gone);
        if (left.length) onFound(left);
        return left.length ? forEver : undefined;
      });
    }
  }
}
