/** Managing alerts in a real Chromium, against the contract that the API has. */
import type { Page } from 'playwright-core'
import { describe, expect, it, vi } from 'vitest'
import { addressOf, counts, PHONE, reads, useDashboard, WAIT } from './testing/dashboard.ts'
import { webhook } from './testing/examples.ts'
import { attempt } from './testing/scripted-webhooks.ts'

const dashboard = useDashboard()

async function signedIn(path = '/alerts', options = {}): Promise<Page> {
  const page = await dashboard.visit(path, options)
  await page.getByLabel('API key').fill(dashboard.edge.webhooks.key)
  await page.getByRole('button', { name: 'Use this key' }).click()
  await page.getByTestId('subscriptions').waitFor({ state: 'attached' })
  return page
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

describe('the key', () => {
  it('is asked for once, kept in this tab only, and forgotten when told', async () => {
    const page = await signedIn()
    await page.reload()
    await reads(page.getByTestId('empty'), 'Nobody is told anything yet')
    const kept = await page.evaluate(() => [
      JSON.stringify(sessionStorage),
      JSON.stringify(localStorage) + document.cookie + location.href,
    ])
    expect(kept[0]).toContain(dashboard.edge.webhooks.key)
    expect(kept[1]).not.toContain(dashboard.edge.webhooks.key)
    expect(dashboard.edge.asked.join()).not.toContain(dashboard.edge.webhooks.key)
    await button(page, 'Forget the key').click()
    await page.getByLabel('API key').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  })

  it('is asked for again, with the reason, when it is refused', async () => {
    const page = await dashboard.visit('/alerts')
    await page.getByLabel('API key').fill('arb_wrong')
    await page.keyboard.press('Enter')
    await reads(page.getByRole('alert'), 'A valid API key is needed: this key is not known')
    expect(await page.getByLabel('API key').inputValue()).toBe('')
  })
})

describe('a subscription', () => {
  it('is made, tested, turned off, changed and deleted', async () => {
    const page = await signedIn()
    const { webhooks } = dashboard.edge
    await page.getByRole('link', { name: 'New', exact: true }).click()
    await page.getByLabel('Address').fill('http://example.com/hook')
    await page.getByLabel('Expired').check()
    await page.getByLabel('Symbol').fill('btc/usdt')
    await page.getByLabel('Bought on').selectOption('kraken')
    await page.getByLabel('Net at least').fill('0.8')
    await page.getByLabel('Same chain').fill('1.5')
    await button(page, 'Subscribe').click()
    await reads(page.locator('.field-wrong'), 'Expected: a URL that begins with https://')
    expect(await page.getByLabel('Address').getAttribute('aria-invalid')).toBe('true')
    await page.getByLabel('Address').fill('https://example.com/hook')
    await button(page, 'Subscribe').click()

    const secret = page.getByTestId('secret')
    await reads(secret, /whsec_[\w+/=]{44}/, 'shown this once')
    expect(webhooks.webhooks[0]).toMatchObject({
      url: 'https://example.com/hook',
      event_types: ['opportunity.detected', 'opportunity.expired'],
      filters: { symbol: 'BTC/USDT', buy_exchange: 'kraken', min_profit_percent: '0.8' },
      min_interval_ms: 1_500,
      enabled: true,
    })
    await button(page, 'I have kept it').click()
    await counts(secret, 0)

    await button(page, 'Send a test').click()
    await reads(page.getByTestId('said'), 'A sample is on its way: 1790000000000-0')
    await reads(page.getByTestId('attempt'), 'delivered', '1790000000000-0', 'HTTP 200', '42 ms')

    await button(page, 'Turn off').click()
    await reads(page.getByTestId('said'), 'It is off')
    await reads(page.getByTestId('subscriptions'), 'Off')
    expect(await button(page, 'Replay all missed').isDisabled()).toBe(true)
    await button(page, 'Turn on').click()
    await reads(page.getByTestId('said'), 'It is on')

    await page.getByRole('link', { name: 'Edit' }).click()
    expect(await page.getByLabel('Symbol').inputValue()).toBe('BTC/USDT')
    await page.getByLabel('Symbol').fill('nonsense')
    await button(page, 'Save').click()
    await reads(page.locator('.field-wrong'), 'Expected: BASE/QUOTE, such as BTC/USDT')
    await page.getByLabel('Symbol').fill('')
    await button(page, 'Save').click()
    await reads(page.getByTestId('subscriptions'), 'bought on Kraken · at least 0.80% net')

    await button(page, 'Delete').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    expect(webhooks.webhooks).toHaveLength(1)
    await button(page, 'Delete').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await reads(page.getByTestId('empty'), 'Nobody is told anything yet')
    expect(addressOf(page)).toBe('/alerts')
  })

  it('gets a new secret after a question, and it is shown once', async () => {
    dashboard.edge.webhooks.webhooks = [webhook()]
    const page = await signedIn()
    await page.getByTestId('subscriptions').getByRole('link').click()
    await button(page, 'Rotate secret').click()
    await page.keyboard.press('Escape')
    await counts(page.getByTestId('secret'), 0)
    await button(page, 'Rotate secret').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
    await reads(page.getByTestId('secret'), /whsec_/)
    await page.reload()
    await reads(page.getByTestId('attempts').or(page.locator('#attempts')), 'Nothing was sent yet')
    await counts(page.getByTestId('secret'), 0)
  })

  it('shows what failed and why, and sends it again', async () => {
    const { webhooks } = dashboard.edge
    webhooks.webhooks = [webhook({ failing_since: new Date(Date.now() - 90_000).toISOString() })]
    webhooks.attempts = [
      attempt({
        message_id: '1700000000000-7',
        result: 'failure',
        attempt: 2,
        response_status: 503,
        response_excerpt: 'down for repair',
      }),
      attempt({
        message_id: '1700000000000-6',
        result: 'missed',
        response_status: null,
        attempt: 0,
      }),
      attempt(),
    ]
    const page = await signedIn(`/alerts?webhook=${webhooks.webhooks[0]!.id}`)
    await reads(page.getByTestId('subscriptions'), /Failing for 1 m 3\d s/)
    await counts(page.getByTestId('attempt'), 3)
    await reads(page.getByTestId('attempt'), 'attempt 2', 'HTTP 503', 'down for repair')
    await page.getByLabel('Result').selectOption('missed')
    await counts(page.getByTestId('attempt'), 1)
    await button(page, 'Replay 1700000000000-6').click()
    await reads(page.getByTestId('said'), '1 message is on its way again')
    await button(page, 'Replay all missed').click()
    await vi.waitFor(
      () => expect(webhooks.replays).toEqual([{ message_id: '1700000000000-6' }, { missed: true }]),
      WAIT,
    )
    expect(addressOf(page)).toContain('result=missed')
  })

  it('has the whole phone, and a way back', async () => {
    dashboard.edge.webhooks.webhooks = [webhook(), webhook({ format: 'slack' })]
    const page = await signedIn('/alerts', PHONE)
    await page.getByTestId('subscriptions').getByRole('link').first().tap()
    await button(page, 'Send a test').waitFor()
    expect(await page.getByTestId('subscriptions').isVisible()).toBe(false)
    await page.getByRole('link', { name: 'Close' }).tap()
    await page.getByTestId('subscriptions').waitFor()
  })
})
