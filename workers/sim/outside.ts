/**
 * One exchange as the world outside: its true books, and the links on which it tells of them. A link
 * has a delay and faults. What a stream promises is kept: TCP loses nothing and keeps the order, so
 * where neither ids nor checksums would show a loss, none is made but by the link's end.
 */
import type { Exchange } from '../exchanges/exchange.ts'
import type { Change, Dialect } from '../exchanges/testing.ts'
import type { RestAnswer as Answer } from '../feed/rest.ts'
import { seededRandom } from '../replay/random.ts'
import type { Queue } from './queue.ts'
import type { ExchangeSpec, RestAnswer } from './story.ts'
import type { TrueMarket, Version } from './true-market.ts'

/** What comes out of a link at our end. */
export interface Receiver {
  opened(link: Link, now_ms: number): void
  frame(link: Link, frame: Frame, now_ms: number): void
  /** a pong: the link lives */
  heard(link: Link, now_ms: number): void
  closed(link: Link, now_ms: number): void
}

export interface Frame {
  readonly market: TrueMarket
  /** place among the market's versions */
  readonly version: number
  readonly snapshot: boolean
  readonly data: Buffer
  readonly sent_ms: number
}

export interface Link {
  readonly receiver: Receiver
  /** by market: frames since its snapshot */
  readonly subscribed: Map<TrueMarket, number>
  open: boolean
  gone: boolean
  /** nothing arrives before what was sent before it */
  last_ms: number
  /** the network keeps everything back until then */
  held_until_ms: number
  /** the other end is gone, and nobody says so */
  is_mute: boolean
  /** a frame that the next one overtakes */
  overtaken: Frame | null
}

const LATE_ANSWER_MS = 4_000
const OLD_ANSWER_VERSIONS = 6

export class Outside {
  readonly exchange: Exchange
  readonly spec: ExchangeSpec
  readonly markets: readonly TrueMarket[]
  private readonly dialect: Dialect
  /** what happens out there, and what happens at our end */
  private readonly events: Queue
  private readonly arrivals: Queue
  private readonly jitter: () => number
  private readonly links = new Set<Link>()
  private clock_ms: number
  private next_frames: ('lose' | 'double' | 'swap')[] = []
  private next_answers: RestAnswer[] = []

  constructor(
    exchange: Exchange,
    dialect: Dialect,
    spec: ExchangeSpec,
    markets: readonly TrueMarket[],
    queues: { readonly events: Queue; readonly arrivals: Queue; readonly seed: number },
  ) {
    this.exchange = exchange
    this.dialect = dialect
    this.spec = spec
    this.markets = markets
    this.events = queues.events
    this.arrivals = queues.arrivals
    this.jitter = seededRandom(queues.seed)
    this.clock_ms = spec.clock_ms
  }

  /** A link is asked for; `receiver` hears when it is there. */
  dial(receiver: Receiver, now_ms: number): Link {
    const link: Link = {
      receiver,
      subscribed: new Map(),
      open: false,
      gone: false,
      last_ms: now_ms,
      held_until_ms: 0,
      is_mute: false,
      overtaken: null,
    }
    this.events.add(now_ms + this.delay(), (at_ms) => {
      if (link.gone) return
      link.open = true
      this.links.add(link)
      this.arrive(link, at_ms, (now_ms) => receiver.opened(link, now_ms))
    })
    return link
  }

  /** A market that was subscribed already is unsubscribed first: its frames start anew. */
  subscribe(link: Link, names: readonly string[], now_ms: number): void {
    this.events.add(now_ms + this.delay(), (at_ms) => {
      for (const market of this.markets) {
        if (!link.open || link.is_mute || !names.includes(market.name)) continue
        this.letGo(link, at_ms)
        link.subscribed.set(market, 0)
        if (this.dialect.snapshots === 'socket') {
          this.send(link, this.frame(market, market.last, [], 0, at_ms), at_ms)
        }
      }
    })
  }

  ping(link: Link, now_ms: number): void {
    this.events.add(now_ms + this.delay(), (at_ms) => {
      if (!link.open || link.is_mute) return
      this.arrive(link, at_ms, (now_ms) => link.receiver.heard(link, now_ms))
    })
  }

  /** Our end gives the link up. */
  hangUp(link: Link): void {
    link.open = false
    link.gone = true
    this.links.delete(link)
  }

