/**
 * What a socket asks for, in its handshake or later: validated with the filters that every list and
 * stream has. What is wrong is named by field, with the value and what was expected.
 */
import { z } from 'zod'
import { EVENT_TYPES, EventId, EventType } from '../../shared/event.ts'
import { Filters } from '../../shared/filters.ts'
import { OPPORTUNITY_TYPES, TransferStatus } from '../../shared/opportunity.ts'
import { type Problem, problem } from '../../shared/problem.ts'

export const PATH = '/socket.io'

const list = (values: readonly string[]) => values.join(', ')
const A_TOKEN = 'an API key, arb_…, as it was shown when it was made'

/** Larger numbers than these are no times: Redis refuses some of them. */
const Position = EventId.refine(
  (id) => id.split('-').every((part) => Number(part) <= Number.MAX_SAFE_INTEGER),
  'expected a stream id, such as 1700000000000-0',
)

const wish = {
  filters: Filters.default({}),
  /** all where it is left out */
  types: z
    .array(EventType, `a list of ${list(EVENT_TYPES)}`)
    .min(1, `one or more of ${list(EVENT_TYPES)}`)
    .optional(),
  /** the event seen last: what came after it is sent first */
  last_event_id: Position.nullish(),
}

export const Wish = z.strictObject(wish)
export type Wish = z.infer<typeof Wish>

export const Handshake = z.strictObject({
  ...wish,
  token: z.string(A_TOKEN).max(512, A_TOKEN).nullish(),
})

/** What enumerations accept, in words. */
const EXPECTED: Readonly<Record<string, string>> = {
  'filters.type': `one of ${list(OPPORTUNITY_TYPES)}`,
  'filters.transfer': `one of ${list(TransferStatus.options)}`,
}

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }

export function read<T>(schema: z.ZodType<T>, given: unknown): Read<T> {
  const parsed = schema.safeParse(given ?? {})
  if (parsed.success) return { ok: true, value: parsed.data }
  const errors = new Map<string, NonNullable<Problem['errors']>[number]>()
  for (const issue of parsed.error.issues) {
    const unknown = issue.code === 'unrecognized_keys'
    const paths = unknown ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
    for (const path of paths) {
      const field = path.map(String).join('.')
      const type = path[0] === 'types' && path.length > 1
      const expected = unknown
        ? 'no such field here'
        : type
          ? `one of ${list(EVENT_TYPES)}`
          : (EXPECTED[field] ?? issue.message)
      // what was given for a token may be one
      const value = path[0] === 'token' ? null : (at(given, path) ?? null)
      if (!errors.has(field)) errors.set(field, { field, value, expected })
    }
  }
  const names = [...errors.keys()].map((name) => name || 'the whole')
  const detail = `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not valid`
  return { ok: false, problem: problem('invalid_request', detail, PATH, [...errors.values()]) }
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found: unknown = value
  for (const step of path) found = Object(found)[step]
  return found
}
