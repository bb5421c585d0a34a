/**
 * The operator's log of the edge: one JSON line each, which Workers Logs indexes by field. Everything
 * passes the redaction that the worker's log has.
 */
import type { Log, LogFields } from '../shared/log.ts'
import { redact } from '../shared/redact.ts'

const write = (level: keyof Log) => (message: string, fields?: LogFields) =>
  console[level](JSON.stringify(redact({ level, message, ...fields })))

export const edgeLog: Log = {
  debug: write('debug'),
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
}
