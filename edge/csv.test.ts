import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Cell, csvRow } from './csv.ts'
import { parseCsv } from './testing/csv.ts'

describe('a CSV row', () => {
  it('is read back as it was written, but for the mark before formulas', () => {
    const cell = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', '=', '-', '1', 'a') }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    )
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 5 })), (rows) => {
        const read = parseCsv(rows.map(csvRow).join(''))
        const wanted = rows.map((cells) => cells.map((one) => (one === null ? '' : String(one))))
        const unmarked = read.map((cells, i) =>
          cells.map((text, j) => (text === wanted[i]?.[j] ? text : text.replace(/^'/, ''))),
        )
        expect(unmarked).toEqual(wanted)
      }),
    )
  })

  it('begins no cell like a formula, unless it is a number', () => {
    const text = fc.tuple(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '＝'), fc.string())
    fc.assert(
      fc.property(text, ([first, rest]) => {
        const [[cell = '']] = parseCsv(csvRow([first + rest, 'x'])) as [[string]]
        expect(/^-\d+(\.\d+)?$/.test(cell) || cell.startsWith("'")).toBe(true)
      }),
    )
  })

  it.each<[Cell, string]>([
    ['-0.4120', '-0.4120'],
    ['-1+1', "'-1+1"],
    ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
    ['a;b', '"a;b"'],
    ['币安人生/USDT', '币安人生/USDT'],
    [null, ''],
    [false, 'false'],
  ])('writes %j as %s', (cell, text) => {
    expect(csvRow([cell])).toBe(`${text}\r\n`)
  })
})
