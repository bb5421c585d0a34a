/**
 * The position of a reader in the history: after this detected_at and id, newest first. Opaque to
 * clients and versioned, so that its inside can change. A position and not an offset: rows written
 * between two pages neither repeat nor hide others.
 */
import { z } from 'zod'
import { Timestamp } from '../shared/opportunity.ts'
import { FIRST_MOMENT_MS, OPPORTUNITY_ID } from './parameters.ts'

export interface Position {
  readonly detected_at: string
  readonly id: string
}

const VERSION = 1
const Content = z.tuple([z.literal(VERSION), Timestamp, z.string().regex(OPPORTUNITY_ID)])

export function encodeCursor({ detected_at, id }: Position): string {
  const text = JSON.stringify([VERSION, detected_at, id])
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** The position, or null when the text is not a cursor of ours. */
export function decodeCursor(cursor: string): Position | null {
  try {
    const text = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const [, detected_at, id] = Content.parse(JSON.parse(text))
    if (Date.parse(detected_at) < FIRST_MOMENT_MS) return null
    return { detected_at, id }
  } catch {
    return null
  }
}
