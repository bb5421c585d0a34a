/** For tests whose world is fixed, however many exchanges the sandbox gets. */
import { SANDBOX_EXCHANGES } from '../exchanges/index.ts'
import type { ExchangeProfile } from './profile.ts'

/** @throws Error when there is no such exchange */
export function profiles(...ids: readonly string[]): ExchangeProfile[] {
  return ids.map((id) => {
    const found = SANDBOX_EXCHANGES.find(({ profile }) => profile.id === id)
    if (found === undefined) throw new Error(`no exchange ${id}`)
    return found.profile
  })
}

export const FOUR: readonly ExchangeProfile[] = profiles('binance', 'bybit', 'coinbase', 'kraken')
