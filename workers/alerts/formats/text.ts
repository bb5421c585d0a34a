/** Text that a message can carry: without control characters, and never longer than its place. */

const ELLIPSIS = '…'

/** One line of well-formed text. */
export function line(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
}

/** At most `maximum` UTF-16 units, which is how all three vendors count; no character is cut in two. */
export function clip(text: string, maximum: number): string {
  if (text.length <= maximum) return text
  return text.slice(0, maximum - ELLIPSIS.length).replace(/[\ud800-\udbff]$/, '') + ELLIPSIS
}

/** As many of the lines, from the first, as fit into `maximum` together. */
export function fitting(lines: readonly string[], maximum: number): string {
  let text = ''
  for (const one of lines) {
    const longer = text === '' ? one : `${text}\n${one}`
    if (longer.length > maximum) break
    text = longer
  }
  return text
}
