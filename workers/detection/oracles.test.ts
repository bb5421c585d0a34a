/**
 * Published test cases of other projects, where they are at hand. A case counts when it speaks of
 * taking levels against each other; the others are skipped by the reason given in SKIPPED.
 */
import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type ChainLeg, chainLeg, MAX_LEGS } from './chain.ts'
import { createFees } from './fees.ts'
import { TestBooks, type TextLevels } from './testing.ts'
import { topRate, walk } from './walk.ts'

interface OracleBook {
  readonly exchange: string
  readonly market: string
  readonly bids: TextLevels
  readonly asks: TextLevels
  readonly taker_fee_percent: string
  readonly contract_size?: string
}

interface OracleCase {
  readonly id: string
  readonly books: readonly OracleBook[]
  readonly fee_model: string
  readonly task: Readonly<Record<string, unknown>> & { readonly op: string }
  readonly expected: Readonly<Record<string, string | readonly string[]>>
  /** "rel 2e-4" or "abs 0.5" */
  readonly tolerance: Readonly<Record<string, string>>
}

/** Why a kind of task says nothing about our model. */
const SKIPPED: Readonly<Record<string, string>> = {
  synth: 'asks for the levels of a synthetic book: we walk chains, and keep none',
  count: 'counts pairs of synthetic books',
  count_pairs: 'counts pairs of books, one with itself included',
  best_cycle: 'asks which cycle is best: we tell every one that pays (oracle/)',
  buy_received: 'asks for the fee alone: legs of one trade are no chain',
  max_buy: 'asks what a balance buys',
  lots: 'rounds a later order up, which nobody who has only what he received can do',
  ladder_shape: 'asks for the shape of one book',
  price_ratio: 'asks for a unit factor: never guessed from a price (identity.ts)',
  anchor: 'prices of perpetuals against their index',
  basis: 'prices of perpetuals against their index',
  chain_truncated: 'truncates an amount to what the top takes',
}
/** Options that change what is taken. */
const FOREIGN = ['ignore_fees_for_stop', 'balance_quote', 'min_level_size', 'max_base']

