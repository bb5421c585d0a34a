/**
 * The walls between the rooms, and no circles. A room may import itself, what its line in a table
 * names, and packages; tests may import anything. TypeScript 7 has no API that dependency-cruiser
 * could use, so the files are parsed by swc, which keeps `import type`.
 */

/** Tests, their helpers and the simulation cross walls on purpose: they stand in for the outside. */
const TESTS = '\\.test\\.tsx?$|/testing[-a-z]*(\\.ts$|/)|^workers/sim(/|\\.ts$)'

/** What each process of the product may know of the others. */
const PROCESSES = {
  shared: [],
  workers: ['shared', 'package.json'],
  // the parameters only as types: nothing of the edge is in what users run
  client: ['shared', 'edge/parameters.ts'],
  'edge/dashboard': ['shared', 'client'],
  'edge/(?!dashboard/)': ['shared', 'edge'],
  sandbox: ['shared'],
}

/** Inside the worker; its entry points, which stand beside the rooms, see all. */
const WORKER_ROOMS = {
  book: [],
  exchanges: ['book'],
  feed: ['exchanges', 'book'],
  detection: ['book'],
  lifecycle: ['detection/candidate.ts'],
  publish: ['lifecycle'],
  alerts: ['publish'],
  gateway: ['publish'],
  ops: ['book'],
  backup: ['ops/migrations.ts', 'config'],
  capture: ['exchanges', 'feed', 'arguments.ts', 'config'],
  replay: [
    'capture',
    'exchanges',
    'feed',
    'book',
    'detection',
    'lifecycle',
    'arguments.ts',
    'config',
  ],
}

/** No Node there: `shared` and `edge` run in workerd, the dashboard and the client in browsers too. */
const WITHOUT_NODE = '^(shared|client|edge)/'

/** Commands of their own, which end when they are done. */
const WITH_DRIZZLE = '^workers/(keys\\.ts|backup/|ops/migrations\\.ts)'

function wall(name, from, allowed) {
  return {
    name,
    severity: 'error',
    comment: `${from} may import itself and ${allowed.join(', ') || 'nothing else of this project'}`,
    from: { path: `^${from}`, pathNot: TESTS },
    to: {
      path: '^(shared|client|workers|edge|sandbox|tests|bench)/',
      pathNot: allowed.map((to) => `^${to}`),
    },
  }
}

const process_walls = Object.entries(PROCESSES).map(([from, allowed]) =>
  wall(`wall-${from.replace(/\/?(\(.*)?$/, '')}`, from, [from, ...allowed]),
)
const room_walls = Object.entries(WORKER_ROOMS).map(([room, allowed]) =>
  wall(`wall-workers-${room}`, `workers/${room}/`, [
    'shared/',
    ...[`${room}/`, ...allowed].map((to) => `workers/${to}`),
  ]),
)

export default {
  forbidden: [
    ...process_walls,
    ...room_walls,
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-node-outside-node',
      severity: 'error',
      from: { path: WITHOUT_NODE, pathNot: `${TESTS}|/vite\\.config\\.ts$` },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'shared-packages',
      severity: 'error',
      comment: 'shared is loaded by everything: only schemas, the table builder and IP ranges',
      from: { path: '^shared/', pathNot: TESTS },
      to: {
        path: 'node_modules/',
        pathNot: 'node_modules/(zod/|ipaddr\\.js/|drizzle-orm/(index\\.|pg-core/))',
      },
    },
    {
      name: 'light-worker',
      severity: 'error',
      comment:
        'what the worker never loads or only when asked: drizzle takes 120 MB, the page of the queues 12',
      from: { path: '^workers/', pathNot: `${TESTS}|${WITH_DRIZZLE}` },
      to: {
        path: 'node_modules/drizzle-orm/|^shared/database/schema|^workers/ops/queue-board',
        dependencyTypesNot: ['type-only'],
        dynamic: false,
      },
    },
    {
      name: 'no-tests-in-products',
      severity: 'error',
      from: { pathNot: `${TESTS}|^tests/` },
      to: { path: TESTS },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^cloudflare:' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
    progress: { type: 'none' },
  },
}
