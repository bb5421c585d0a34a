import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeProblems } from './config/problems.ts'
import { readConfig, readDatabaseUrl, variables } from './config.ts'
import { exchanges } from './exchanges/index.ts'

const ids = exchanges.map(({ id }) => id)
const required = {
  REDIS_URL: 'redis://localhost:6379',
  DATABASE_URL: 'postgres://localhost/spreadwire',
}

function problemsOf(env: Record<string, string>) {
  const result = readConfig(env, exchanges)
  return result.ok ? [] : result.problems
}

function configOf(env: Record<string, string>) {
  const result = readConfig(env, exchanges)
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.config
}

describe('readConfig', () => {
  it('has a default for everything but the two stores', () => {
    const config = configOf(required)
    expect(config.limits).toMatchObject({
      min_percent: 0.5,
      max_percent: 10,
      min_volume_usd: 1000,
    })
    expect(config.port).toBe(8080)
    expect(config.symbols).toBeNull()
    expect(config.exchanges.map(({ id }) => id)).toEqual(ids)
    expect(config.exchanges.every((one) => one.websocket_url === null)).toBe(true)
    expect(problemsOf({}).map(({ variable }) => variable)).toEqual(['REDIS_URL', 'DATABASE_URL'])
  })

  it('takes an empty value as unset', () => {
    expect(configOf({ ...required, PORT: '', EXCHANGES: '', BINANCE_WS_URL: '' })).toEqual(
      configOf(required),
    )
  })

  it('tells every problem at once, with the value and what was expected', () => {
    const problems = problemsOf({
      REDIS_URL: 'http://localhost',
      PORT: '80 80',
      EXCHANGES: 'binance,bynance',
      SYMBOLS: 'btc/usdt',
      MIN_VOLUME_USD: '-5',
      MAX_SYMBOLS: '1e3',
      KRAKEN_REST_URL: 'ftp://x',
    })
    expect(problems.map(({ variable }) => variable).sort()).toEqual([
      'DATABASE_URL',
      'EXCHANGES',
      'KRAKEN_REST_URL',
      'MAX_SYMBOLS',
      'MIN_VOLUME_USD',
      'PORT',
      'REDIS_URL',
      'SYMBOLS',
    ])
    const message = describeProblems(problems)
    expect(message).toContain('PORT: "80 80", expected an integer from 0 to 65535')
    expect(message).toContain('DATABASE_URL: not set')
    expect(message).toContain('"binance,bynance", expected a comma-separated list of binance')
  })

  it('masks secrets in what it tells', () => {
    const message = describeProblems(
      problemsOf({
        REDIS_URL: 'mysql://user:hunter2@host',
        DATABASE_URL: 'postgres//user:hunter3@host/db',
        ADMIN_TOKEN: 'hunter4',
      }),
    )
    expect(message).toContain('REDIS_URL: "mysql://***@host"')
    expect(message).not.toMatch(/hunter/)
  })

  it('refuses a lower limit that is not below the upper one', () => {
    const env = { ...required, MIN_ARBITRAGE_PERCENT: '5', MAX_ARBITRAGE_PERCENT: '5' }
    expect(problemsOf(env).map(({ variable }) => variable)).toEqual(['MAX_ARBITRAGE_PERCENT'])
  })

  it('refuses the same exchange or symbol twice', () => {
    expect(problemsOf({ ...required, EXCHANGES: 'kraken,kraken' })).toHaveLength(1)
    expect(problemsOf({ ...required, SYMBOLS: 'BTC/USDT,BTC/USDT' })).toHaveLength(1)
  })

  it('reads lists and addresses', () => {
    const config = configOf({
      ...required,
      EXCHANGES: 'kraken, binance',
      SYMBOLS: 'BTC/USDT, ETH/USDT',
      KRAKEN_WS_URL: 'ws://localhost:1/v2',
    })
    expect(config.symbols).toEqual(['BTC/USDT', 'ETH/USDT'])
    expect(config.exchanges).toEqual([
      { id: 'kraken', websocket_url: 'ws://localhost:1/v2', rest_url: null },
      { id: 'binance', websocket_url: null, rest_url: null },
    ])
  })
})

