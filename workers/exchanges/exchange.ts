/**
 * THE contract: everything the worker knows about an exchange. Adding one is a file that exports an
 * `Exchange` and one line in index.ts; the conformance suite then runs against it unasked.
 * An exchange describes and decodes; it owns no socket, no timer and no book.
 */
import type { AssetStatus } from '../../shared/asset.ts'
import type { Market } from '../../shared/market.ts'
import type { Book } from '../book/book.ts'
import type { Continuity } from '../book/sequencer.ts'
import type { BookUpdate } from '../book/update.ts'

/** What was sent may be as long as a frame, and is repeated in the log. */
const MESSAGE_MAX = 300

/** The only error a reader may throw: this frame is not what the exchange documents. */
export class FrameError extends Error {
  override name = 'FrameError'
  /** index of the market whose change was lost with the frame; -1 when nobody can tell */
  readonly market: number

  constructor(message: string, market = -1) {
    super(message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX)}…` : message)
    this.market = market
  }
}

/** Frames of this connection were lost, of whichever market: only a new connection heals that. */
export class SequenceError extends FrameError {
  override name = 'SequenceError'
}

/** The answer to a ping of ours, with the times that the exchange wrote on it. */
export interface Pong {
  /** what our ping said: our monotonic clock, whole ms */
  readonly sent_ms: number
  /** the exchange's clock when the ping came and when the answer left, ms since 1970 */
  readonly came_ms: number
  readonly left_ms: number
}

/** What a reader tells the feed about a frame. Calls arrive in the order of the frame's content. */
export interface FrameHandler {
  /** Levels for one market. `update` is reused: apply it before returning. */
  book(update: BookUpdate): void
  subscribed(market: string): void
  /** `market` is null when the exchange does not say which one it refuses. */
  refused(market: string | null, reason: string): void
  /** The matching engine: anything but 'online' halts every market of the exchange. */
  system(state: 'online' | 'maintenance', reason: string): void
  /** One market opens or stops trading. */
  trading(market: string, open: boolean): void
  /** The exchange announced that it will close this connection: replace it now. */
  closing(reason: string): void
  /** Only exchanges whose pongs tell the time call it, and not everybody wants to know. */
  pong?(pong: Pong): void
}

/** The markets that are watched, found by the exchange's own name. */
export interface MarketTable {
  /** index of the market, always the same for a name; -1 while nobody asked for it */
  find(market: string): number
}

/** 'ignored' is what the exchange may send and we do not need. */
export type FrameKind = 'book' | 'control' | 'ignored'

/** Decodes the frames of one connection; may keep what the protocol says is per connection. */
export interface FrameReader {
  /** frames so far that went through a JSON tree; undefined: all of them do */
  readonly slow_path?: number
  /**
   * Returns what kind of frame it was.
   * @throws FrameError, and nothing else, whatever the bytes are. A frame that throws has called
   * no handler.
   */
  read(frame: Buffer, handler: FrameHandler): FrameKind
}

interface Limits {
  /** client frames of any kind, per connection */
  readonly frames_per_second: number
  /** markets named in one subscribe frame */
  readonly markets_per_frame: number
  readonly markets_per_connection: number
  /** connection attempts per address */
  readonly connects: { readonly count: number; readonly window_ms: number }
  /** after a failed attempt, at least so long until the next; undefined: the backoff alone */
  readonly redial_ms?: number
  /** what REST requests may weigh within any such window, per address */
  readonly rest: { readonly weight: number; readonly window_ms: number }
  readonly largest_frame_bytes: number
  /** no connection may say more, pings apart: it is replaced before; undefined where it may */
  readonly frames_per_connection?: number
  /** the exchange cuts older connections: replace them before; undefined where it does not */
  readonly connection_life_ms?: number
}

/** So long a silence of a market that changes all the time: this many times its usual one, and no less. */
export interface UnusualSilence {
  readonly times_usual: number
  readonly least_ms: number
}

interface Keepalive {
  /** no frame of any kind for so long: the link is dead */
  readonly idle_ms: number
  /** a subscription that brought no snapshot by then will not: several acknowledge what they never serve */
  readonly answer_ms: number
  /** a market without a frame for so long may be one that the exchange forgot: resync it */
  readonly quiet_ms: number
  /** the same for a market that is never quiet otherwise; undefined where audits find what was forgotten */
  readonly unusual_silence?: UnusualSilence
  /**
   * application-level ping the exchange expects from us; undefined where it expects none. The frame
   * may carry our monotonic clock, to be told it again in the pong
   */
  readonly ping?: { readonly every_ms: number; readonly frame: (now_ms: number) => string }
}

/** REST snapshot that seeds a book whose deltas carry on from it. */
export interface SnapshotProcedure {
  readonly path: (market: string) => string
  /** counts against limits.rest */
  readonly weight: number
  /** @throws FrameError when the body is not a snapshot */
  readonly parse: (body: string, update: BookUpdate) => void
}

/** The best levels by REST, where neither checksum nor anything else proves a book right. */
export interface AuditProcedure {
  readonly path: (market: string) => string
  /** counts against limits.rest */
  readonly weight: number
  /** every market has its turn so often, where the budget allows */
  readonly every_ms: number
  /** what the stream and REST show is apart by no more than this */
  readonly settle_ms: number
  /** Fills in the levels, best first, and what tells their time. @throws FrameError */
  readonly parse: (body: string, update: BookUpdate) => void
}

/** Who trades, as one answer tells it. What it does not speak of is undefined. */
export interface TradingReport {
  /** the matching engine as a whole */
  readonly system?: { readonly state: 'online' | 'maintenance'; readonly reason: string }
  /** the exchange's names of all markets that trade: any other market does not */
  readonly trading?: ReadonlySet<string>
}

/** Who trades, by REST, where the stream does not say: its books just stand still. */
export interface TradingStatusProcedure {
  readonly path: string
  /** counts against limits.rest */
  readonly weight: number
  /** it is asked so often, and sooner when something hints at a halt */
  readonly every_ms: number
  /** the alternatives' addresses do not know this path */
  readonly own_address_only?: true
  /** @throws FrameError when the body is no such answer */
  readonly parse: (body: string) => TradingReport
}

/** Where the list of markets is. `parse` gets the bodies in the order of `paths`. */
interface Instruments {
  readonly paths: readonly string[]
  /** Markets in canonical spelling, tradable or not. @throws FrameError on an unknown shape. */
  readonly parse: (bodies: readonly string[]) => Market[]
}

/** Which assets can be deposited and withdrawn. */
export interface AssetProcedure {
  readonly path: string
  /** false: public; true: signed by the exchange's `account` */
  readonly needs_key: boolean
  /** @throws FrameError on an unknown shape */
  readonly parse: (body: string) => AssetStatus[]
}

/** A key that the operator gave us, meant for reading alone. */
export interface ApiKey {
  readonly id: string
  readonly secret: string
}

/** What such a key tells. Every request is a GET, and there is none that changes anything. */
export interface AccountProcedure {
  /** `time_ms` is the exchange's own clock, ms since 1970 */
  readonly sign: (
    path: string,
    key: ApiKey,
    time_ms: number,
  ) => { readonly path: string; readonly headers: Readonly<Record<string, string>> }
  readonly rights: {
    readonly path: string
    /** What the key may do beyond reading, in the exchange's words. @throws FrameError */
    readonly parse: (body: string) => string[]
  }
  readonly rates: {
    readonly path: string
    /** Taker fee in percent, by the exchange's name of the market. @throws FrameError */
    readonly parse: (body: string) => ReadonlyMap<string, string>
  }
}

interface FeeSchedule {
  /** lowest public tier, percent; a market may say otherwise (Market.taker_fee_percent) */
  readonly taker_percent: string
  readonly source: string
  /** date of the source, YYYY-MM-DD */
  readonly as_of: string
}

/** Where the exchange tells the time. */
interface ServerTime {
  readonly path: string
  /** ms since 1970. @throws FrameError when the body tells no time */
  readonly parse: (body: string) => number
  /** the answer may be too small by up to so much */
  readonly resolution_ms: number
}

/** How an exchange is spoken to over one kind of stream. */
export type Protocol = Pick<
  Exchange,
  'limits' | 'keepalive' | 'subscribe' | 'unsubscribe' | 'hello' | 'reader' | 'trading_status'
>

/** Another door to the same books: other hosts, or another protocol of the same exchange. */
interface Alternative {
  readonly websocket_url?: string
  readonly rest_url?: string
  /** where it differs from the exchange's own; ids, continuity and market names are the same */
  readonly protocol?: Protocol
}

export interface BookChecksum {
  /**
   * What the exchange would compute over this book, always the same one, from the digits as sent.
   * `update` is what was applied last: it tells where to look, the numbers are the book's.
   */
  of(book: Book, update: BookUpdate): number
}

export interface Exchange {
  readonly id: string
  readonly name: string
  /** production addresses; `<ID>_WS_URL` and `<ID>_REST_URL` replace them */
  readonly websocket_url: string
  readonly rest_url: string
  /** tried in this order where those are refused or cannot be had; never beside an override */
  readonly alternatives?: readonly Alternative[]
  /** every host that speaks for this exchange: capture files are told apart by it */
  readonly hosts: readonly string[]
  /** where on them this protocol is spoken: the same hosts may serve older ones and other books */
  readonly stream_paths: readonly string[]
  readonly limits: Limits
  readonly keepalive: Keepalive
  readonly fees: FeeSchedule
  readonly instruments: Instruments
  readonly time: ServerTime
  readonly continuity: Continuity
  readonly snapshot?: SnapshotProcedure
  readonly audit?: AuditProcedure
  /** undefined where the stream itself tells every halt */
  readonly trading_status?: readonly TradingStatusProcedure[]
  readonly assets?: AssetProcedure
  /** where an account's own fees can be read with a key */
  readonly account?: AccountProcedure
  /** frames that subscribe these markets (at most limits.markets_per_frame), ids included */
  readonly subscribe: (markets: readonly string[]) => string[]
  readonly unsubscribe: (markets: readonly string[]) => string[]
  /** frames sent once after connecting, before any market (status channels) */
  readonly hello?: (markets: readonly string[]) => string[]
  readonly reader: (markets: MarketTable) => FrameReader
  /** makes the checksum of one book, which may remember what it computed before */
  readonly checksum?: () => BookChecksum
}
