/** Reads CSV character by character as RFC 4180 says, as slow and plain as an oracle may be. */

/** @throws when a line does not end in CRLF or a quote is in the wrong place */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (at >= text.length) throw new Error('a quote is not closed')
        if (text[at] === '"') at++
        cell += text[at]
      }
      at++
    } else {
      for (; at < text.length && !',\r\n"'.includes(text[at] ?? ''); at++) cell += text[at]
    }
    row.push(cell)
    if (text[at] === ',') {
      at++
    } else if (text.startsWith('\r\n', at)) {
      rows.push(row)
      row = []
      at += 2
    } else {
      throw new Error(`neither a comma nor a line end at ${at}`)
    }
  }
  return rows
}
