/** Exact fractions for the oracle: slow, obvious, and no arithmetic in common with the engine. */
const LONG = 10n ** 90n

export class Fraction {
  static readonly zero = new Fraction(0n, 1n)
  static readonly one = new Fraction(1n, 1n)
  readonly n: bigint
  /** positive */
  readonly d: bigint

  constructor(n: bigint, d: bigint) {
    this.n = n
    this.d = d
  }

  static of(text: string): Fraction {
    const [whole = '0', part = ''] = text.split('.')
    return new Fraction(BigInt(whole + part), 10n ** BigInt(part.length))
  }

  times(o: Fraction): Fraction {
    return new Fraction(this.n * o.n, this.d * o.d)
  }

  over(o: Fraction): Fraction {
    return new Fraction(this.n * o.d, this.d * o.n)
  }

  plus(o: Fraction): Fraction {
    return new Fraction(this.n * o.d + o.n * this.d, this.d * o.d)
  }

  minus(o: Fraction): Fraction {
    return new Fraction(this.n * o.d - o.n * this.d, this.d * o.d)
  }

  below(o: Fraction): boolean {
    return this.n * o.d < o.n * this.d
  }

  equals(o: Fraction): boolean {
    return this.n * o.d === o.n * this.d
  }

  /** The largest multiple of `step` that is not above. */
  floorTo(step: Fraction): Fraction {
    const lots = (this.n * step.d) / (this.d * step.n)
    return new Fraction(lots * step.n, step.d)
  }

  /** Cancels what numerator and denominator share, once they are long: then sums stay short. */
  get reduced(): Fraction {
    if (this.d < LONG) return this
    let [a, b] = [this.n < 0n ? -this.n : this.n, this.d]
    while (b > 0n) [a, b] = [b, a % b]
    return a <= 1n ? this : new Fraction(this.n / a, this.d / a)
  }

  get number(): number {
    return Number((this.n * 10n ** 30n) / this.d) / 1e30
  }
}
