/** A stream entry as ioredis gives it. */
import type { StreamEntry } from '../publish/group.ts'

export type RawEntry = [id: string, fields: string[]]

export function streamEntry([id, flat]: RawEntry): StreamEntry {
  const fields: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? ''
  return { id, fields }
}
