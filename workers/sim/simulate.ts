/** Lives one seed after the other, and makes what fails short. */
import type { Draft } from '../../shared/event.ts'
import { shrink } from './shrink.ts'
import { type Story, storyOf } from './story.ts'
import type { Tally } from './tally.ts'
import { Violation } from './violation.ts'
import { EXCHANGES, type Mutation, World } from './world.ts'

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

export async function live(story: Story, mutation?: Mutation): Promise<Lived> {
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
  { promise }: Failure,
  mutation?: Mutation,
): Promise<{ readonly story: Story; readonly failure: Failure }> {
  const breaks = async (one: Story) => (await live(one, mutation)).failure?.promise === promise
  const shortest = await shrink(story, breaks)
  const { failure } = await live(shortest, mutation)
  if (failure === null) throw new Error('a story ends in two ways')
  return { story: shortest, failure }
}
