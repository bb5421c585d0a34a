/**
 * Redis replies as Upstash's JSON. With `Upstash-Encoding: base64` every string is encoded, nested
 * ones too, except the status OK at the top. Without it bytes that are not UTF-8 become U+FFFD.
 * https://upstash.com/docs/redis/features/restapi ("Base64 Encoded Responses")
 */
import { isError, isStatus, type Reply } from './resp.ts'

/** One command's answer: `result`, or `error` with Redis's own words. */
export function answer(reply: Reply, base64: boolean): { result: unknown } | { error: string } {
  if (isError(reply)) return { error: reply.message }
  if (isStatus(reply) && reply.text === 'OK') return { result: 'OK' }
  return { result: encode(reply, base64) }
}

function encode(reply: Reply, base64: boolean): unknown {
  if (reply === null || typeof reply === 'number') return reply
  if (Array.isArray(reply)) return reply.map((item) => encode(item, base64))
  if (Buffer.isBuffer(reply)) return reply.toString(base64 ? 'base64' : 'utf8')
  const text = isError(reply) ? reply.message : reply.text
  return base64 ? Buffer.from(text).toString('base64') : text
}
