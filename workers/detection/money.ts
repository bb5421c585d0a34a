/**
 * Which assets are money, and which of a cycle's assets it is counted in. Money says nothing about
 * worth: a stablecoin is worth what it trades at (valuation.ts).
 */

/** Dollars and what claims to be one, most common first. */
const DOLLARS = words(
  'USD USDT USDC FDUSD DAI TUSD USDE PYUSD USDS USD1 RLUSD USDG BUSD GUSD USDP USDD XUSD',
)
const CURRENCIES = words(
  `EUR EURC EURI EURT AEUR EURQ EURR GBP TGBP JPY AUD CAD CHF TRY BRL PLN ARS MXN ZAR RON CZK UAH
   COP KRW SGD AED IDR INR NGN KZT RUB HKD NZD SEK NOK DKK HUF`,
)
/** Coins that others are priced in. */
const COINS = words('BTC ETH BNB SOL')

const MONEY = new Set([...DOLLARS, ...CURRENCIES])
const RANK = new Map([...DOLLARS, ...CURRENCIES, ...COINS].map((asset, rank) => [asset, rank]))

/** What one quotes in: a price in one money converts to a price in another. */
export function isMoney(asset: string): boolean {
  return MONEY.has(asset)
}

/**
 * Orders assets by how fit they are to begin a cycle with: dollars, other money, the coins that
 * others are priced in, then by name.
 */
export function compareStarts(a: string, b: string): number {
  const [of_a, of_b] = [RANK.get(a) ?? RANK.size, RANK.get(b) ?? RANK.size]
  return of_a - of_b || (a < b ? -1 : a > b ? 1 : 0)
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
