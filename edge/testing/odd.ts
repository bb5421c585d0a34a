/** Requests that nobody should send, made from what the API says of itself: near misses and nonsense. */
import fc from 'fast-check'
import type { Operation } from './openapi.ts'

export interface OddRequest {
  readonly method: string
  /** path and query, not necessarily well formed */
  readonly address: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

const NASTY = [
  ...['', ' ', '\0', '%', '..', '/', '\\', '\r\n', '\u202e', '\ufeff', '💥', '=1+1', "' OR 1=1--"],
  ...['<script>alert(1)</script>', 'null', 'undefined', 'NaN', 'Infinity', '[object Object]'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '-0', '1e309', '0x10', 'true'],
  ...['9'.repeat(400), 'x'.repeat(4_000), 'ß'.repeat(600), 'BTC/USDT', 'kraken'],
]
const nonsense = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed()),
)

const NUMBERS = ['0', '1', '01', '-1', '1.5', '1e2', ' 1', '+1', '1_000', '99999999999999999999']
const MOMENTS = [
  ...['2026-10-01T00:00:00Z', '2026-10-01T00:00:00.123456789+23:59', '2026-10-01', '2026-02-30'],
  ...['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59Z'],
  ...['2026-02-29T00:00:00Z', '2026-10-01T24:00:00Z', '2026-10-01T00:00:60Z', '+275760-09-13'],
]
const DECIMALS = ['0.5', '-1', '.5', '5.', '1e3', '00.10', `0.${'0'.repeat(37)}1`, '9'.repeat(40)]
const b64 = (text: string) => btoa(text)
const BY_NAME: Readonly<Record<string, readonly string[]>> = {
  symbol: ['BTC/USDT', 'btc/usdt', '/', 'A/B/C', '币/USDT', '\0/\0', 'ﬁ/ß'],
  exchange: ['kraken', 'KRAKEN', '-', 'a'.repeat(33)],
  min_profit_percent: DECIMALS,
  min_volume_usd: DECIMALS,
  by: ['symbol', 'hour,exchanges', 'symbol,symbol', ',', 'symbol,', ' symbol'],
  types: ['opportunity.detected', 'exchange.status,exchange.status', ','],
  cursor: [
    ...[
      b64('[1,"2026-10-01T00:00:00.000Z","opp_1"]'),
      b64('[1,"0000-01-01T00:00:00.000Z","opp_1"]'),
    ],
    ...[
      b64('[1,"2026-10-01T00:00:00.000Z","opp_\\u0000"]'),
      b64('[]'),
      b64('{"a":1}'),
      '===',
      '%%',
    ],
  ],
  last_event_id: [
    '0-0',
    '1-0',
    '18446744073709551615-18446744073709551615',
    '99999999999999999999-1',
  ],
  'last-event-id': ['0-0', '1-0', '', '-', '1-', '18446744073709551616-0', '1-0 '],
  'idempotency-key': ['a', 'x'.repeat(255), 'x'.repeat(256), ' ', 'with blank', '\u00ff'],
}

/** Of one parameter: sometimes right, mostly nearly, often nonsense. */
function valueFor(name: string, schema: Readonly<Record<string, unknown>>): fc.Arbitrary<string> {
  const choices = Array.isArray(schema.enum) ? schema.enum.map(String) : []
  const near = [
    ...choices,
    ...choices.map((choice) => choice.toUpperCase()),
    ...(schema.type === 'integer'
      ? [...NUMBERS, String(schema.maximum), `${schema.maximum}0`]
      : []),
    ...(schema.format === 'date-time' ? MOMENTS : []),
    ...(BY_NAME[name] ?? []),
  ]
  const fitting = near.length === 0 ? [] : [{ weight: 3, arbitrary: fc.constantFrom(...near) }]
  return fc.oneof(...fitting, { weight: 1, arbitrary: nonsense })
}

const encoded = ([name, value]: readonly [string, string]) =>
  `${encodeURIComponent(name)}=${encodeURIComponent(value)}`

