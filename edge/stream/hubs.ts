/**
 * Which hub serves a reader: one for the whole world, or one a continent, near its readers. Where
 * there is none, or it fails, the request reads Redis itself, with the same code and for itself alone.
 */
import type { Context } from 'hono'
import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import type { Bindings, Edge } from '../edge.ts'
import type { Answer } from '../store/answer.ts'
import { Hub } from './hub.ts'
import { upstashSubscribe } from './subscription.ts'
import { wishOf, wishRequest } from './wish.ts'

/** https://developers.cloudflare.com/durable-objects/reference/data-location/#provide-a-location-hint */
const LOCATIONS: Readonly<Record<string, DurableObjectLocationHint>> = {
  AF: 'afr',
  AS: 'apac',
  EU: 'weur',
  NA: 'enam',
  OC: 'oc',
  SA: 'sam',
}
const WORLD = 'world'

const Refusal = z.object({
  ok: z.literal(false),
  store: z.enum(['redis', 'postgres']),
  reason: z.string(),
})

type Body = Answer<ReadableStream<Uint8Array>>

/** The events that this request asks for. `resumed_from` is the last one that the reader has. */
export async function openStream(c: Context<Edge>, resumed_from: string | null): Promise<Body> {
  const request = wishRequest(c.req.url, resumed_from, c.req.raw.signal)
  return (await throughHub(c, request)) ?? alone(c, request)
}

/** Null when there is no hub to ask, or it fails. */
async function throughHub(c: Context<Edge>, request: Request): Promise<Body | null> {
  const hub = hubFor(c.env, c.req.raw.cf, c.var.settings.STREAM_HUBS)
  if (hub === null) return null
  try {
    const response = await hub.fetch(request)
    if (response.ok && response.body !== null) return { ok: true, value: response.body }
    const refusal = Refusal.safeParse(await response.json())
    if (refusal.success) return refusal.data
    throw new Error(`HTTP ${response.status}`)
  } catch (error) {
    c.var.log.warn('a stream hub failed: the request reads for itself', { error: String(error) })
    return null
  }
}

function hubFor(
  { STREAM_HUB }: Bindings,
  cf: Request['cf'],
  hubs: 'none' | 'one' | 'continent',
): DurableObjectStub | null {
  if (STREAM_HUB === undefined || hubs === 'none') return null
  const continent = hubs === 'continent' ? String(cf?.continent ?? WORLD) : WORLD
  const locationHint = LOCATIONS[continent]
  const name = locationHint === undefined ? WORLD : continent
  return STREAM_HUB.get(
    STREAM_HUB.idFromName(name),
    locationHint === undefined ? {} : { locationHint },
  )
}

function alone(c: Context<Edge>, request: Request): Promise<Body> {
  const { live, settings, log } = c.var
  const hub = new Hub({
    source: { live, subscribe: upstashSubscribe(settings), log },
    clock: systemClock,
    preload: 0,
    linger_ms: 0,
  })
  c.req.raw.signal.addEventListener('abort', () => hub.end())
  return hub.open(wishOf(request))
}
