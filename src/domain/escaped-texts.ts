/** How writers of JSON, HTML and URLs may escape a text: each as the text that then stands in an answer. Pure. */

/** JSON as its writers differ, and HTML. */
export function escapedTexts(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replace(/[^\0-\x7f]/g, unicodeEscape);
  const html = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  return [
    json,
    json.replaceAll("/", "\\/"),
    ascii,
    ascii.replaceAll("/", "\\/"),
    ascii.replace(/[<>&']/g, unicodeEscape),
    ascii.replace(/[<>&'/+=]/g, unicodeEscape),
    html,
    html.replaceAll("'", "&#39;"),
    html.replaceAll("'", "&#x27;").replaceAll("/", "&#x2F;"),
  ];
}

/** Of this many different characters every choice is tried; with more, only all of them. */
const MAX_CHOSEN_CHARACTERS = 4;

/** How a writer may escape one character. */
const ESCAPES: readonly ((char: string) => string)[] = [
  unicodeEscape,
  (char) => `&#${char.charCodeAt(0)};`,
  (char) => HTML_NAMES.get(char) ?? `&#${char.charCodeAt(0)};`,
  (char) => HTML_NAMES.get(char) ?? `&#x${char.charCodeAt(0).toString(16)};`,
  (char) => `%${char.charCodeAt(0).toString(16)}`,
  // A URL inside a URL.
  (char) => `%25${char.charCodeAt(0).toString(16)}`,
];
const HTML_NAMES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
]);

/**
 * Writers differ in which characters they escape: System.Text.Json takes the plus and leaves the equals sign, Handlebars
 * does the reverse. So each choice is tried of the printable ASCII characters that any of them may take.
 */
export function mixedEscapes(text: string): readonly string[] {
  // Pieces that stay, and between them, at the odd places, one character each that may be escaped.
  const pieces = text.split(/([ !"#$%&'()*+,/:;<=>?@[\\\]^`{|}])/);
  const chars = [...new Set(pieces.filter((_piece, at) => at % 2 === 1))];
  const choices = chars.length > MAX_CHOSEN_CHARACTERS ? [chars] : choicesOf(chars);
  const forms: string[] = [];
  for (const chosen of choices) {
    for (const escape of ESCAPES) {
      let form = "";
      for (let at = 0; at < pieces.length; at++) {
        const piece = pieces[at] ?? "";
        form += at % 2 === 1 && chosen.includes(piece) ? escape(piece) : piece;
      }
      forms.push(form);
    }
  }
  return forms;
}

/** Every part of a short list but the empty one. */
function choicesOf(chars: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: 2 ** chars.length - 1 }, (_, at) =>
    chars.filter((_char, bit) => (((at + 1) >> bit) & 1) === 1),
  );
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
