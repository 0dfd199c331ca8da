/** Reads the instructions that the API writes. Pure. */

/** The fenced pieces of code of a Markdown text, without their fences. */
export function codeBlocks(markdown: string): readonly string[] {
  const blocks: string[] = [];
  let open: string[] | null = null;
  for (const line of markdown.split("\n")) {
    if (!line.startsWith("```")) open?.push(line);
    else if (open === null) open = [];
    else {
      blocks.push(open.join("\n"));
      open = null;
    }
  }
  return blocks;
}
