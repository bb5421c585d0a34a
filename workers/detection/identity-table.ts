/**
 * The curated facts behind identity.ts: which asset of which exchange is which coin, in what unit,
 * and what is no plain coin at all. Data only; docs/asset-identity.md explains the rule, the sources
 * and how to add an entry. Names are upper case, as Market.base and Market.quote are.
 */

/** One exchange's deviations from "a ticker names the coin that usually bears it". */
export interface ExchangeAssets {
  /** its own spelling of a coin that others call by another ticker */
  readonly renamed?: Readonly<Record<string, string>>
  /** assets that are a power of ten of a coin: [coin, coins in one unit] */
  readonly units?: Readonly<Record<string, readonly [coin: string, units: number]>>
  /** the usual ticker, another coin: named so that it equals no other exchange's by accident */
  readonly strangers?: Readonly<Record<string, string>>
  /** tickers of COLLISIONS that are known to be the usual coin here */
  readonly verified?: readonly string[]
  /** leveraged tokens: an underlying of the list followed by a suffix of the list, nothing else */
  readonly leveraged?: { readonly of: readonly string[]; readonly suffixes: readonly string[] }
  /** further tokens that are leveraged, rebasing or shares, by their full name */
  readonly refused?: readonly string[]
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/**
 * Tickers that are known to name different coins on different exchanges. Such a ticker is the usual
 * coin only where an exchange's block says so.
 * Sources: ccxt `commonCurrencies` of 4.5.84 (2026-09-25); cross-venue price clusters of 2026-09-05.
 */
export const COLLISIONS: ReadonlySet<string> = new Set(
  words(`
    AE ALG ALT AMP ANTHROPIC APX BB BIFI DEGEN DOG FLUX GAS GMT GTC HERO JADE LUNA LUNC OMNI ON ONE
    OPENAI PROS QNT REP SOUL UST USTC VAI WAX XBT YGG
  `),
)

/** Supply changes in every wallet: an amount is not the same amount tomorrow, or elsewhere. */
export const REBASING: ReadonlySet<string> = new Set(words('AMPL SAMPL YAM BASED XAMP DIGG'))

/** Backed's xStocks in upper case. Exchanges also mark them in their lists; this is the second lock. */
const XSTOCKS = words(`
  AAPLX ABBVX ABTX AMBRX AMZNX ANETX APPX AVGOX AZNX BACX CMCSAX COINX CRCLX CRMX CRWDX CSCOX CVXX
  DFDVX DHRX GLDX GMEX GOOGLX HONX HOODX IBMX INTCX JNJX JPMX LLYX MCDX METAX MRKX MRVLX MSFTX MSTRX
  NFLXX NVDAX NVOX ORCLX PEPX PFEX PLTRX QQQX SPYX TMOX TQQQX TSLAX UNHX VTIX WMTX XOMX
`)

const LEVERAGED_BY_DIGITS = words('2L 2S 3L 3S 5L 5S')
const MAJORS = words(`
  1INCH AAVE ADA ALGO APE APT ARB ATOM AVAX AXS BCH BNB BTC CHZ DOGE DOT DYDX EOS ETC ETH FIL FTM
  GALA GMT INJ JASMY LDO LINK LTC LUNA MANA MATIC NEAR OP ORDI PEPE SAND SHIB SOL SUI SUSHI SXP TRX
  UNI VET WLD XLM XRP XTZ YFI
`)

export const ASSETS: Readonly<Record<string, ExchangeAssets>> = {
  binance: {
    units: {
      '1000SATS': ['SATS', 1_000],
      '1000CAT': ['CAT', 1_000],
      '1000CHEEMS': ['CHEEMS', 1_000],
      '1MBABYDOGE': ['BABYDOGE', 1_000_000],
    },
    verified: words('ALT BB FLUX GAS GMT GTC LUNA LUNC ONE QNT USTC YGG'),
    leveraged: {
      of: words(`
        1INCH AAVE ADA BCH BNB BTC DOT EOS ETH FIL LINK LTC SUSHI SXP TRX UNI XLM XRP XTZ YFI
      `),
      suffixes: words('UP DOWN'),
    },
    refused: words(`
      BULL BEAR BNBBULL BNBBEAR EOSBULL EOSBEAR ETHBULL ETHBEAR XRPBULL XRPBEAR
      AAPLB AMZNB COINB CRCLB GOOGLB HOODB METAB MSFTB MSTRB NFLXB NVDAB PLTRB QQQB SPYB TSLAB
    `),
  },
  bybit: {
    verified: words('BB FLUX GMT LUNA LUNC ONE QNT USTC'),
    leveraged: { of: MAJORS, suffixes: LEVERAGED_BY_DIGITS },
    refused: XSTOCKS,
  },
  coinbase: {
    renamed: { CGLD: 'CELO' },
    verified: words('ALT AMP GTC QNT'),
  },
  kraken: {
    renamed: {
      XBT: 'BTC',
      XXBT: 'BTC',
      XDG: 'DOGE',
      XXDG: 'DOGE',
      XETH: 'ETH',
      XETC: 'ETC',
      XLTC: 'LTC',
      XMLN: 'MLN',
      XREP: 'REPV1',
      XXLM: 'XLM',
      XXMR: 'XMR',
      XXRP: 'XRP',
      XZEC: 'ZEC',
      ZAUD: 'AUD',
      ZCAD: 'CAD',
      ZEUR: 'EUR',
      ZGBP: 'GBP',
      ZJPY: 'JPY',
      ZUSD: 'USD',
      LUNA: 'LUNC',
      LUNA2: 'LUNA',
      UST: 'USTC',
      REP: 'REPV1',
      REPV2: 'REP',
      FEE: 'KFEE',
    },
    verified: words('ALT FLUX GMT GTC QNT YGG'),
    refused: XSTOCKS,
  },
  okx: {
    strangers: { AE: 'AET', BB: 'okx BB', QNT: 'okx QNT' },
    verified: words('GMT LUNA LUNC ONE USTC YGG'),
  },
  kucoin: {
    renamed: { XBT: 'BTC', KALT: 'ALT' },
    strangers: { ALT: 'AptosLaunchToken', BIFI: 'BIFIF', VAI: 'VAIOT' },
    leveraged: { of: MAJORS, suffixes: [...LEVERAGED_BY_DIGITS, 'UP', 'DOWN'] },
  },
  gate: {
    strangers: { BIFI: 'BitcoinFile', GTC: 'Game.com', VAI: 'VAIOT' },
    leveraged: { of: MAJORS, suffixes: LEVERAGED_BY_DIGITS },
  },
  htx: {
    strangers: { BIFI: 'BitcoinFile', GTC: 'Game.com' },
    leveraged: { of: MAJORS, suffixes: [...LEVERAGED_BY_DIGITS, '1S'] },
  },
  mexc: {
    strangers: {
      XBT: 'mexc XBT',
      BIFI: 'BIFIF',
      GMT: 'mexc GMT',
      GAS: 'mexc GAS',
      FLUX: 'mexc FLUX',
      SOUL: 'mexc SOUL',
      HERO: 'mexc HERO',
      PROS: 'mexc PROS',
    },
    leveraged: { of: MAJORS, suffixes: LEVERAGED_BY_DIGITS },
  },
  bitfinex: {
    renamed: { ALG: 'ALGO', LUNA: 'LUNC', UST: 'USDT', WAX: 'WAXP' },
    strangers: { DOG: 'MDOGE', YGG: 'YEED' },
    refused: ['AMP'],
  },
  bitget: {
    strangers: {
      APX: 'bitget APX',
      DEGEN: 'bitget DEGEN',
      OMNI: 'bitget OMNI',
      JADE: 'bitget JADE',
    },
  },
  bitstamp: { renamed: { UST: 'USTC' } },
}
