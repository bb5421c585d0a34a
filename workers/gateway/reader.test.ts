import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareEventIds, type Event } from '../../shared/event.ts'
import { Ring } from '../../shared/ring.ts'
import { Selection } from '../../shared/selection.ts'
import { opportunity } from '../publish/testing.ts'
import { Reader } from './reader.ts'
import type { Replay } from './replay.ts'

const RING = 4
const PAGE = 3
const SYMBOLS = ['BTC/USDT', 'ETH/USDT'] as const

type Step =
  | { readonly kind: 'publish'; readonly symbol: (typeof SYMBOLS)[number] }
  /** Redis knows of an event before the tail has told of it */
  | { readonly kind: 'early'; readonly symbol: (typeof SYMBOLS)[number] }
  | { readonly kind: 'trim'; readonly keep: number }
  | { readonly kind: 'room'; readonly room: number }
  | { readonly kind: 'turn' }

const symbol = fc.constantFrom(...SYMBOLS)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('publish' as const), symbol }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('early' as const), symbol }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), keep: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('room' as const), room: fc.nat(5) }) },
  { weight: 8, arbitrary: fc.constant({ kind: 'turn' as const }) },
)

/** Redis, the tail and one socket, step by step. */
class World {
  /** all that was ever published, and how much of it Redis has forgotten and the tail has told */
  readonly all: Event[] = []
  trimmed = 0
  told = 0
  readonly ring: Ring
  readonly reader: Reader
  readonly sent: { name: string; id: string }[] = []
  room = 3
  end: string | null = null

  constructor(before: number, behind: number) {
    for (let i = 0; i < before; i++) this.all.push(this.make(SYMBOLS[i % 2] ?? 'BTC/USDT'))
    this.told = before
    this.ring = new Ring(idOf(before), RING)
    const selection = new Selection({
      filters: { symbol: 'BTC/USDT' },
      types: undefined,
      resumed_from: null,
    })
    this.reader = new Reader(
      {
        ring: this.ring,
        replay: async (position) => {
          const found = this.replay(position)
          await turn()
          return found
        },
        send: (name, payload) => this.send(name, (payload as { id: string }).id),
        has_room: () => this.room > 0,
        letGo: (why) => {
          this.end = why
          this.reader.end()
        },
      },
      selection,
      idOf(Math.max(0, before - behind)),
    )
    this.reader.wake()
  }

  async do(one: Step): Promise<void> {
    if (one.kind === 'publish' || one.kind === 'early') {
      this.all.push(this.make(one.symbol))
      if (one.kind === 'publish') this.tell()
    } else if (one.kind === 'trim') {
      this.trimmed = Math.max(this.trimmed, this.all.length - one.keep)
    } else if (one.kind === 'room') {
      this.room = one.room
      this.reader.wake()
    } else await turn()
  }

  /** Everything is told, everything is read. */
  async finish(): Promise<void> {
    this.room = Number.POSITIVE_INFINITY
    this.tell()
    for (let i = 0; i < 60; i++) {
      this.reader.wake()
      await turn()
    }
  }

  private tell(): void {
    for (const event of this.all.slice(this.told)) {
      const previous = this.ring.last
      this.ring.push(event)
      if (this.reader.offer(event, previous) === 'wanted') this.send(event.type, event.id)
    }
    this.told = this.all.length
    if (this.reader.position !== this.ring.last) this.reader.wake()
  }

  private send(name: string, id: string): void {
    this.room--
    this.sent.push({ name, id })
  }

  private make(of: string): Event {
    const id = idOf(this.all.length + 1)
    const data = opportunity(String(this.all.length), { symbol: of })
    return { id, type: 'opportunity.detected', timestamp: data.detected_at, data }
  }

  private replay(position: string): Replay {
    const kept = this.all.slice(this.trimmed)
    const [oldest] = kept
    if (position !== '0-0' && (oldest === undefined || compareEventIds(position, oldest.id) < 0)) {
      return { kind: 'reset', position: idOf(this.all.length), opportunities: [] }
    }
    const events = kept.filter(({ id }) => compareEventIds(id, position) > 0).slice(0, PAGE)
    const more = events.length === PAGE
    return { kind: 'page', events, position: events.at(-1)?.id ?? position, more }
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const idOf = (number: number) => (number === 0 ? '0-0' : `${number}-0`)

it('sends everything that is wanted once and in order, or a reset, or lets go', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(12),
      fc.nat(14),
      fc.array(step, { maxLength: 60 }),
      fc.boolean(),
      async (before, behind, steps, is_quick) => {
        const world = new World(before, behind)
        if (is_quick) {
          world.room = Number.POSITIVE_INFINITY
          steps = steps.filter(({ kind }) => kind !== 'room')
        }
        let from = Math.max(0, before - behind)
        // the beginning of a stream that was trimmed is not known to be gone
        if (from === 0) steps = steps.filter(({ kind }) => kind !== 'trim')
        for (const one of steps) await world.do(one)
        await world.finish()
        const wanted = (event: Event) => 'symbol' in event.data && event.data.symbol === 'BTC/USDT'
        for (const { name, id } of world.sent) {
          const number = Number(id.split('-')[0])
          if (name !== 'reset') {
            // nothing that is wanted lies between, and nothing comes twice
            const next = world.all.slice(from).find(wanted)
            expect(id).toBe(next?.id)
          }
          from = number
        }
        if (world.end === null) expect(world.all.slice(from).filter(wanted)).toEqual([])
        else expect([world.end, is_quick]).toEqual(['slow', false])
      },
    ),
    { numRuns: 500 },
  )
}, 60_000)

it('tells how far it is only when it moved past events that were not wanted', async () => {
  const world = new World(0, 0)
  world.room = 100
  await world.do({ kind: 'publish', symbol: 'BTC/USDT' })
  world.reader.tellPosition()
  await world.do({ kind: 'publish', symbol: 'ETH/USDT' })
  world.reader.tellPosition()
  world.reader.tellPosition()
  expect(world.sent.map(({ name, id }) => [name, id])).toEqual([
    ['opportunity.detected', '1-0'],
    ['position', '2-0'],
  ])
})
