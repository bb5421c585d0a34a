/**
 * Tells the connections of one capture file apart: by address, by the recorder's number where it
 * gave one, and each `open` line begins a new one. Both passes over a file count them alike.
 */
import type { CaptureLine } from '../capture/line.ts'

/** One connection of one file. */
export interface Occurrence {
  /** address and the recorder's number */
  readonly key: string
  /** how many connections of this key there were before */
  readonly ordinal: number
  /** an `open` line began it */
  readonly opened: boolean
}

export class Connections {
  private readonly current = new Map<string, Occurrence>()

  /** The connection that an `open`, `out` or `in` line belongs to: the same object every time. */
  of({ url, connection, dir }: CaptureLine): Occurrence {
    const key = connection === undefined ? url : `${url} ${connection}`
    const current = this.current.get(key)
    const opened = dir === 'open'
    if (current !== undefined && !opened) return current
    const next = { key, ordinal: current === undefined ? 0 : current.ordinal + 1, opened }
    this.current.set(key, next)
    return next
  }
}
