/** Something that must never be. `promise` names what was broken: a shorter story breaks the same. */
export class Violation extends Error {
  override name = 'Violation'
  readonly promise: string

  constructor(promise: string, what: string) {
    super(`${promise}: ${what}`)
    this.promise = promise
  }
}