describe('API keys', () => {
  it('are read where an exchange has them, and are nobody else’s', () => {
    const keyed = exchanges.filter(({ account }) => account !== undefined)
    expect(variables(exchanges).filter((name) => name.includes('_API_'))).toEqual(
      keyed.flatMap(({ id }) => ['KEY', 'SECRET'].map((end) => `${id.toUpperCase()}_API_${end}`)),
    )
    const config = configOf({ ...required, BYBIT_API_KEY: 'id', BYBIT_API_SECRET: 'hidden' })
    expect([...config.api_keys]).toEqual([['bybit', { id: 'id', secret: 'hidden' }]])
    expect(configOf(required).api_keys.size).toBe(0)
  })

  it('come with their secrets or not at all', () => {
    expect(problemsOf({ ...required, BINANCE_API_KEY: 'abc' })).toEqual([
      {
        variable: 'BINANCE_API_SECRET',
        value: undefined,
        expected: 'the other half of BINANCE_API_KEY',
      },
    ])
  })

  it('are never shown', () => {
    const env = { ...required, BINANCE_API_KEY: 'my key', BINANCE_API_SECRET: 'my secret' }
    expect(describeProblems(problemsOf(env))).not.toMatch(/my (key|secret)/)
    expect(problemsOf(env)).toHaveLength(2)
  })
})

describe('readDatabaseUrl', () => {
  it('needs nothing but the database', () => {
    const { DATABASE_URL } = required
    expect(readDatabaseUrl({ DATABASE_URL })).toEqual({ ok: true, database_url: DATABASE_URL })
    expect(readDatabaseUrl({}).ok).toBe(false)
  })
})

describe('the address of a collector', () => {
  it('may come with headers, whose values are percent-encoded', () => {
    const env = {
      ...required,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example/otlp',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi=,x-scope=1',
    }
    expect(configOf(env).otlp).toEqual({
      endpoint: 'https://otlp.example/otlp',
      headers: { authorization: 'Basic YTpi=', 'x-scope': '1' },
    })
    expect(configOf(required).otlp).toBeNull()
  })

  it.each(['nothing', 'a=%E0%A4%A', '=x'])(
    'refuses the headers %s and does not show them',
    (text) => {
      const problems = problemsOf({ ...required, OTEL_EXPORTER_OTLP_HEADERS: text })
      expect(problems).toHaveLength(1)
      expect(describeProblems(problems)).toMatch(/OTEL_EXPORTER_OTLP_HEADERS: "\*\*\*", expected/)
    },
  )
})

describe('.env.example', () => {
  const text = readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8')
  const worker_part = text.slice(text.indexOf('── Worker'), text.indexOf('── Edge'))
  const lines = worker_part.matchAll(/^(# )?([A-Z][A-Z0-9_]*)=(.*)$/gm).toArray()

  /** the exchange that stands for all */
  const example = exchanges.filter(({ id }) => id === 'binance')

  it('names every variable that the worker reads, those of an exchange by an example', () => {
    const documented = lines.map(([, , name]) => name)
    expect(documented.toSorted()).toEqual(variables(example).toSorted())
    for (const ending of ['WS_URL', 'REST_URL', 'API_KEY', 'API_SECRET']) {
      expect(worker_part).toContain(`<EXCHANGE>_${ending}`)
    }
  })

  it('shows the true defaults', () => {
    const shown = Object.fromEntries(lines.map(([, , name, value]) => [name!, value!]))
    const { exchanges: shown_exchanges, ...rest } = configOf(shown)
    const { exchanges: default_exchanges, ...defaults } = configOf({
      REDIS_URL: shown.REDIS_URL!,
      DATABASE_URL: shown.DATABASE_URL!,
    })
    expect(rest).toEqual(defaults)
    expect(shown_exchanges).toEqual(default_exchanges)
    const commented = lines.filter(([, mark]) => mark !== undefined).map(([, , name]) => name)
    expect(commented).not.toContain('REDIS_URL')
    expect(variables(example).length - commented.length).toBe(2)
  })
})
