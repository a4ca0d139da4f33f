// What was dropped or chosen: files as they are, folders opened, with only the pictures in them.
const PICTURE = /\.(jpe?g|png|webp|gif|bmp|tiff?|hei[cf]|avif)$/i;

const inOrder = (a, b) => a.localeCompare(b, undefined, { numeric: true });
const asFile = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));
const someEntries = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

async function allEntries(folder) {
  const reader = folder.createReader();
  const entries = [];
  // A reader gives at most a hundred entries at a time and then an empty list.
  for (let some = await someEntries(reader); some.length; some = await someEntries(reader)) entries.push(...some);
  return entries.sort((a, b) => inOrder(a.name, b.name));
}

async function filesIn(folder) {
  const files = [];
  for (const entry of await allEntries(folder)) {
    if (entry.isDirectory) files.push(...(await filesIn(entry)));
    else if (PICTURE.test(entry.name)) files.push(await asFile(entry));
  }
  return files;
}

// Of a folder that was chosen; a browser lists what lies in it in no particular order.
export function picturesOfFolder(files) {
  const pictures = [...files].filter((file) => PICTURE.test(file.name));
  return pictures.sort((a, b) => inOrder(a.webkitRelativePath, b.webkitRelativePath));
}

export async function droppedFiles(dataTransfer) {
  // Both lists are only readable now, before the first await.
  const plain = [...dataTransfer.files];
  const entries = [...dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return plain;
  const files = [];
  for (const entry of entries) files.push(...(entry.isDirectory ? await filesIn(entry) : [await asFile(entry)]));
  return files;
}
