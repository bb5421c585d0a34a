import { it } from 'vitest'
import { Oracle } from './oracle.ts'
import { randomWorld, seeded } from './world.ts'
import { detect, legName } from './oracle.test.ts'
it('x', () => {
  const world = randomWorld(seeded(Number(process.env.SEED)))
  const o = new Oracle(world, new Set(detect(world).map((c) => c.legs.map(legName).join(' > '))))
  for (const e of o.all()) { const t = e.taking; console.log('E', e.type, o.nameOf(t.legs) + ' ' + t.rate.number + ' ' + t.outcome.kind, (t.outcome as any).sizes?.map((x: any) => x.number))}
  for (const c of detect(world)) console.log('F', c.type, c.legs.map(legName).join(' > '), c.profit_percent, c.volume_usd, c.legs.map((l) => l.order_size).join(' '))
})
