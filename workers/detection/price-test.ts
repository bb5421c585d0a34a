/**
 * Whether a market's price says that its coin is not the one its ticker names: each market against
 * the median of the other exchanges, in dollars through live books. A price that is off is
 * quarantined and logged, never scaled. It judges coins, not opportunities: a coin that has proven
 * itself may tear away for a minute, for that is what a gap is (docs/asset-identity.md).
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Market } from '../../shared/market.ts'
import { topField } from '../../shared/top.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { identify } from './identity.ts'

/** further apart than this, two prices are not taken for prices of one coin */
const OFF_PERCENT = 3
/** so far no coin tears away within a gap that is not implausible anyway: no proof helps */
const FAR_OFF_PERCENT = 15
const SAMPLE_EVERY_MS = 1_000
/** agreeing samples in a row that prove a coin */
const PROOF_SAMPLES = 3
/** a proven coin that stays off for so long has become another one */
const PROOF_LASTS_MS = 60_000
/** a ratio within this of a power of ten looks like another unit of the same coin */
const UNIT_TOLERANCE = 0.05

export interface PriceTestOptions {
  readonly books: Books
  readonly clock: Clock
  readonly log: Log
  /** US dollars for one unit of an asset, or null when no live book says */
  readonly usd: (asset: string) => number | null
}

interface Peer {
  readonly entry: MarketBook
  readonly coin: Coin
  readonly units: number
  /** agreeing samples in a row, no more than PROOF_SAMPLES */
  agreed: number
  /** the last agreeing sample; NaN when there was none */
  agreed_ms: number
  /** the first of the samples in a row that were off; NaN when the last was not */
  off_since_ms: number
  /** the episode was logged */
  logged: boolean
}

/** A market that has proven its coin. */
export interface Proof {
  readonly market: Market
  /** monotonic, of the last sample that agreed */
  readonly agreed_ms: number
}

/** The markets of one coin; those of one exchange follow each other. */
interface Coin {
  readonly name: string
  readonly peers: Peer[]
}

export class PriceTest {
  private readonly options: PriceTestOptions
  private readonly coins = new Map<string, Coin>()
  /** by MarketBook.index */
  private readonly peers: Peer[] = []
  private readonly by_field = new Map<string, Peer>()
  /** those of more than one market, which can be compared */
  private readonly shared: Coin[] = []
  private refreshed_ms = Number.NEGATIVE_INFINITY
  /** coins whose sample is due, with a fraction */
  private owed = 0
  private turn = -1

  constructor(options: PriceTestOptions) {
    this.options = options
  }

  /**
   * Takes the samples that prove coins: of each coin one a second, of as many coins in one call as
   * is their share of the time since the last, so that no turn of the loop bears them all.
   */
  refresh(): void {
    const now_ms = this.options.clock.monotonic_ms()
    const elapsed_ms = Math.min(now_ms - this.refreshed_ms, SAMPLE_EVERY_MS)
    this.refreshed_ms = now_ms
    this.learn()
    const { shared } = this
    this.owed += (shared.length * elapsed_ms) / SAMPLE_EVERY_MS
    for (; this.owed >= 1; this.owed--) {
      this.turn = (this.turn + 1) % shared.length
      for (const peer of shared[this.turn]?.peers ?? []) this.sample(peer, now_ms)
    }
  }

  /** True when this market's price, now, is not to be believed as a price of its coin. */
  suspect(entry: MarketBook): boolean {
    this.learn()
    const peer = this.peers[entry.index]
    if (peer === undefined) return false
    const ratio = this.ratio(peer)
    if (!isOff(ratio, OFF_PERCENT)) return false
    if (isOff(ratio, FAR_OFF_PERCENT) || peer.agreed < PROOF_SAMPLES) return true
    return this.options.clock.monotonic_ms() - peer.off_since_ms > PROOF_LASTS_MS
  }

  /** What is proven now, for a worker that has yet to see it for itself. */
  proofs(): Proof[] {
    return this.peers
      .filter(({ agreed, agreed_ms }) => agreed === PROOF_SAMPLES && !Number.isNaN(agreed_ms))
      .map(({ entry, agreed_ms }) => ({ market: entry.market, agreed_ms }))
  }

  /**
   * Takes another worker's word for a market (`exchange|symbol`) that has not proven itself here: it
   * agreed at `agreed_ms` (monotonic), and is believed as long as if that had been the last sample.
   */
  vouch(field: string, agreed_ms: number): void {
    this.learn()
    const peer = this.by_field.get(field)
    if (peer === undefined || peer.agreed === PROOF_SAMPLES) return
    if (!(this.options.clock.monotonic_ms() - agreed_ms <= PROOF_LASTS_MS)) return
    peer.agreed = PROOF_SAMPLES
    peer.off_since_ms = agreed_ms
  }

  /** Takes in markets that were added since the last call. */
  private learn(): void {
    const { all } = this.options.books
    for (let index = this.peers.length; index < all.length; index++) {
      const entry = all[index] as MarketBook
      const { coin: name, units } = identify(entry.market.exchange, entry.market.base)
      const coin = this.coins.get(name) ?? { name, peers: [] }
      this.coins.set(name, coin)
      const peer = newPeer(entry, coin, units)
      this.peers.push(peer)
      this.by_field.set(topField(entry.market.exchange, entry.market.symbol), peer)
      const last = coin.peers.findLastIndex(
        (known) => known.entry.market.exchange === entry.market.exchange,
      )
      coin.peers.splice(last < 0 ? coin.peers.length : last + 1, 0, peer)
      if (coin.peers.length === 2) this.shared.push(coin)
    }
  }

