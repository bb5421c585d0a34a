/**
 * `node bench/frozen.ts --readers 10000`: readers that open a stream and never read it. First what one
 * address may do with the limits as they are, then all of them at once with the limits out of the way.
 * Figures go to standard output as JSON lines, a table for people to standard error. Ends with 1 when
 * a healthy reader missed an event, a frozen one was refused or a stream is counted that nobody has.
 */
import { startStores } from '../edge/testing/stack.ts'
import { startWorkerd } from './edge/workerd.ts'
import { caps } from './frozen/caps.ts'
import { frozen } from './frozen/frozen.ts'
import { withOpenFiles } from './frozen/limits.ts'
import { capsTable, frozenTable, isWrong } from './frozen/report.ts'
import { numbers } from './numbers.ts'

const DEFAULTS = {
  readers: '10000',
  /** of them, those that are sent everything: each takes megabytes of the system's buffers */
  full: '500',
  /** frozen readers of one address */
  'an-address': '100',
}
const CAPS_ASKED = 50

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (figures: object) =>
  process.stdout.write(`${JSON.stringify({ bench: 'frozen', ...figures }, rounded)}\n`)

const number = numbers(DEFAULTS)
const readers = number('readers')
const ended = withOpenFiles(readers)
if (ended !== null) process.exit(ended)

const stores = await startStores()
try {
  say('frozen bench: one address')
  const limited = await startWorkerd(stores.vars)
  const of_one = await caps(limited, stores.redis, CAPS_ASKED)
  await limited.stop()
  print({ phase: 'caps', ...of_one })
  say(capsTable(of_one))

  const limits = { ANONYMOUS_REQUESTS: '1000000', ANONYMOUS_STREAMS: '10000' }
  const open = await startWorkerd({ ...stores.vars, ...limits })
  try {
    const of_many = await frozen(open, stores.redis, {
      readers,
      full: Math.min(readers, number('full')),
      an_address: number('an-address'),
      onPhase: (phase) => say(`frozen bench: ${phase}`),
    })
    print({ phase: 'frozen', ...of_many })
    say(frozenTable(of_many))
    if (isWrong(of_one, of_many)) process.exitCode = 1
  } finally {
    await open.stop()
  }
} finally {
  await stores.stop()
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value
}
