/** Text that is safe in a page, and the two shapes that every section is made of. */

/** Already safe to stand in a page. */
export interface Html {
  readonly html: string;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");

type Part = string | number | Html | readonly Html[];

/** A template whose values are escaped unless they are `Html`. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const text = strings.map((string, index) => {
    const part = parts[index];
    return part === undefined ? string : string + partText(part);
  });
  return { html: text.join("") };
}

function partText(part: Part): string {
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return "html" in part ? part.html : part.map((each) => each.html).join("\n");
}

export const nothing: Html = { html: "" };

export const section = (id: string, title: string, body: Html): Html =>
  html`<section id="${id}">
    <h2>${title}</h2>
    ${body}
  </section>`;

/** A table of words; `numeric` columns stand to the right. */
export function htmlTable(
  header: readonly string[],
  rows: readonly (readonly (string | Html)[])[],
  numeric: (column: number) => boolean = () => false,
): Html {
  const isShort = (column: number) =>
    rows.every((row) => typeof row[column] === "string" && row[column].length <= 20);
  const cls = (column: number) => (numeric(column) ? "number" : isShort(column) ? "short" : "word");
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${header.map((word, index) => html`<th class="${cls(index)}">${word}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, index) => html`<td class="${cls(index)}">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

export const list = (items: readonly (string | Html)[]): Html =>
  html`<ul>
    ${items.map((item) => html`<li>${item}</li>`)}
  </ul>`;
