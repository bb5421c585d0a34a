/**
 * What the operator of the sandbox did to one exchange: halted markets, put it into maintenance, shut
 * the door of its streams. It says how things stand; how clients are shown it is the protocol's
 * business, and whether the books stand still the market's.
 */

/** `symbol` is the market that was halted or opened; undefined: the whole exchange. */
export type OperationsListener = (symbol: string | undefined) => void

export class Operations {
  private readonly halted = new Set<string>()
  private readonly listeners = new Set<OperationsListener>()
  private in_maintenance = false
  private is_refusing = false

  get maintenance(): boolean {
    return this.in_maintenance
  }

  /** Whether new streams are refused. */
  get refusing(): boolean {
    return this.is_refusing
  }

  isHalted(symbol: string): boolean {
    return this.halted.has(symbol)
  }

  /** Whether orders of this market are matched at all. */
  trades(symbol: string): boolean {
    return !this.in_maintenance && !this.halted.has(symbol)
  }

  setHalted(symbol: string, halted: boolean): void {
    if (halted === this.halted.has(symbol)) return
    if (halted) this.halted.add(symbol)
    else this.halted.delete(symbol)
    this.tell(symbol)
  }

  setMaintenance(maintenance: boolean): void {
    if (maintenance === this.in_maintenance) return
    this.in_maintenance = maintenance
    this.tell(undefined)
  }

  setRefusing(refusing: boolean): void {
    if (refusing === this.is_refusing) return
    this.is_refusing = refusing
    this.tell(undefined)
  }

  /** Returns the function that ends the subscription. */
  onChange(listener: OperationsListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private tell(symbol: string | undefined): void {
    for (const listener of this.listeners) listener(symbol)
  }
}
