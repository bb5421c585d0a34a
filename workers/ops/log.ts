/**
 * The operator's log: one JSON object a line on standard output, and entries of level error also in
 * a file where one is configured. Everything passes the same redaction; nobody else may print.
 */
import winston from 'winston'
import { type Clock, timestamp } from '../../shared/clock.ts'
import type { Log, LogFields } from '../../shared/log.ts'
import { redact, redactText } from '../../shared/redact.ts'

/** From the most silent to the most talkative. */
const LEVELS = ['error', 'warn', 'info', 'debug'] as const
type Level = (typeof LEVELS)[number]

export interface LogOptions {
  readonly level: Level
  /** file for level error; null: none */
  readonly error_log_file: string | null
  readonly clock: Clock
  /** where lines go instead of standard output */
  readonly stream?: NodeJS.WritableStream
}

export interface OperatorLog extends Log {
  /** One level more talkative than now, after debug the most silent one; tells the change. */
  turnLevel(): void
  /**
   * Resolves when every line has been handed to the operating system. What is told afterwards goes to
   * standard output alone.
   */
  close(): Promise<void>
}

/** The error file starts again at this size, and one old file is kept. */
const ERROR_FILE_BYTES = 10 * 1024 * 1024

export function createLog({ level, error_log_file, clock, stream }: LogOptions): OperatorLog {
  const logger = winston.createLogger({
    level,
    format: winston.format.combine(redaction(), winston.format.json({ deterministic: false })),
    transports: [
      stream === undefined
        ? new winston.transports.Console()
        : new winston.transports.Stream({ stream }),
      ...(error_log_file === null ? [] : [errorFile(error_log_file)]),
    ],
  })
  let closing: Promise<void> | undefined
  // winston throws at whoever still speaks, which would be the end of a process about to end in order
  const writeLate = (entry: LogFields & { readonly level: Level }) => {
    if (LEVELS.indexOf(entry.level) > LEVELS.indexOf(logger.level as Level)) return
    const out = stream ?? process.stdout
    out.write(`${JSON.stringify(redact(entry))}\n`)
  }
  const write =
    (severity: keyof Log) =>
    (message: string, fields: LogFields = {}): void => {
      const own = { timestamp: timestamp(clock.wall_ms()), level: severity, message }
      // Named twice: first in the line, and none of the caller's fields may take their place.
      const entry = { ...own, ...fields, ...own }
      if (closing === undefined) logger.log(entry)
      else writeLate(entry)
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    turnLevel: () => {
      const from = logger.level as Level
      const to = LEVELS[(LEVELS.indexOf(from) + 1) % LEVELS.length] ?? level
      // told while the more talkative of the two holds
      if (to !== 'error') logger.level = to
      write('warn')('the log level changed', { from, to })
      logger.level = to
    },
    close: () => {
      closing ??= new Promise((resolve) => {
        logger.once('finish', () => resolve())
        logger.end()
      })
      return closing
    },
  }
}

/** Plain words for whoever typed the command, where no log can be set up yet. */
export function tellOperator(text: string): void {
  process.stderr.write(`${redactText(text)}\n`)
}

/** winston finds an entry's level under this symbol, whatever the format made of its fields. */
const LEVEL = Symbol.for('level')

/** A new entry, because even the name of a field may hold a secret. */
const redaction = winston.format((entry) => ({
  ...(redact({ ...entry }) as typeof entry),
  [LEVEL]: entry[LEVEL],
}))

function errorFile(filename: string) {
  return new winston.transports.File({
    filename,
    level: 'error',
    maxsize: ERROR_FILE_BYTES,
    maxFiles: 2,
    tailable: true,
  })
}
