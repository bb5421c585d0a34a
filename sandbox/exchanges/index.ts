/** The exchanges of the sandbox, one line each. */
import type { MarketSource } from '../market/source.ts'
import { withAccounts } from './account-rest.ts'
import { binanceServer } from './binance.ts'
import { simulatedBinance } from './binance-streams.ts'
import { bybitServer } from './bybit.ts'
import { simulatedBybit } from './bybit-books.ts'
import { coinbaseServer } from './coinbase.ts'
import { advancedServer } from './coinbase-advanced.ts'
import { simulatedCoinbase } from './coinbase-books.ts'
import { krakenServer } from './kraken.ts'
import { simulatedKraken } from './kraken-books.ts'
import type { ExchangeServer } from './server.ts'

/** Servers of simulated markets. */
export const SIMULATED: readonly ((source: MarketSource) => ExchangeServer)[] = [
  (source) => withAccounts(binanceServer(simulatedBinance(source)), source),
  (source) => withAccounts(bybitServer(simulatedBybit(source)), source),
  (source) => {
    const { exchange, advanced } = simulatedCoinbase(source)
    const alternative = advancedServer(advanced)
    return { ...withAccounts(coinbaseServer(exchange), source), alternative }
  },
  (source) => withAccounts(krakenServer(simulatedKraken(source)), source),
]
