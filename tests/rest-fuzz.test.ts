/**
 * Everything that exchanges answer by REST, changed at random. The answers are fetched from the
 * sandbox exchanges, for every exchange of the registry and every procedure it has, so that a new one
 * is broken too without being named here. A parser gives what its type says or throws a FrameError.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Sandbox } from '../bench/load/sandbox.ts'
import type { AssetStatus } from '../shared/asset.ts'
import { DecimalString } from '../shared/decimal.ts'
import { Market } from '../shared/market.ts'
import { BookUpdate } from '../workers/book/update.ts'
import { type Exchange, FrameError } from '../workers/exchanges/exchange.ts'
import { exchanges } from '../workers/exchanges/index.ts'

const RUNS = 250
/** such a list is parsed a few times less, for it takes long */
const LARGE = 20_000
const KEY = { id: 'sandbox-reader', secret: 'sandbox-reader-secret' }

interface Fuzzed {
  readonly name: string
  readonly bodies: readonly string[]
  /** Parses and holds what came to its type. */
  readonly parse: (bodies: readonly string[]) => void
}

const AssetList: z.ZodType<AssetStatus[]> = z.array(
  z.strictObject({
    asset: z.string(),
    deposits: z.boolean(),
    withdrawals: z.boolean(),
    networks: z
      .array(
        z.strictObject({
          network: z.string(),
          deposits: z.boolean(),
          withdrawals: z.boolean(),
          withdrawal_fee: DecimalString.nullable(),
        }),
      )
      .nullable(),
  }),
)

let sandbox: Sandbox
let folder: string
let addresses: Awaited<ReturnType<Sandbox['addresses']>>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-rest-fuzz-'))
  const truth_file = join(folder, 'truth.jsonl')
  sandbox = new Sandbox({ seed: 3, symbols: 2, rate: 1, truth_file })
  addresses = await sandbox.addresses()
})
afterAll(async () => {
  await sandbox?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function fetched(exchange: Exchange, path: string, is_signed = false): Promise<string> {
  const base = addresses.get(exchange.id)?.rest_url
  if (base === undefined) throw new Error(`the sandbox has no ${exchange.id}`)
  const sign = is_signed ? exchange.account?.sign : undefined
  const request = sign?.(path, KEY, Date.now()) ?? { path, headers: {} }
  const response = await fetch(base + request.path, { headers: request.headers })
  if (!response.ok) throw new Error(`${exchange.id} ${path}: HTTP ${response.status}`)
  return response.text()
}

function levels(update: BookUpdate): void {
  for (const { count, price, size } of [update.bids, update.asks]) {
    for (let i = 0; i < count; i++) {
      expect(Number(price[i])).toBeGreaterThan(0)
      expect(Number(size[i])).toBeGreaterThanOrEqual(0)
    }
  }
}

/** Every procedure that the exchange has. */
async function proceduresOf(exchange: Exchange): Promise<Fuzzed[]> {
  const { instruments, snapshot, audit, trading_status = [], assets, account, time } = exchange
  const found: Fuzzed[] = []
  const add = async (
    name: string,
    path: string,
    parse: (body: string) => void,
    is_signed = false,
  ) => {
    const bodies = [await fetched(exchange, path, is_signed)]
    found.push({ name, bodies, parse: ([body = '']) => parse(body) })
  }
  const lists = await Promise.all(instruments.paths.map((path) => fetched(exchange, path)))
  found.push({
    name: 'instruments',
    bodies: lists,
    parse: (bodies) => void z.array(Market).parse(instruments.parse(bodies)),
  })
  const [{ market } = { market: '' }] = instruments.parse(lists)
  for (const [name, procedure] of Object.entries({ snapshot, audit })) {
    if (procedure === undefined) continue
    await add(name, procedure.path(market), (body) => {
      const update = new BookUpdate()
      procedure.parse(body, update)
      levels(update)
    })
  }
  for (const [i, status] of trading_status.entries()) {
    await add(`trading status ${i}`, status.path, (body) => {
      const { system, trading } = status.parse(body)
      if (system) expect(['online', 'maintenance']).toContain(system.state)
      if (trading) z.set(z.string()).parse(trading)
    })
  }
  await add('time', time.path, (body) => expect(time.parse(body)).toBeGreaterThan(0))
  if (assets !== undefined) {
    const parse = (body: string) => void AssetList.parse(assets.parse(body))
    await add('assets', assets.path, parse, assets.needs_key)
  }
  if (account !== undefined) {
    const { rights, rates } = account
    const rightsOf = (body: string) => void z.array(z.string()).parse(rights.parse(body))
    await add('rights', rights.path, rightsOf, true)
    await add(
      'rates',
      rates.path,
      (body) => void z.map(z.string(), z.string()).parse(rates.parse(body)),
      true,
    )
  }
  return found
}

const ODD = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, '', '0', '-1', 'NaN', 'Infinity', '1e999', '0.0000000000000000000001', '１'],
    ...[
      0,
      -0,
      -1,
      1.5,
      2 ** 53,
      1e308,
      [],
      {},
      [[]],
      [null],
      { __proto__: null },
      'x'.repeat(5_000),
    ],
    ...['constructor', '__proto__', 'toString', '\u0000', '\ud800'],
  ),
  fc.jsonValue({ maxDepth: 3 }),
)

