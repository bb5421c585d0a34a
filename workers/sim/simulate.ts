/** Lives one seed after the other, and makes what fails short. */
import type { Draft } from '../../shared/event.ts'
import { EXCHANGES } from './connect.ts'
import { shrink } from './shrink.ts'
import { type Story, storyOf } from './story.ts'
import type { Tally } from './tally.ts'
import { tell, titleOf } from './tell.ts'
import { Violation } from './violation.ts'
import { type Mutation, World } from './world.ts'

export interface Lived {
  readonly failure: Failure | null
  readonly drafts: readonly Draft[]
  readonly tally: Tally
}

export interface Failure {
  /** what was broken: a shorter story has to break the same */
  readonly promise: string
  readonly message: string
  /** virtual */
  readonly at_ms: number
}

export const storyOfSeed = (seed: number) =>
  storyOf(
    seed,
    EXCHANGES.map(({ id }) => id),
  )

/** Every so many seeds are lived twice: the same must happen. */
const TWICE_EVERY = 20

/** One seed. What happened is counted in `tally`. */
export async function simulate(seed: number, tally: Tally, mutation?: Mutation): Promise<Lived> {
  const story = storyOfSeed(seed)
  const lived = await live(story, mutation)
  tally.add(lived.tally)
  if (lived.failure !== null || seed % TWICE_EVERY !== 0) return lived
  tally.count('lived twice')
  const again = await live(story, mutation)
  if (JSON.stringify(again.drafts) === JSON.stringify(lived.drafts)) return lived
  const message = 'the same seed made other events'
  return { ...lived, failure: { promise: 'the same again', message, at_ms: 0 } }
}

/** The failure in a short story, and how to see it again. */
export async function tellFailure(seed: number, failure: Failure): Promise<string> {
  const { story, failure: last } = await shorten(storyOfSeed(seed), failure)
  return [
    `seed ${seed}: ${last.message}`,
    `after ${Math.round(last.at_ms)} ms of this story (${titleOf(story)}):`,
    tell(story),
    `again: npm run sim -- --seed ${seed}`,
  ].join('\n')
}

async function live(story: Story, mutation?: Mutation): Promise<Lived> {
  const world = new World(story, mutation)
  const { drafts, tally } = world
  try {
    await world.run()
    return { failure: null, drafts, tally }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const is_violation = error instanceof Violation
    const promise = is_violation ? error.promise : 'nothing is thrown'
    const message = is_violation ? error.message : (error.stack ?? error.message)
    return { failure: { promise, message, at_ms: world.now_ms }, drafts, tally }
  }
}

/** The shortest story that breaks the same promise, and how it ends. */
export async function shorten(
  story: Story,
  known: Failure,
  mutation?: Mutation,
): Promise<{ readonly story: Story; readonly failure: Failure }> {
  const breaks = async (one: Story) =>
    (await live(one, mutation)).failure?.promise === known.promise
  const shortest = await shrink(story, breaks)
  const { failure } = await live(shortest, mutation)
  return { story: shortest, failure: failure ?? known }
}