  /** @returns what REST answers; `answered` is called when it has come */
  async get(path: string, now_ms: number, answered: () => void): Promise<Answer> {
    const market = this.markets.find(({ name }) => this.exchange.snapshot?.path(name) === path)
    if (market === undefined) throw new Error(`nobody knows ${path}`)
    const fate = this.next_answers.shift()
    const sent_ms = now_ms
    return new Promise((resolve) => {
      this.events.add(now_ms + this.delay(), (at_ms) => {
        const { versions } = market
        const old = versions[Math.max(0, versions.length - 1 - OLD_ANSWER_VERSIONS)] as Version
        const version = fate === 'old' ? old : market.last
        const body = this.dialect.snapshot(market.at(version), market.name)
        const late_ms = fate === 'late' ? LATE_ANSWER_MS : 0
        this.arrivals.add(at_ms + this.delay() + late_ms, (received_ms) => {
          if (fate === 'failed') resolve({ kind: 'failed', reason: 'HTTP 500' })
          else resolve({ kind: 'body', body, sent_ms, received_ms })
          answered()
        })
      })
    })
  }

  /** Tells of a change of this market's book. */
  publish(market: TrueMarket, changes: readonly Change[], at_ms: number): void {
    if (changes.length === 0) return
    market.book.time_ms = this.time(at_ms)
    for (const link of this.links) {
      const batch = link.subscribed.get(market)
      if (batch === undefined) continue
      link.subscribed.set(market, batch + 1)
      this.deliver(link, this.frame(market, market.last, changes, batch + 1, at_ms), at_ms)
    }
  }

  /** What becomes of the next frame; nothing where only a stream's promise stands for its order. */
  spoil(fault: 'lose' | 'double' | 'swap'): void {
    if (this.exchange.continuity !== 'none') this.next_frames.push(fault)
  }

  answer(fate: RestAnswer): void {
    if (this.exchange.snapshot !== undefined) this.next_answers.push(fate)
  }

  /** All links end, as we hear after what they had on their way. */
  cut(at_ms: number): void {
    for (const link of this.links) {
      this.hangUp(link)
      this.arrivals.add(Math.max(at_ms, link.last_ms), (now_ms) =>
        link.receiver.closed(link, now_ms),
      )
    }
  }

  mute(): void {
    for (const link of this.links) link.is_mute = true
  }

  hold(until_ms: number): void {
    for (const link of this.links) link.held_until_ms = until_ms
  }

  setClock(by_ms: number): void {
    this.clock_ms += by_ms
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.next_frames = []
    this.next_answers = []
    this.hold(0)
  }

  /** Something else that its links tell: a halt, a maintenance. */
  tell(at_ms: number, hear: (now_ms: number) => void): void {
    this.arrivals.add(at_ms + this.delay(), hear)
  }

  private time(at_ms: number): number {
    return Math.floor(START_MS + at_ms + this.clock_ms)
  }

  private frame(
    market: TrueMarket,
    version: Version,
    changes: readonly Change[],
    batch: number,
    sent_ms: number,
  ): Frame {
    const { dialect } = this
    const text =
      batch === 0
        ? dialect.snapshot(market.at(version), market.name)
        : dialect.delta(market.book, changes, batch, market.name)
    const place = market.versions.indexOf(version)
    return { market, version: place, snapshot: batch === 0, data: Buffer.from(text), sent_ms }
  }

  private deliver(link: Link, frame: Frame, at_ms: number): void {
    if (link.is_mute) return
    const fault = this.next_frames.shift()
    if (fault === 'lose') return
    if (fault === 'swap' && link.overtaken === null) {
      link.overtaken = frame
      return
    }
    this.send(link, frame, at_ms)
    if (fault === 'double') this.send(link, frame, at_ms)
    this.letGo(link, at_ms)
  }

  /** What was overtaken comes now. */
  private letGo(link: Link, at_ms: number): void {
    const { overtaken } = link
    link.overtaken = null
    if (overtaken !== null) this.send(link, overtaken, at_ms)
  }

  private send(link: Link, frame: Frame, at_ms: number): void {
    this.arrive(link, at_ms, (now_ms) => link.receiver.frame(link, frame, now_ms))
  }

  private arrive(link: Link, at_ms: number, hear: (now_ms: number) => void): void {
    link.last_ms = Math.max(link.last_ms, at_ms + this.delay(), link.held_until_ms)
    this.arrivals.add(link.last_ms, hear)
  }

  private delay(): number {
    return this.spec.latency_ms * (1 + this.jitter() * 0.3)
  }
}

/** What time the world begins at, ms since 1970 */
export const START_MS = Date.UTC(2026, 0, 1)
