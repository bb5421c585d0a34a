/**
 * CSV as RFC 4180 has it, safe to open in a spreadsheet: a text that a spreadsheet would take for a
 * formula is written with an apostrophe before it; numbers stay numbers, negative ones too.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
import { DECIMAL_PATTERN } from '../shared/decimal.ts'

/** What begins a formula; also as full-width forms, which some spreadsheets fold. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/
/** Quoted too what other locales separate by. */
const SPECIAL = /[",;\t\r\n]/

export type Cell = string | number | boolean | null

/** One record with its line end. Null is an empty cell. */
export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  const text = String(cell)
  const safe = FORMULA.test(text) && !DECIMAL_PATTERN.test(text) ? `'${text}` : text
  return SPECIAL.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
