/** Every exchange the worker speaks to, one line each. */
import { binance } from './binance.ts'
import { bybit } from './bybit.ts'
import { coinbase } from './coinbase.ts'
import type { Exchange } from './exchange.ts'
import { kraken } from './kraken.ts'
import { okx } from './okx.ts'

export const exchanges: readonly Exchange[] = [binance, bybit, coinbase, kraken, okx]
