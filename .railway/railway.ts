/**
 * The Railway project: the worker, described as in railway.json; Railway lets only one of the two
 * manage a service. Redis (Upstash) and PostgreSQL (Neon) live elsewhere, because the edge reaches
 * them over HTTP. The region is outside the United States: Binance and Bybit refuse its addresses.
 * https://docs.railway.com/infrastructure-as-code/reference
 */
import { defineRailway, preserve, project, service } from 'railway/iac'

const REGION = 'asia-southeast1-eqsg3a'
/** Both workers live for so long at a deployment; the lease lets only one of them publish. */
const OVERLAP_SECONDS = 20
/** The worker ends within 18 s of SIGTERM. */
const DRAINING_SECONDS = 30

export default defineRailway(() => {
  const worker = service('worker', {
    build: {
      builder: 'RAILPACK',
      watchPatterns: [
        'workers/**',
        'shared/**',
        'package.json',
        'package-lock.json',
        '.railway/railway.ts',
      ],
    },
    preDeploy: ['node workers/migrate.ts'],
    // Not `npm start`: npm would keep SIGTERM for itself.
    start: 'node workers/main.ts',
    healthcheck: '/ready',
    healthcheckTimeout: 300,
    deploy: {
      restartPolicyType: 'ALWAYS',
      overlapSeconds: OVERLAP_SECONDS,
      drainingSeconds: DRAINING_SECONDS,
    },
    replicas: { [REGION]: 1 },
    env: {
      NODE_ENV: 'production',
      // Secrets are set in Railway and never written here.
      REDIS_URL: preserve(),
      DATABASE_URL: preserve(),
      // 25 MB less than one arena of memory for each of its threads (docs/scaling.md)
      MALLOC_ARENA_MAX: '1',
      RAILPACK_PRUNE_DEPS: 'true',
      RAILWAY_DEPLOYMENT_OVERLAP_SECONDS: String(OVERLAP_SECONDS),
      RAILWAY_DEPLOYMENT_DRAINING_SECONDS: String(DRAINING_SECONDS),
    },
  })
  return project('spreadwire', { resources: [worker] })
})
