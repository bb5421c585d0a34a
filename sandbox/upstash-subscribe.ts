/**
 * `/subscribe/<channel>` and `/psubscribe/<pattern>` as Server-Sent Events. Each reader has its own
 * Redis connection: one that stops reading is paused, Redis buffers for it up to its
 * `client-output-buffer-limit pubsub` and then drops it, which ends that stream and no other. It
 * promises no replay: what is published while a reader is away is lost to it, as with Redis itself.
 * https://upstash.com/docs/redis/features/restapi ("Subscribe & Publish Commands")
 */

import type { ServerResponse } from 'node:http'
import { reasonOf } from './failure.ts'
import type { Reply } from './resp.ts'
import { type Connection, openConnection } from './resp-connection.ts'

/** Streams until the reader leaves or Redis ends the connection. Says why when it cannot begin. */
export async function streamMessages(
  redis_url: string,
  command: 'SUBSCRIBE' | 'PSUBSCRIBE',
  channels: readonly string[],
  response: ServerResponse,
): Promise<{ unreachable: string } | undefined> {
  let connection: Connection | undefined
  try {
    connection = await openConnection(redis_url, {
      onReply(reply) {
        if (!response.write(eventOf(reply))) connection?.pause()
      },
      onEnd: () => response.end(),
    })
  } catch (error) {
    return { unreachable: reasonOf(error) }
  }
  const opened = connection
  response.on('drain', () => opened.resume())
  response.on('close', () => opened.destroy())
  if (response.destroyed) opened.destroy()
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  opened.write([[command, ...channels]])
  return undefined
}

/**
 * The reply's parts joined by commas: "subscribe,chat,1", "message,chat,hello". A line break in the
 * payload continues on another `data:` line, as Server-Sent Events have it.
 */
function eventOf(reply: Reply): string {
  const parts = Array.isArray(reply) ? reply : [reply]
  const data = parts.map((part) => String(part)).join(',')
  return `data: ${data.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`
}
