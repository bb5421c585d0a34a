/** How a list of markets is kept while the worker runs, against a real server. */
import type { ServerResponse } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { silentLog } from '../../shared/log.ts'
import { kraken } from '../exchanges/kraken.ts'
import { Roster, type RosterTiming } from './roster.ts'
import { exchangeServer, WAIT } from './testing-server.ts'

/** AssetPairs with these pairs, all of them trading. */
const body = (...names: string[]) =>
  JSON.stringify({
    error: [],
    result: Object.fromEntries(
      names.map((name) => [
        name,
        { wsname: `${name}/USD`, pair_decimals: 2, lot_decimals: 8, status: 'online' },
      ]),
    ),
  })

const NEVER_MS = 3_600_000

async function start(
  answer: (response: ServerResponse, n: number) => void,
  timing: Partial<RosterTiming> = {},
) {
  const asked_ms: number[] = []
  const lists: string[][] = []
  const server = await exchangeServer({
    rest: (_request, response) => {
      asked_ms.push(performance.now())
      answer(response, asked_ms.length)
    },
  })
  const roster: Roster = new Roster({
    exchange: kraken,
    rest_url: server.rest_url,
    clock: systemClock,
    log: silentLog,
    random: () => 0,
    timing: { period_ms: NEVER_MS, restless_ms: NEVER_MS, gap_ms: 50, ...timing },
    tap: undefined,
    onList: ({ markets }) => lists.push(markets.map(({ base }) => base)),
  })
  onTestFinished(() => roster.stop())
  roster.start()
  return { roster, lists, asked_ms }
}

describe('a list of markets', () => {
  it('is asked for again and again', async () => {
    const names = ['A', 'B', 'C']
    const { lists } = await start((response, n) => response.end(body(...names.slice(0, n))), {
      period_ms: 20,
    })
    await expect.poll(() => lists.slice(0, 3), WAIT).toEqual([['A'], ['A', 'B'], names])
  })

  it('is asked for soon when something hints, once in the gap however much hints', async () => {
    // as we ask: a loaded server notices when it can
    const asking_ms: number[] = []
    const { fetch } = globalThis
    vi.spyOn(globalThis, 'fetch').mockImplementation((...request) => {
      asking_ms.push(performance.now())
      return fetch(...request)
    })
    onTestFinished(() => void vi.restoreAllMocks())
    const { roster, lists, asked_ms } = await start((response) => response.end(body('A')), {
      gap_ms: 300,
    })
    await expect.poll(() => lists.length, WAIT).toBe(1)
    for (let n = 0; n < 10; n++) roster.hint()
    await expect.poll(() => lists.length, WAIT).toBe(2)
    expect(asking_ms[1]! - asking_ms[0]!).toBeGreaterThan(250)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(asked_ms).toHaveLength(2)
  })

  it('is asked for more often while markets have gone lately', async () => {
    const { lists } = await start(
      (response, n) => response.end(n === 1 ? body('A', 'B', 'C') : body('A', 'B')),
      { period_ms: 100, restless_ms: 10 },
    )
    await expect.poll(() => lists.length, WAIT).toBeGreaterThan(5)
    expect(lists[1]).toEqual(['A', 'B'])
  })

  it('that lost most of its markets is believed when the next one says so too', async () => {
    const { roster, lists } = await start((response, n) =>
      response.end(n === 2 || n >= 4 ? body('A') : body('A', 'B', 'C')),
    )
    await expect.poll(() => lists.length, WAIT).toBe(1)
    roster.hint()
    // the second answer was a slip
    await expect.poll(() => lists.length, WAIT).toBe(2)
    expect(lists[1]).toEqual(['A', 'B', 'C'])
    roster.hint()
    await expect.poll(() => lists.length, WAIT).toBe(3)
    expect(lists[2]).toEqual(['A'])
  })

  it('is kept when the exchange does not answer, and asked for again', async () => {
    const { roster, lists } = await start((response, n) => {
      if (n === 2) response.writeHead(500).end()
      else response.end(body('A'))
    })
    await expect.poll(() => lists.length, WAIT).toBe(1)
    roster.hint()
    await expect.poll(() => roster.reason, WAIT).toMatch(/HTTP 500/)
    expect(roster.list?.markets).toHaveLength(1)
    await expect.poll(() => lists.length, WAIT).toBe(2)
  })

  it('that is refused to our address is not asked for in a storm', async () => {
    const { roster, asked_ms } = await start((response) => response.writeHead(451).end())
    await expect.poll(() => roster.state, WAIT).toBe('blocked')
    roster.hint()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(asked_ms).toHaveLength(1)
  })
})