/** As it stands after the question mark; now and then not even encoded properly. */
function queryOf({ parameters = [] }: Operation): fc.Arbitrary<string> {
  const known = parameters.filter((one) => one.in === 'query')
  const pairs = known.map(({ name, schema }) =>
    valueFor(name, schema).map((value) => encoded([name, value])),
  )
  const unknown = fc.tuple(nonsense, nonsense).map(encoded)
  const names = known.map(({ name }) => name)
  const broken = fc.constantFrom(
    ...['%', '%zz=1', '&&', '=', '?', '%E0%A4%A', '%FF=%FE', 'a[]=1', 'a[b]=1', ...names],
    ...names.flatMap((name) => [`${name}=%`, `${name}=%FF`, `${name}[]=1`, `${name}=%00`]),
  )
  const piece = fc.oneof(
    ...pairs.map((arbitrary) => ({ weight: 6, arbitrary })),
    { weight: 1, arbitrary: unknown },
    { weight: 2, arbitrary: broken },
  )
  return fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join('&'))
}

function pathOf({ path }: Operation, ids: readonly string[]): fc.Arbitrary<string> {
  if (!path.includes('{')) return fc.constantFrom(path, path, path, `${path}/`, `${path}//`)
  const id = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ids) },
    { weight: 3, arbitrary: nonsense.map(encodeURIComponent) },
    { weight: 1, arbitrary: fc.constantFrom('%', '%zz', '%E0%A4%A', '%FF', '%2F', '%2e%2e', ';') },
  )
  return id.map((text) => path.replace(/\{\w+\}/g, text))
}

const CREDENTIALS = ['Bearer', 'Bearer ', 'bearer x', 'Basic eA==', `Bearer arb_${'0'.repeat(49)}`]

/** What HTTP lets a header be. */
const printable = (text: string) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?')
const header = (values: fc.Arbitrary<string>) =>
  fc.option(values.map(printable), { nil: undefined })

function headersOf({ parameters = [], requestBody }: Operation) {
  const own = parameters.filter((one) => one.in === 'header')
  const types = fc.constantFrom('application/json', 'application/json', 'text/plain', 'nonsense')
  return fc
    .record(
      {
        ...Object.fromEntries(
          own.map(({ name, schema }) => [name, header(valueFor(name, schema))]),
        ),
        accept: header(nonsense),
        'if-none-match': header(nonsense),
        range: header(fc.constantFrom('bytes=0-1', 'nonsense')),
        origin: header(nonsense),
        'x-http-method-override': header(fc.constant('DELETE')),
        authorization: fc.oneof(
          { weight: 15, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: header(fc.oneof(fc.constantFrom(...CREDENTIALS), nonsense)) },
        ),
        'content-type': requestBody === undefined ? header(nonsense) : types,
      },
      { requiredKeys: requestBody === undefined ? [] : ['content-type'] },
    )
    .map((headers) =>
      Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) =>
          typeof value === 'string' ? [[name, value] as const] : [],
        ),
      ),
    )
}

/** `good` is a body that would be accepted. */
function bodyOf(good: object): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(fc.constantFrom(...Object.keys(good), '__proto__', 'toString', 'x'), fc.jsonValue())
    .map(([name, value]) => JSON.stringify({ ...good, [name]: value }))
  const texts = fc.oneof(
    { weight: 4, arbitrary: changed },
    { weight: 1, arbitrary: nonsense.map((name) => JSON.stringify({ ...good, [name]: name })) },
    { weight: 1, arbitrary: nonsense.map((name) => JSON.stringify({ ...good, name })) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: nonsense },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...['[', '{"a":', '{"__proto__":{"scopes":["admin"]}}', '['.repeat(60_000), '\ufeff{}'],
        ...['{"name":1,"name":"x"}', '1e999', '"\\ud800"', `{"name":"${'x'.repeat(90_000)}"}`],
      ),
    },
  )
  const bytes = fc.uint8Array({ maxLength: 60 })
  return fc.oneof(
    { weight: 9, arbitrary: texts.map((text) => new TextEncoder().encode(text)) },
    { weight: 1, arbitrary: bytes },
  )
}

/** Any odd request to this operation, or with another method to its path. */
export function oddRequest(
  operation: Operation,
  ids: readonly string[],
  good: object | undefined,
): fc.Arbitrary<OddRequest> {
  const method = fc.oneof(
    { weight: 12, arbitrary: fc.constant(operation.method) },
    { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST') },
  )
  return fc
    .record({
      method,
      path: pathOf(operation, ids),
      query: queryOf(operation),
      headers: headersOf(operation),
      body: good === undefined ? fc.constant(undefined) : bodyOf(good),
    })
    .map(({ path, query, ...rest }) => ({
      ...rest,
      address: query === '' ? path : `${path}?${query}`,
    }))
}
