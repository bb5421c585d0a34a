/** What the stores hold, as counts and hashes, to be compared: every table, and of Redis what is kept. */
import { createHash } from 'node:crypto'
import { KEYS } from '../../shared/keys.ts'
import { readKept } from '../../workers/backup/redis.ts'
import type { Rig } from '../failover/rig.ts'

/** "entries hash" by table or key */
type State = ReadonlyMap<string, string>

export async function state({ redis, pool }: Pick<Rig, 'redis' | 'pool'>): Promise<State> {
  const found = new Map<string, string>()
  const { rows: tables } = await pool.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  )
  for (const { name } of tables) {
    // a sum of hashes needs no order
    const { rows } = await pool.query(
      `SELECT count(*) || ' ' || coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0) AS text FROM "${name}" t`,
    )
    found.set(`table ${name}`, rows[0].text as string)
  }
  for (const [key, kind, , value] of await readKept(redis)) {
    // a restore leaps over the tokens of terms that the backup did not see
    if (key.startsWith(KEYS.fence)) continue
    const content = kind === 'stream' ? await redis.xrange(key, '-', '+') : value
    const entries = Array.isArray(content) ? content.toSorted() : content
    // a stream without entries holds nothing, and is made when it is needed
    if (entries.length === 0) continue
    found.set(`key ${key}`, `${entries.length} ${hash(entries)}`)
  }
  return found
}

/** What is not in both, or not the same. */
export function differences(before: State, after: State): string[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].flatMap((name) => {
    const [was, is] = [before.get(name) ?? 'nothing', after.get(name) ?? 'nothing']
    return was === is ? [] : [`${name}: was ${was}, is ${is}`]
  })
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}
