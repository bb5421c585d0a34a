/**
 * The exchanges that a directory of capture files holds recordings of, as servers that play them.
 * Everything else in the directory is passed over.
 */
import { captureFiles, readCapture } from './captures.ts'
import { SANDBOX_EXCHANGES } from './index.ts'
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
  const recordings = SANDBOX_EXCHANGES.map(({ recording }) => recording())
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