  private sample(peer: Peer, now_ms: number): void {
    const ratio = this.ratio(peer)
    if (Number.isNaN(ratio)) return
    if (!isOff(ratio, OFF_PERCENT)) {
      peer.agreed = Math.min(peer.agreed + 1, PROOF_SAMPLES)
      peer.agreed_ms = now_ms
      peer.off_since_ms = Number.NaN
      peer.logged = false
      return
    }
    if (Number.isNaN(peer.off_since_ms)) peer.off_since_ms = now_ms
    if (peer.agreed < PROOF_SAMPLES || now_ms - peer.off_since_ms > PROOF_LASTS_MS) peer.agreed = 0
    const quarantined = peer.agreed === 0 || isOff(ratio, FAR_OFF_PERCENT)
    if (quarantined && !peer.logged) this.report(peer, ratio)
  }

  private report(peer: Peer, ratio: number): void {
    peer.logged = true
    const { exchange, market } = peer.entry.market
    this.options.log.warn('price far from the other exchanges: the market is quarantined', {
      exchange,
      market,
      coin: peer.coin.name,
      ratio: Number(ratio.toPrecision(6)),
      // for people to judge: nothing is scaled
      looks_like_units: unitsOf(ratio * peer.units),
    })
  }

  /**
   * How far this market's quote is from those of the other exchanges, as a factor: above 1 it is
   * dearer, 1 where they overlap, NaN when nobody can tell. Each exchange has one voice, the median
   * is taken; of an even number the middle one that is nearer to 1, because a single stranger must
   * not make suspects of those who agree.
   */
  private ratio({ entry, coin, units }: Peer): number {
    const { exchange, quote } = entry.market
    const common = this.options.usd(quote) === null ? quote : null
    if (!this.read(own, entry, units, common)) return Number.NaN
    voices.length = 0
    const { peers } = coin
    for (let from = 0; from < peers.length; ) {
      const speaker = (peers[from] as Peer).entry.market.exchange
      markets.length = 0
      let at = from
      for (; at < peers.length; at++) {
        const peer = peers[at] as Peer
        if (peer.entry.market.exchange !== speaker) break
        if (speaker !== exchange && this.read(other, peer.entry, peer.units, common)) {
          markets.push(apart(own, other))
        }
      }
      from = at
      if (markets.length > 0) voices.push(middle(markets))
    }
    return voices.length === 0 ? Number.NaN : middle(voices)
  }

  /**
   * What one coin is quoted at here, in dollars, or in `common` where that quote has no dollar
   * price. False when this book says nothing.
   */
  private read(
    into: Quote,
    { market, book, state }: MarketBook,
    units: number,
    common: string | null,
  ): boolean {
    if (state !== 'live' || (common !== null && market.quote !== common)) return false
    const usd = common === null ? this.options.usd(market.quote) : 1
    if (usd === null) return false
    into.bid = (book.bids.price(0) * usd) / units
    into.ask = (book.asks.price(0) * usd) / units
    return into.bid > 0 && into.ask > 0
  }
}

function newPeer(entry: MarketBook, coin: Coin, units: number): Peer {
  const never = { agreed: 0, agreed_ms: Number.NaN, off_since_ms: Number.NaN }
  return { entry, coin, units, ...never, logged: false }
}

interface Quote {
  bid: number
  ask: number
}

/** scratch: nothing is allocated per market */
const own: Quote = { bid: 0, ask: 0 }
const other: Quote = { bid: 0, ask: 0 }
const voices: number[] = []
const markets: number[] = []

/** A wide quote says no more than that the price lies between: overlapping ones do not differ. */
function apart(a: Quote, b: Quote): number {
  if (a.bid > b.ask) return a.bid / b.ask
  return a.ask < b.bid ? a.ask / b.bid : 1
}

/** The median; of an even number the middle one nearer to 1. Sorts in place. */
function middle(ratios: number[]): number {
  sort(ratios)
  const upper = ratios[ratios.length >> 1] as number
  if (ratios.length % 2 === 1) return upper
  const lower = ratios[(ratios.length >> 1) - 1] as number
  return lower * upper >= 1 ? lower : upper
}

/** By insertion: there are as many values as exchanges. */
function sort(values: number[]): void {
  for (let i = 1; i < values.length; i++) {
    const value = values[i] as number
    let at = i
    for (; at > 0 && (values[at - 1] as number) > value; at--) values[at] = values[at - 1] as number
    values[at] = value
  }
}

/** By more than so many percent, in either direction: the larger over the smaller. NaN is not off. */
function isOff(ratio: number, percent: number): boolean {
  const factor = 1 + percent / 100
  return ratio > factor || ratio * factor < 1
}

/** The power of ten that the ratio is near to, or null. */
function unitsOf(ratio: number): number | null {
  const exponent = Math.round(Math.log10(ratio))
  const near = Math.abs(ratio / 10 ** exponent - 1) <= UNIT_TOLERANCE
  return exponent !== 0 && near ? 10 ** exponent : null
}
