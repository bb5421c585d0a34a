/**
 * What the stack tells the person who started it, on standard error, one line an event, and where
 * everything else that the processes write is kept. Standard output is left for the one ready line.
 */
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../shared/clock.ts'

/** Levels of a JSON log line that a person should see at once. */
const URGENT = new Set(['warn', 'error'])

export interface Journal {
  say(line: string): void
  /** Takes one process's lines: all go to its file, the urgent ones also to the terminal. */
  lines(name: string): (line: string, stream: 'stdout' | 'stderr') => void
}

export function openJournal(data_dir: string): Journal {
  const folder = join(data_dir, 'logs')
  mkdirSync(folder, { recursive: true })
  const started_ms = systemClock.monotonic_ms()
  const say = (line: string) => {
    const elapsed_s = (systemClock.monotonic_ms() - started_ms) / 1_000
    process.stderr.write(`${elapsed_s.toFixed(1).padStart(7)} s  ${line}\n`)
  }
  return {
    say,
    lines(name) {
      const file = createWriteStream(join(folder, `${name}.log`))
      return (line, stream) => {
        file.write(`${line}\n`)
        const urgent = urgentText(line, stream)
        if (urgent !== undefined) say(`[${name}] ${urgent}`)
      }
    },
  }
}

/** On standard error, a line that is no JSON log entry was meant for people. */
function urgentText(line: string, stream: 'stdout' | 'stderr'): string | undefined {
  try {
    const { level, message, timestamp: _, ...fields } = JSON.parse(line)
    if (typeof level !== 'string' || typeof message !== 'string') return undefined
    if (!URGENT.has(level)) return undefined
    return `${level}: ${message} ${JSON.stringify(fields)}`
  } catch {
    return stream === 'stdout' || line.trim() === '' ? undefined : line
  }
}
