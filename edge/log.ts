/** The operator's log of the edge: one JSON line each, which Workers Logs indexes by field. */
import type { Log, LogFields } from '../shared/log.ts'

const write = (level: keyof Log) => (message: string, fields?: LogFields) =>
  console[level](JSON.stringify({ level, message, ...fields }))

export const edgeLog: Log = {
  debug: write('debug'),
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
}