const FILE = new URL('../../../shared/oracles.json', import.meta.url)
const cases: OracleCase[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : []

/**
 * Our fee is a part of what is received. A fee of f percent of the quote on top of a purchase is the
 * same as 100 f / (100 + f) percent of what it bought.
 */
function feePercent(
  { taker_fee_percent }: OracleBook,
  model: string,
  side: 'buy' | 'sell',
): string {
  if (model !== 'percent of quote on both legs' || side === 'sell') return taker_fee_percent
  const fee = Number(taker_fee_percent)
  return ((100 * fee) / (100 + fee)).toFixed(12)
}

/** Levels of no size are none. */
function levels(all: TextLevels, most = Number.POSITIVE_INFINITY): TextLevels {
  return all.slice(0, most).filter(([, size]) => Number(size) > 0)
}

function legOf(
  world: TestBooks,
  one: OracleCase,
  book: OracleBook,
  side: 'buy' | 'sell',
): ChainLeg {
  const { task, fee_model } = one
  const entry = world.add(`${book.exchange} ${world.books.all.length}`, book.market, {
    taker_fee_percent: feePercent(book, fee_model, side),
  })
  const most = side === 'buy' ? task.buy_levels : task.sell_levels
  world.set(
    entry,
    side === 'sell' ? levels(book.bids, most as number) : [['0.0000000001', '1']],
    side === 'buy' ? levels(book.asks, most as number) : [['99999999', '1']],
  )
  return chainLeg(entry, side, createFees())
}

/** The legs that a task names, or the reason why we have no such chain. */
function legsOf(one: OracleCase): ChainLeg[] | string {
  const { task, books } = one
  const world = new TestBooks()
  const foreign = FOREIGN.find((name) => name in task)
  if (foreign !== undefined) return `${foreign} changes what is taken`
  if (books.some(({ contract_size }) => contract_size !== undefined)) return 'trades contracts'
  if (task.op === 'walk_pair' || task.op === 'touch') {
    const [buy, sell] = [books[task.buy_book as number], books[task.sell_book as number]]
    if (buy === undefined || sell === undefined) throw new Error(`${one.id} names no books`)
    return [legOf(world, one, buy, 'buy'), legOf(world, one, sell, 'sell')]
  }
  if (task.op === 'cycle_walk' || task.op === 'cycle_top') {
    const path = task.path as string[]
    if (path.length - 1 > MAX_LEGS) return `more than ${MAX_LEGS} legs`
    return path.slice(1).map((to, i) => along(world, one, path[i] as string, to))
  }
  if (task.op === 'synth_vs_direct') {
    const [base = '', quote = ''] = String(task.target).split('/')
    const direct = books[task.direct as number] as OracleBook
    const legs = [legOf(world, one, direct, 'buy')]
    let at = base
    for (const index of task.chain as number[]) {
      const book = books[index] as OracleBook
      const [from = '', to = ''] = book.market.split('/')
      legs.push(legOf(world, one, book, from === at ? 'sell' : 'buy'))
      at = from === at ? to : from
    }
    expect(at).toBe(quote)
    return legs
  }
  return SKIPPED[task.op] ?? `nobody knows the task ${task.op}`
}

function along(world: TestBooks, one: OracleCase, from: string, to: string): ChainLeg {
  const sold = one.books.find(({ market, bids }) => market === `${from}/${to}` && bids.length > 0)
  if (sold !== undefined) return legOf(world, one, sold, 'sell')
  const bought = one.books.find(({ market, asks }) => market === `${to}/${from}` && asks.length > 0)
  if (bought === undefined) throw new Error(`${one.id}: nobody trades ${from} for ${to}`)
  return legOf(world, one, bought, 'buy')
}

/** What we say to each of the figures that a case may ask for. */
function figures(one: OracleCase, legs: readonly ChainLeg[]): Record<string, number | boolean> {
  const { task, fee_model } = one
  const { amount_in, amount_out, depth_exhausted } = walk(legs, 1)
  const top = topRate(legs)
  const profit = amount_out - amount_in
  const least = task.min_pnl_quote === undefined ? 0 : Number(task.min_pnl_quote)
  const share = Number(task.min_net_fraction_exclusive ?? 0)
  const pays = task.op === 'walk_pair' || task.op === 'cycle_walk' ? amount_in > 0 : top > 1
  const [first] = legs
  const base = first?.side === 'buy' ? soldBase(legs, amount_in) : Number.NaN
  return {
    opportunity: pays && profit >= least && (share === 0 || profit / amount_in > share + 1e-12),
    cycle_volume_in: amount_in,
    cycle_proceeds_out: amount_out,
    cycle_profit: profit,
    profit_fraction: amount_out / amount_in - 1,
    avg_edge_ppm: (amount_out / amount_in - 1) * 1e6,
    touch_edge_ppm: (top - 1) * 1e6,
    product_after_fee: top,
    end_amount: top * Number(task.start_amount),
    profit_start_asset: (top - 1) * Number(task.start_amount),
    exhausted: depth_exhausted,
    // the other fee model takes the same levels for another amount: only its ratios are ours
    ...(fee_model === 'none'
      ? {
          gross_pnl_quote: profit,
          net_pnl_quote: profit,
          cost_quote: amount_in,
          proceeds_quote: amount_out,
          volume_base: base,
          product_no_fee: top,
        }
      : {}),
  }
}

/** Base bought for so much, without a fee. */
function soldBase([leg]: readonly ChainLeg[], quote: number): number {
  let [left, base] = [quote, 0]
  const asks = leg?.entry.book.asks.levels() ?? []
  for (const { price, size } of asks) {
    const part = Math.min(size, left / price)
    base += part
    left -= part * price
  }
  return base
}

/** What the case itself allows; else what Float64 costs. */
function allowed(tolerance: string | undefined, value: number): number {
  const [kind, share] = tolerance?.split(' ') ?? []
  const float = Math.max(Math.abs(value), 1e-3) * 1e-9
  return Math.max(float, kind === 'rel' ? Number(share) * Math.abs(value) : Number(share ?? 0))
}

it.skipIf(cases.length === 0)(
  'reproduces the cases of other projects that speak of our model',
  () => {
    const skipped: string[] = []
    let compared = 0
    for (const one of cases) {
      const legs = legsOf(one)
      if (typeof legs === 'string') {
        skipped.push(`${one.id}: ${legs}`)
        continue
      }
      const ours = figures(one, legs)
      for (const [name, value] of Object.entries(one.expected)) {
        const figure = ours[name]
        // what a case tells beside: levels used, sizes at the top, a verdict on stale data
        if (figure === undefined || typeof value !== 'string') continue
        compared++
        if (typeof figure === 'boolean') {
          expect(String(figure), `${one.id} ${name}`).toBe(value)
        } else {
          const apart = Math.abs(figure - Number(value))
          const what = `${one.id} ${name}: ${figure}, expected ${value}`
          expect(apart, what).toBeLessThanOrEqual(allowed(one.tolerance[name], Number(value)))
        }
      }
    }
    expect(compared, skipped.join('; ')).toBeGreaterThan(60)
    expect(skipped.length).toBeLessThan(30)
  },
)
