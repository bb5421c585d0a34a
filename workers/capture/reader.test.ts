import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, type CaptureLine, parseLine } from './line.ts'
import { assertReadable, readLines, type TextLine, UnreadableFile } from './reader.ts'

const folder = mkdtempSync(join(tmpdir(), 'spreadwire-reader-'))
let count = 0

function fileOf(bytes: Buffer): string {
  const file = join(folder, `file-${++count}`)
  writeFileSync(file, bytes)
  return file
}

async function read(file: string) {
  const lines: TextLine[] = []
  const problems: string[] = []
  let batches = 0
  for await (const { lines: some, problem } of readLines(file)) {
    batches++
    lines.push(...some)
    if (problem !== undefined) problems.push(`${problem.number}: ${problem.reason}`)
  }
  return { lines, problems, batches }
}

describe('reading lines', () => {
  it('finds the lines of any text, plain and gzip, by their numbers', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(fc.array(text), fc.boolean(), async (texts, ends) => {
        const rows = texts.map((row) => row.replaceAll(/[\r\n]/g, ' ')).map((row) => row.trim())
        const bytes = Buffer.from(rows.join('\n') + (ends ? '\n' : ''))
        const expected = rows
          .map((row, index) => ({ number: index + 1, text: row }))
          .filter((row) => row.text !== '')
        expect((await read(fileOf(bytes))).lines).toEqual(expected)
        expect((await read(fileOf(gzipSync(bytes)))).lines).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('cuts no character and no long line at the edges of what it reads at once', async () => {
    const long = '€'.repeat(300_000)
    const rows = [long, 'short', long, '', 'last']
    const { lines, batches } = await read(fileOf(Buffer.from(rows.join('\n'))))
    expect(lines.map(({ number }) => number)).toEqual([1, 2, 3, 5])
    expect(lines[2]?.text).toBe(long)
    expect(batches).toBeGreaterThan(10)
  })

  it.each(['plain', 'gzip'])(
    'gives the first lines of a large %s file before the last',
    async (kind) => {
      const bytes = Buffer.from(`${'x'.repeat(99)}\n`.repeat(50_000))
      const batches = readLines(fileOf(kind === 'gzip' ? gzipSync(bytes) : bytes))
      const first = await batches.next()
      expect(first.value?.lines.length).toBeLessThan(kind === 'gzip' ? 50_001 : 2_000)
      await batches.return(undefined)
    },
  )

  it('keeps what a file that was cut short still holds, and says where it ends', async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `row ${i} ${Math.sin(i)}`)
    const whole = gzipSync(Buffer.from(rows.join('\n')))
    const file = fileOf(whole.subarray(0, whole.length >> 1))
    const { lines, problems } = await read(file)
    expect(lines.length).toBeGreaterThan(1_000)
    expect(lines.at(-1)?.text).toBe(rows[lines.length - 1])
    expect(problems).toEqual([
      `${lines.length + 1}: cannot be read further: unexpected end of file`,
    ])
    expect(await read(file)).toEqual(await read(file))
  })

  it('refuses what is not there and what is no file', async () => {
    await expect(assertReadable(join(folder, 'none'))).rejects.toThrow(
      /none: cannot be read: ENOENT/,
    )
    await expect(assertReadable(folder)).rejects.toThrow(UnreadableFile)
    await expect(assertReadable('/dev/null')).rejects.toThrow(/not a regular file/)
  })
})

describe('a line', () => {
  const good = { ts: 1.5, url: 'wss://ws.kraken.com/v2', dir: 'in', raw: '{}' }

  it('may have no time, bytes instead of text, and a number for its connection', () => {
    expect(parseLine(JSON.stringify({ ...good, ts: null, connection: 3 }))).toMatchObject({
      ts: null,
      connection: 3,
      raw: '{}',
    })
    const binary = parseLine(JSON.stringify({ ...good, raw: undefined, b64: 'AP8=' }))
    expect([...bytesOf(binary as CaptureLine)]).toEqual([0, 255])
    expect(bytesOf(parseLine(JSON.stringify(good)) as CaptureLine).toString()).toBe('{}')
  })

  it.each([
    ['{"ts":1,', /^not JSON: /],
    ['[]', /^ts: expected milliseconds/],
    ['null', /^expected a JSON object/],
    [JSON.stringify({ ...good, ts: '1' }), /^ts: expected .*, got "1"/],
    [JSON.stringify({ ...good, ts: -1 }), /^ts: /],
    [JSON.stringify({ ...good, ts: 1e300 }), /^ts: /],
    [JSON.stringify({ ...good, url: 'kraken' }), /^url: expected a URL, got "kraken"/],
    [JSON.stringify({ ...good, dir: 'sideways' }), /^dir: expected open, out, in or http/],
    [JSON.stringify({ ...good, raw: undefined }), /^raw: expected text, got nothing/],
    [JSON.stringify({ ...good, raw: undefined, b64: 7 }), /^b64: /],
  ])('is refused in words when it is %s', (text, words) => {
    expect(parseLine(text)).toMatch(words)
  })
})
