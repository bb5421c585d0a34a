/**
 * What needs one process, what runs in workerd, the programs of the command line, then the whole
 * stack, and last what must have the machine to itself. Tests start their own stores; an address of
 * the developer's own is never handed to them.
 */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** An empty one is unset: a test that truncates a table must not find anybody's real one. */
const env = {
  REDIS_URL: '',
  DATABASE_URL: '',
  UPSTASH_REDIS_REST_URL: '',
  UPSTASH_REDIS_REST_TOKEN: '',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  // the programs that tests start are the same ones again and again
  NODE_COMPILE_CACHE: join(import.meta.dirname, '.data', 'compile-cache'),
}

const base = { environment: 'node', env, testTimeout: 30_000, hookTimeout: 120_000 } as const
const whole = { ...base, testTimeout: 180_000, hookTimeout: 300_000 } as const

/** They start programs, but no market that a worker would have to keep up with. */
const QUICK = [
  ...[
    'captures',
    'chaos-receipts',
    'config',
    'input-fuzz',
    'rest-fuzz',
    'smoke',
    'soak',
    'truth-score',
    'walls',
  ],
].map((name) => `tests/${name}.test.ts`)
/** Judged by what a worker saw in time: what runs beside it would be an excuse. */
const ALONE = ['failover', 'shards', 'truth'].map((name) => `tests/${name}.test.ts`)

export default defineConfig({
  test: {
    // machines that build this have as few as two cores; the tests start real servers and wait for them
    maxWorkers: 4,
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
          ...whole,
          name: 'quick',
          include: QUICK,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...whole,
          name: 'end-to-end',
          include: ['tests/**/*.test.ts'],
          exclude: [...QUICK, ...ALONE],
          // two stacks at a time, each of which waits more than it works, after everything that is quick
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...whole,
          name: 'alone',
          include: ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
