/** Every exchange that the sandbox plays. */
import { SANDBOX_EXCHANGES } from '../../../sandbox/exchanges/index.ts'

export const PROFILES = SANDBOX_EXCHANGES.map(({ profile }) => profile)
export const EXCHANGE_IDS = PROFILES.map(({ id }) => id)
