/** Tells the health report from anything else that may come back from the same address. */
import { isObject } from '../../../client/answers.ts'
import type { EdgeHealth } from '../../../shared/health.ts'

export function healthReport(body: unknown): EdgeHealth | null {
  return isObject(body) && isObject(body.worker) && isObject(body.exchanges)
    ? (body as unknown as EdgeHealth)
    : null
}
