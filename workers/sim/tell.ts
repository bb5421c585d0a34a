/** A story in words, for whoever has to find out why it ends badly. */
import { nameOf, type Step, type Story } from './story.ts'

export function tell(story: Story): string {
  const { exchanges, markets, steps, min_volume_usd } = story
  const world = exchanges.map(({ id, latency_ms, clock_ms }) => {
    const own = markets
      .filter(({ exchange }) => exchange === id)
      .map(({ base, quote, fee_percent }) => `${base}/${quote} at ${fee_percent} %`)
    return `  ${id}: ${latency_ms} ms away, clock ${signed(clock_ms)} ms; ${own.join(', ')}`
  })
  const least = `  an opportunity is worth ${min_volume_usd} US dollars or more`
  return [...world, least, ...steps.map((step) => `  ${at(step.at_ms)}  ${wordsOf(step)}`)].join(
    '\n',
  )
}

function wordsOf(step: Step): string {
  switch (step.kind) {
    case 'tick':
      return `${step.market}: some levels change`
    case 'cross':
      return `${step.market}: a bid at the best ask`
    case 'empty':
      return `${step.market}: no ${step.side} is left`
    case 'move':
      return `${step.market}: all levels anew, ${signed(step.percent)} % from the fair price`
    case 'trading':
      return `${step.market} ${step.open ? 'trades again' : 'stops trading'}`
    case 'fee':
      return `${step.market}: the fee is ${step.percent ?? 'not known'}${step.percent ? ' %' : ''}`
    case 'lose':
      return `${step.exchange}: the next frame is lost`
    case 'double':
      return `${step.exchange}: the next frame comes twice`
    case 'swap':
      return `${step.exchange}: the next frame comes after the one behind it`
    case 'cut':
      return `${step.exchange}: the connection ends`
    case 'replace':
      return `${step.exchange} announces that it will close the connection`
    case 'mute':
      return `${step.exchange} falls silent: the connection is dead and nobody ends it`
    case 'hold':
      return `${step.exchange}: what it says comes ${step.for_ms} ms late`
    case 'maintenance':
      return `${step.exchange} ${step.on ? 'is in maintenance' : 'is back'}`
    case 'clock':
      return `${step.exchange} sets its clock by ${signed(step.by_ms)} ms`
    case 'rest':
      return `${step.exchange}: the next snapshot by REST is ${step.answer}`
    case 'stall':
      return `our loop is blocked for ${step.for_ms} ms`
    case 'takeover':
      return 'another leader takes over'
  }
}

const signed = (value: number) => (value > 0 ? `+${value}` : String(value))
const at = (at_ms: number) => `${at_ms.toLocaleString('en')} ms`.padStart(10)

export const titleOf = ({ markets, exchanges, steps }: Story) =>
  `${exchanges.length} exchanges, ${markets.map(nameOf).length} markets, ${steps.length} steps`
