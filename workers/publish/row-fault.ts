/**
 * True when the content of a row is at fault and no retry can help: SQLSTATE classes 22 (data
 * exception), 23 (integrity constraint violation) and 54 (program limit exceeded).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isRowFault(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^(22|23|54)[0-9A-Z]{3}$/.test(code)
}
