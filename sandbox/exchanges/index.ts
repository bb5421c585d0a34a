/** The exchanges of the sandbox, one line each. */
import { binance } from './binance-exchange.ts'
import { bybit } from './bybit-exchange.ts'
import { coinbase } from './coinbase-exchange.ts'
import type { SandboxExchange } from './exchange.ts'
import { kraken } from './kraken-exchange.ts'
import { okx } from './okx-exchange.ts'

export const SANDBOX_EXCHANGES: readonly SandboxExchange[] = [binance, bybit, coinbase, kraken, okx]
