import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Frame, frameReader } from './sse.ts'

function read(...chunks: string[]): Frame[] {
  const reader = frameReader()
  return chunks.flatMap((chunk) => reader.push(chunk))
}

describe('a frame reader', () => {
  it('gives a frame when the blank line after it arrives, not before', () => {
    const reader = frameReader()
    expect(reader.push('event: a\ndata: 1\n')).toEqual([])
    expect(reader.push('\n')).toEqual([{ event: 'a', data: '1' }])
  })

  it('joins the lines of one datum and calls a nameless event message', () => {
    expect(read('data: 1\ndata\ndata:  2\n\n')).toEqual([{ event: 'message', data: '1\n\n 2' }])
  })

  it('ignores comments, unknown fields and blocks without data', () => {
    expect(read(': heartbeat\n\nfoo: 1\nevent: lost\n\ndata: 2\n\n')).toEqual([
      { event: 'message', data: '2' },
    ])
  })

  it('learns the position from an id that comes without data', () => {
    const reader = frameReader()
    expect(reader.lastEventId()).toBeNull()
    reader.push('retry: 3000\nid: 7-1\n')
    expect(reader.lastEventId()).toBeNull()
    reader.push('\n')
    expect(reader.lastEventId()).toBe('7-1')
    expect(reader.retry_ms()).toBe(3_000)
  })

  it('keeps the position over events that carry none', () => {
    const reader = frameReader()
    reader.push('id: 7-1\ndata: 1\n\ndata: 2\n\n')
    expect(reader.lastEventId()).toBe('7-1')
  })

  it('refuses a retry that is not all digits and an id with a null character', () => {
    const reader = frameReader()
    reader.push('retry: 3s\nid: a\0b\ndata: 1\n\n')
    expect(reader.retry_ms()).toBeNull()
    expect(reader.lastEventId()).toBeNull()
  })

  it('drops a byte order mark at the start only', () => {
    expect(read('\uFEFFdata: 1\n\n\uFEFFdata: 2\n\n')).toEqual([{ event: 'message', data: '1' }])
  })

  it('reads the same frames however the text is cut and whichever line ends it uses', () => {
    const word = fc.stringMatching(/^[a-z{}:" ]{0,12}$/)
    const block = fc.record({ event: fc.stringMatching(/^[a-z.]{1,8}$/), data: word })
    const property = fc.property(
      fc.array(block, { maxLength: 6 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat(400), { maxLength: 8 }),
      (blocks, end, cuts) => {
        const text = blocks
          .map(({ event, data }) => `event: ${event}${end}data: ${data}${end}${end}`)
          .join('')
        const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length]
        places.sort((a, b) => a - b)
        const chunks = places.slice(1).map((place, index) => text.slice(places[index], place))
        // One more character tells that a last carriage return was not half of a pair.
        expect(read(...chunks, ':')).toEqual(blocks)
      },
    )
    fc.assert(property)
  })
})
