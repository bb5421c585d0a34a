/**
 * Three projects: what needs one process, what runs in workerd, and what needs the whole stack.
 * Tests start their own stores; an address of the developer's own is never handed to them.
 */
import { defineConfig } from 'vitest/config'

/** Emptied, which means unset: a test that truncates a table must not find anybody's real one. */
const env = {
  REDIS_URL: '',
  DATABASE_URL: '',
  UPSTASH_REDIS_REST_URL: '',
  UPSTASH_REDIS_REST_TOKEN: '',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

const base = { environment: 'node', env, testTimeout: 30_000, hookTimeout: 120_000 } as const

export default defineConfig({
  test: {
    // machines that build this have as few as two cores, and the tests start real servers
    maxWorkers: 3,
    globalSetup: 'sandbox/testing-setup.ts',
    projects: [
      {
        test: {
          ...base,
          name: 'unit',
          include: ['{shared,workers,sandbox}/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...base,
          name: 'edge',
          include: ['{edge,client}/**/*.test.{ts,tsx}'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...base,
          name: 'end-to-end',
          include: ['tests/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          // one stack at a time, after everything that is quick
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
