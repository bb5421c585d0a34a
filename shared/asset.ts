/** Where an asset of an exchange can be moved from and to, as the exchange itself says. */

export interface AssetNetwork {
  /** one name for one chain on every exchange, where it is known; in capitals */
  readonly network: string
  readonly deposits: boolean
  readonly withdrawals: boolean
  /** in the asset; null where the exchange does not say, or charges a share */
  readonly withdrawal_fee: string | null
}

export interface AssetStatus {
  /** spelled as Market.base and Market.quote are */
  readonly asset: string
  readonly deposits: boolean
  readonly withdrawals: boolean
  /** null where the exchange does not tell networks apart */
  readonly networks: readonly AssetNetwork[] | null
}
