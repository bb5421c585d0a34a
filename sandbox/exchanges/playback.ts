/**
 * The exchanges that a directory of capture files holds recordings of, as servers that play them:
 * Binance spot combined, Bybit v5 spot, Coinbase Exchange level 2 and Kraken v2. Everything else in
 * the directory is passed over.
 */
import { captureFiles, readCapture } from './captures.ts'
import type { Recording } from './recorded.ts'
import { RecordedBinance } from './recorded-binance.ts'
import { RecordedBybit } from './recorded-bybit.ts'
import { RecordedCoinbase } from './recorded-coinbase.ts'
import { RecordedKraken } from './recorded-kraken.ts'
import type { ExchangeServer } from './server.ts'

/**
 * `rate` multiplies the speed.
 * @throws Error when the directory cannot be read or holds nothing to play
 */
export async function playCaptures(
  directory: string,
  rate: number,
  onProblem: (problem: string) => void,
): Promise<ExchangeServer[]> {
  if (!(rate > 0)) throw new RangeError(`rate must be positive: ${rate}`)
  const recordings: readonly Recording[] = [
    new RecordedBinance(),
    new RecordedBybit(),
    new RecordedCoinbase(),
    new RecordedKraken(),
  ]
  for (const file of await captureFiles(directory)) {
    for (const recording of recordings) recording.startFile()
    for await (const line of readCapture(file, onProblem)) {
      for (const recording of recordings) recording.take(line)
    }
  }
  const servers = recordings.flatMap((recording) => recording.server(rate) ?? [])
  if (servers.length === 0) throw new Error(`nothing in ${directory} can be played`)
  return servers
}
