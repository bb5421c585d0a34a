import { describe, expect, it } from 'vitest'
import { userPath } from '../arguments.ts'
import { readRecordOptions } from '../capture/options.ts'
import { describeProblem } from '../config/problems.ts'
import { readConfig } from '../config.ts'
import { exchanges } from '../exchanges/index.ts'
import { readReplayOptions } from './options.ts'

const IDS = ['binance', 'kraken']
const replay = (...argv: string[]) => readReplayOptions(argv, IDS)
const problemsOf = (result: ReturnType<typeof replay>) =>
  result.ok ? [] : result.problems.map(describeProblem)

describe('the command line of replay', () => {
  it('takes files and options in any order, with the defaults of the worker', () => {
    const stores = { REDIS_URL: 'redis://r', DATABASE_URL: 'postgres://p/d' }
    const worker = readConfig(stores, exchanges)
    expect(replay('a', 'b')).toEqual({
      ok: true,
      options: {
        files: ['a', 'b'],
        limits: worker.ok && worker.config.limits,
        fees: new Map(),
        exchanges: null,
        books: 10,
      },
    })
    const argv = ['--min-percent=0.1', 'a', '--fees', 'kraken=0.26,binance=0', '--books', '3', 'b']
    const more = ['--max-percent', '5', '--min-volume-usd', '0', '--max-age-ms', '7']
    expect(replay(...argv, ...more, '--max-skew-ms', '8', '--exchange', 'kraken')).toEqual({
      ok: true,
      options: {
        files: ['a', 'b'],
        limits: {
          min_percent: 0.1,
          max_percent: 5,
          min_volume_usd: 0,
          max_book_age_ms: 7,
          max_skew_ms: 8,
        },
        fees: new Map([
          ['kraken', '0.26'],
          ['binance', '0'],
        ]),
        exchanges: ['kraken'],
        books: 3,
      },
    })
  })

  it.each([
    [[], 'FILE: not set, expected at least one capture file'],
    [['f', '--min-percent', 'much'], '--min-percent: "much", expected a number from 0 to 100'],
    [['f', '--min-percent', '-1'], '--min-percent: "-1", expected a number from 0 to 100'],
    [['f', '--max-percent', '0.2'], '--max-percent: "0.2", expected more than --min-percent (0.5)'],
    [['f', '--max-age-ms', '1.5'], '--max-age-ms: "1.5", expected an integer from 1 to 600000'],
    [['f', '--max-skew-ms', ''], '--max-skew-ms: not set, expected a value'],
    [
      ['f', '--min-volume-usd', 'NaN'],
      '--min-volume-usd: "NaN", expected a number from 0 to 1000000000',
    ],
    [
      ['f', '--fees', 'kraken'],
      /^--fees: "kraken", expected ID=PERCENT,… with each ID one of binance, kraken/,
    ],
    [['f', '--fees', 'kraken=1,kraken=2'], /^--fees: "kraken=1,kraken=2", expected/],
    [['f', '--fees', 'okx=1'], /^--fees: "okx=1", expected/],
    [['f', '--fees', 'kraken=-1'], /^--fees: "kraken=-1", expected/],
    [['f', '--fees', 'kraken=100'], /^--fees: "kraken=100", expected/],
    [['f', '--exchange', 'okx'], '--exchange: "okx", expected one of binance, kraken'],
    [['f', '--books', '2.5'], '--books: "2.5", expected a number of levels from 0 to 10000'],
    [['f', '--books', '1', '--books', '2'], '--books: "2", expected to be given once'],
    [['f', '--books'], '--books: not set, expected a value'],
    [['f', '--depth', '3'], /^option: "--depth", expected one of --min-percent, /],
    [['f', '-x'], /^option: "-x", expected one of /],
  ])('refuses %j in one sentence', (argv, sentence) => {
    expect(problemsOf(replay(...argv))).toEqual([
      typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    ])
  })

  it('names every problem at once', () => {
    expect(problemsOf(replay('--books', 'x', '--min-percent', 'y')).length).toBe(3)
  })
})

describe('the command line of record', () => {
  const record = (argv: string[], env = {}) => readRecordOptions(argv, env, IDS)

  it('goes before the settings of the worker, which hold otherwise', () => {
    const env = { EXCHANGES: 'binance', SYMBOLS: 'BTC/USDT', KRAKEN_WS_URL: 'ws://localhost:1' }
    expect(record(['--out', 'f', '--exchanges', 'kraken', '--seconds', '1.5'], env)).toEqual({
      ok: true,
      options: {
        out: 'f',
        seconds: 1.5,
        watch: {
          exchanges: [{ id: 'kraken', websocket_url: 'ws://localhost:1', rest_url: null }],
          symbols: ['BTC/USDT'],
          max_symbols: 100,
        },
      },
    })
  })

  it.each([
    [[], {}, '--out: not set, expected the file to write'],
    [
      ['--out', 'f', '--seconds', '0'],
      {},
      '--seconds: "0", expected a number of seconds up to 2000000',
    ],
    [
      ['--out', 'f', '--exchanges', 'okx'],
      {},
      '--exchanges: "okx", expected a comma-separated list of binance, kraken',
    ],
    [
      ['--out', 'f', '--symbols', 'btc'],
      {},
      /^--symbols: "btc", expected a comma-separated list of BASE\/QUOTE/,
    ],
    [['--out', 'f'], { EXCHANGES: 'okx' }, /^EXCHANGES: "okx", expected/],
    [
      ['--out', 'f'],
      { KRAKEN_WS_URL: 'http://x' },
      /^KRAKEN_WS_URL: "http:\/\/x", expected a URL that starts with ws/,
    ],
    [['--out', 'f', 'g'], {}, 'argument: "g", expected none'],
  ])('refuses %j with %j in one sentence', (argv, env, sentence) => {
    const result = record(argv, env)
    expect(result.ok ? [] : result.problems.map(describeProblem)).toEqual([
      typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    ])
  })
})

it('takes a file from where the user called npm', () => {
  const env = { npm_lifecycle_event: 'replay', INIT_CWD: '/home/me' }
  expect(userPath('a.jsonl', 'replay', env)).toBe('/home/me/a.jsonl')
  expect(userPath('/b.jsonl', 'replay', env)).toBe('/b.jsonl')
  expect(userPath('a.jsonl', 'record', env)).toBe(`${process.cwd()}/a.jsonl`)
})
