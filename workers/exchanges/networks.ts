/**
 * One name for one chain: exchanges label networks each in their own way, by chain, by token
 * standard or by ticker. A label that is not in the table stands for itself, in capitals, so that
 * two exchanges which both say ADA agree and two different words never do by accident.
 */

/** name: labels of Binance, Bybit, Coinbase, OKX and others */
const LABELS: Readonly<Record<string, string>> = {
  BTC: 'BTC BITCOIN SEGWITBTC',
  ETH: 'ETH ERC20 ETHEREUM',
  BSC: 'BSC BEP20 BNB-SMART-CHAIN',
  TRX: 'TRX TRC20 TRON',
  SOL: 'SOL SOLANA SPL',
  POLYGON: 'MATIC POLYGON POL',
  ARBITRUM: 'ARBITRUM ARBI ARB ARBITRUM-ONE',
  OPTIMISM: 'OPTIMISM OP',
  AVALANCHE: 'AVAXC CAVAX AVACCHAIN AVALANCHE AVAX-C',
  BASE: 'BASE BASEEVM',
  TON: 'TON TONCOIN',
  ADA: 'ADA CARDANO',
  XRP: 'XRP RIPPLE',
  XLM: 'XLM STELLAR',
  LTC: 'LTC LITECOIN',
  DOGE: 'DOGE DOGECOIN',
  BCH: 'BCH BITCOINCASH BITCOIN-CASH',
  DOT: 'DOT POLKADOT',
  ATOM: 'ATOM COSMOS',
  NEAR: 'NEAR NEAR-PROTOCOL',
  APT: 'APT APTOS',
  SUI: 'SUI',
  FIL: 'FIL FILECOIN',
  ALGO: 'ALGO ALGORAND',
  ETC: 'ETC ETHEREUMCLASSIC ETHEREUM-CLASSIC',
  HBAR: 'HBAR HEDERA',
  ICP: 'ICP INTERNETCOMPUTER INTERNET-COMPUTER',
}

const NAME_OF = new Map(
  Object.entries(LABELS).flatMap(([name, labels]) =>
    labels.split(' ').map((label) => [label, name] as const),
  ),
)

export function networkName(label: string): string {
  const upper = label.toUpperCase()
  return NAME_OF.get(upper) ?? upper
}