/** One place of the tree is another value, is gone, or is there twice. */
function changed(tree: unknown, path: readonly number[], kind: number, odd: unknown): unknown {
  const [step, ...rest] = path
  if (typeof tree !== 'object' || tree === null || step === undefined) return odd
  const names = Object.keys(tree)
  if (names.length === 0) return odd
  const name = names[step % names.length] ?? ''
  const value = (tree as Record<string, unknown>)[name]
  if (rest.length === 0 && kind === 1) {
    return Array.isArray(tree)
      ? tree.toSpliced(Number(name), 1)
      : Object.fromEntries(Object.entries(tree).filter(([key]) => key !== name))
  }
  const into = changed(value, rest, kind, odd)
  if (Array.isArray(tree)) {
    return kind === 2 ? [...tree, into, value] : tree.with(Number(name), into)
  }
  return { ...tree, [name]: into }
}

const place = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 6 })
const change = fc.tuple(place, fc.nat({ max: 2 }), ODD)
/** Its tree, changed in some places; or its text, cut or written over. */
function broken(body: string): fc.Arbitrary<string> {
  const tree: unknown = JSON.parse(body)
  const by_tree = fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((all) => all.reduce((now, [path, kind, odd]) => changed(now, path, kind, odd), tree))
    .map((value) => JSON.stringify(value))
  const at = fc.nat({ max: body.length })
  const by_text = fc
    .tuple(at, fc.nat({ max: 40 }), fc.string({ unit: 'binary', maxLength: 12 }))
    .map(([from, gone, put]) => body.slice(0, from) + put + body.slice(from + gone))
  const other = fc.oneof(
    fc.string(),
    fc.json({ maxDepth: 4 }),
    at.map((end) => body.slice(0, end)),
  )
  return fc.oneof({ weight: 6, arbitrary: by_tree }, { weight: 2, arbitrary: by_text }, other)
}

describe.each(exchanges.map((exchange) => [exchange.id, exchange] as const))(
  '%s',
  (_, exchange) => {
    it('gives what it promises or a FrameError, whatever REST answers', async () => {
      for (const { name, bodies, parse } of await proceduresOf(exchange)) {
        parse(bodies)
        const which = fc.nat({ max: bodies.length - 1 })
        const cases = which.chain((i) =>
          broken(bodies[i] ?? '').map((body) => bodies.with(i, body)),
        )
        fc.assert(
          fc.property(cases, (given) => {
            try {
              parse(given)
            } catch (error) {
              if (!(error instanceof FrameError)) throw error
              expect(error.message.length, `${name}: ${error.message}`).toBeLessThan(400)
            }
          }),
          { numRuns: bodies.join('').length > LARGE ? RUNS / 5 : RUNS, endOnFailure: true },
        )
      }
    })
  },
)
