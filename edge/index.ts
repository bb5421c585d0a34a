/** Entry point of the Cloudflare Worker: requests, the clock, and the hub's class. */
import { systemClock } from '../shared/clock.ts'
import { createApp } from './app.ts'
import { answerAtOnce } from './at-once.ts'
import type { Bindings } from './edge.ts'
import { readSettings } from './environment.ts'
import { edgeLog } from './log.ts'
import { liveStore } from './store/live.ts'
import { memoryStore } from './store/memory.ts'
import { watchWorker } from './watchdog.ts'

export { StreamHub } from './stream/object.ts'

const app = createApp(edgeLog)

export default {
  fetch: (request, env, context) => answerAtOnce(request, env) ?? app.fetch(request, env, context),
  async scheduled(_event, env) {
    const read = readSettings(env)
    if (!read.ok) return edgeLog.error('the edge is not configured', { problems: read.problems })
    const { settings } = read
    await watchWorker({
      live: liveStore(settings, edgeLog),
      memory: memoryStore(settings, edgeLog),
      clock: systemClock,
      log: edgeLog,
      alert_url: settings.ALERT_WEBHOOK_URL,
      alert_secret: settings.ALERT_WEBHOOK_SECRET,
    })
  },
} satisfies ExportedHandler<Bindings>
