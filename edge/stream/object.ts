/**
 * The hub as a Durable Object: all readers of a region meet in one of these, so Redis is read once
 * for all of them. It stores nothing. What may be asked was checked before it is called.
 */
import { DurableObject } from 'cloudflare:workers'
import { systemClock } from '../../shared/clock.ts'
import type { Bindings } from '../edge.ts'
import { readSettings } from '../environment.ts'
import { edgeLog } from '../log.ts'
import { liveStore } from '../store/live.ts'
import { Hub } from './hub.ts'
import { upstashSubscribe } from './subscription.ts'
import { wishOf } from './wish.ts'

const PRELOAD_EVENTS = 1_000
const LINGER_MS = 10_000

export class StreamHub extends DurableObject<Bindings> {
  private hub: Hub | null = null

  override async fetch(request: Request): Promise<Response> {
    const read = readSettings(this.env)
    if (!read.ok) return new Response(null, { status: 500 })
    const { settings } = read
    this.hub ??= new Hub({
      source: {
        live: liveStore(settings, edgeLog),
        subscribe: upstashSubscribe(settings),
        log: edgeLog,
      },
      clock: systemClock,
      preload: PRELOAD_EVENTS,
      linger_ms: LINGER_MS,
    })
    const opened = await this.hub.open(wishOf(request))
    if (opened.ok) return new Response(opened.value)
    return Response.json(opened, { status: 503 })
  }
}
