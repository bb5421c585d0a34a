/** What people call an exchange: its id with a capital. */
export function nameOf(exchange: string): string {
  return exchange.charAt(0).toUpperCase() + exchange.slice(1)
}
