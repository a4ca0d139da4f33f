// Files that have not arrived yet, kept in the browser (IndexedDB): a reload or a crash loses none of them.
const NAME = "uploads";
const FILES = "files";
let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(FILES, { keyPath: "id" }));
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
  return opened;
}

// Rejects where the browser has no room or keeps nothing at all.
async function run(mode, use) {
  const transaction = (await open()).transaction(FILES, mode);
  const request = use(transaction.objectStore(FILES));
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve(request.result));
    transaction.addEventListener("abort", () => reject(transaction.error));
  });
}

// A record: {id, owner, tab, order, file, wish}.
export const keep = (record) => run("readwrite", (files) => files.put(record));
export const forget = (id) => run("readwrite", (files) => files.delete(id));
export const forgetAll = () => run("readwrite", (files) => files.clear());

// One person's, in the order in which they were added. What somebody else left in this browser goes.
export async function keptBy(owner) {
  const records = await run("readonly", (files) => files.getAll());
  for (const record of records) if (record.owner !== owner) await forget(record.id);
  return records.filter((record) => record.owner === owner).sort((a, b) => a.order - b.order);
}
