import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCommands, type Reply, ReplyParser } from './resp.ts'

/** The slow, obvious other direction: a reply as Redis would write it. */
function onTheWire(reply: Reply): Buffer {
  if (reply === null) return Buffer.from('$-1\r\n')
  if (typeof reply === 'number') return Buffer.from(`:${reply}\r\n`)
  if (Array.isArray(reply)) {
    return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(onTheWire)])
  }
  if (Buffer.isBuffer(reply)) {
    return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from('\r\n')])
  }
  return Buffer.from(reply.kind === 'status' ? `+${reply.text}\r\n` : `-${reply.message}\r\n`)
}

const line = fc.string().map((text) => text.replaceAll(/[\r\n]/g, ' '))
const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 4 },
    fc.uint8Array().map((bytes): Reply => Buffer.from(bytes)),
    fc.maxSafeInteger(),
    fc.constant(null),
    line.map((text): Reply => ({ kind: 'status', text })),
    line.map((message): Reply => ({ kind: 'error', message })),
    fc.array(tie('reply'), { maxLength: 5 }),
  ),
}))

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

describe('the RESP2 parser', () => {
  it('reads the same replies however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(reply, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        (replies, sizes) => {
          const parser = new ReplyParser()
          const chunks = cut(Buffer.concat(replies.map(onTheWire)), sizes)
          expect(chunks.flatMap((chunk) => parser.feed(chunk))).toEqual(replies)
        },
      ),
    )
  })

  it('hands out a reply with the byte that completes it, not later', () => {
    const parser = new ReplyParser()
    const bytes = onTheWire([Buffer.from('key'), [1, null]])
    expect(parser.feed(bytes.subarray(0, -1))).toEqual([])
    expect(parser.feed(bytes.subarray(-1))).toEqual([[Buffer.from('key'), [1, null]]])
  })

  it('tells the null array of an aborted EXEC from an empty one', () => {
    expect(new ReplyParser().feed(Buffer.from('*-1\r\n*0\r\n'))).toEqual([null, []])
  })

  it.each(['%1\r\n', ':one\r\n', '$x\r\n', 'HTTP/1.1 200 OK\r\n'])('refuses %j', (text) => {
    expect(() => new ReplyParser().feed(Buffer.from(text))).toThrow(/RESP2/)
  })
})

it('counts the bytes of an argument, not its characters', () => {
  const wire = encodeCommands([['SET', 'ключ', Buffer.from([0, 255])], ['PING']])
  const expected = Buffer.concat([
    Buffer.from('*3\r\n$3\r\nSET\r\n$8\r\nключ\r\n$2\r\n'),
    Buffer.from([0, 255]),
    Buffer.from('\r\n*1\r\n$4\r\nPING\r\n'),
  ])
  expect(wire).toEqual(expected)
})
