/** Entry point of the Cloudflare Worker. */
import { createApp } from './app.ts'
import { edgeLog } from './log.ts'

export default createApp(edgeLog)

export { StreamHub } from './stream/object.ts'
