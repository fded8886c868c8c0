/** The first thing that keeps a text from being well-formed XML; null when nothing does. Looks at tags alone. */
export function wellFormed(xml: string): string | null {
  const open: string[] = [];
  for (const [tag, slash, name, , empty] of xml.matchAll(
    /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|<[^>]*>/g,
  )) {
    if (name === undefined) return `not a tag: ${tag}`;
    if (slash === "/") {
      const last = open.pop();
      if (last !== name) return `</${name}> closes <${last}>`;
    } else if (empty !== "/") open.push(name);
  }
  if (open.length > 0) return `<${open.join(">, <")}> is left open`;
  return /&(?!amp;|lt;|gt;|quot;|apos;|#\d+;)/.test(xml) ? "a bare ampersand" : null;
}
