/** What kind of file it is, for people: a picture of the sprite and a word. */

// The picture, the word, and by which content types and names it is known; the first that fits counts.
const KINDS = [
  ["picture", "picture", /^image\//, /\.(png|jpe?g|gif|webp|svg|bmp|avif|heic|tiff?)$/i],
  ["table", "table", /csv|tab-separated|spreadsheet|excel|parquet|sqlite/, /\.(csv|tsv|xlsx?|ods|parquet|sqlite3?|db)$/i],
  ["package", "archive", /zip|x-xz|zstd|7z|x-tar|java-archive/, /\.(zip|tar|tgz|gz|bz2|xz|zst|7z|jar|whl|rar)$/i],
  ["report", "document", /pdf|word|presentation|opendocument\.text|markdown/, /\.(pdf|docx?|odt|pptx?|md|rtf)$/i],
  ["code", "file", /json|xml|html|javascript|x-sh|x-python/, /\.(json|jsonl|ya?ml|xml|html?|css|m?jsx?|tsx?|py|sh|sql|toml|rs|go|java|c|h|cpp|rb|php)$/i],
  ["report", "file", /^text\//, /\.(txt|log|rst|ini|cfg)$/i],
];
const SUFFIX = /\.([a-z0-9]{1,5})$/i;

function kindOf(name, contentType) {
  const type = contentType && KINDS.find(([, , types]) => types.test(contentType));
  return type || KINDS.find(([, , , names]) => names.test(name)) || ["file", "file"];
}

/** Return the picture of a file; without a content type, as its name says. */
export const kindIcon = (name, contentType = "") => kindOf(name, contentType)[0];

/** Return what a file is in words: "CSV table". */
export function kindWords(name, contentType = "") {
  const [, word] = kindOf(name, contentType);
  return [name.match(SUFFIX)?.[1].toUpperCase(), word].filter(Boolean).join(" ");
}
