// What can be told of a file before a byte of it is sent; the server looks at the rest.

// Returns the sentence for a file that the server would refuse, or an empty one.
export function refusal(file, words, maxBytes) {
  if (file.size > maxBytes) return words.tooLarge;
  if (file.size === 0) return words.noBytes;
  // A browser that knows no type says none: HEIC, for one.
  return file.type && !file.type.startsWith("image/") ? words.notAPicture : "";
}
