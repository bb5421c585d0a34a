/**
 * The sandbox's one home of randomness: sfc32 ("small fast counting", Chris Doty-Humphrey,
 * PractRand), 128 bits of state, seeded from 64 bits and stirred 12 times as its author does.
 * The same seed gives the same draws for ever. It refuses to be used for secrets.
 */

const TWO_TO_32 = 2 ** 32
const STIRRING_ROUNDS = 12

export interface Random {
  /** uniform in [0, 1) */
  uniform(): number
  /** uniform in [low, high) */
  between(low: number, high: number): number
  /** uniform whole number in [0, bound) */
  integer(bound: number): number
  chance(probability: number): boolean
  /** standard normal: mean 0, deviation 1 (Marsaglia's polar method) */
  normal(): number
  /** exponential with the given mean (inversion) */
  exponential(mean: number): number
  /** an independent generator; the parent moves on by two draws */
  fork(): Random
}

/** @throws RangeError when `seed` is not a safe integer. */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`the seed must be a whole number: ${seed}`)
  return fromWords(seed, Math.floor(seed / TWO_TO_32))
}

function fromWords(low: number, high: number): Random {
  const next = sfc32(low, high)
  const uniform = () => next() / TWO_TO_32
  return {
    uniform,
    between: (from, to) => from + (to - from) * uniform(),
    integer: (bound) => Math.floor(uniform() * bound),
    chance: (probability) => uniform() < probability,
    normal: polarNormal(uniform),
    exponential: (mean) => -mean * Math.log(1 - uniform()),
    fork: () => fromWords(next(), next()),
  }
}

function sfc32(low: number, high: number): () => number {
  let a = 0
  let b = low | 0
  let c = high | 0
  let counter = 1
  const next = () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < STIRRING_ROUNDS; round++) next()
  return next
}

/** The method yields pairs; the second of each is kept for the next call. */
function polarNormal(uniform: () => number): () => number {
  let spare: number | undefined
  return () => {
    if (spare !== undefined) {
      const kept = spare
      spare = undefined
      return kept
    }
    let x: number
    let y: number
    let square: number
    do {
      x = 2 * uniform() - 1
      y = 2 * uniform() - 1
      square = x * x + y * y
    } while (square >= 1 || square === 0)
    const scale = Math.sqrt((-2 * Math.log(square)) / square)
    spare = y * scale
    return x * scale
  }
}
