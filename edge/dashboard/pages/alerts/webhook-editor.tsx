/** Makes a subscription or changes one. What the API refuses is said at the field that it names. */

import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { EventType } from '../../../../shared/event.ts'
import type { Criteria } from '../../../../shared/passes.ts'
import type { MadeWebhook, Webhook, WebhookFormat } from '../../../../shared/webhook.ts'
import { TRANSFERS, TYPES } from '../../components/names.ts'
import { Card } from '../../components/parts.tsx'
import type { State } from '../../model/state.ts'
import { exchangeOptions } from '../../model/view.ts'
import {
  bodyOf,
  EMPTY_FORM,
  EVENTS,
  FORMATS,
  formOf,
  refusedFields,
  type WebhookForm,
} from '../../model/webhooks.ts'
import { ask, type Outcome, webhookPath } from './api.ts'

interface Props {
  api_key: string
  /** null: a new one is made */
  webhook: Webhook | null
  state: State
  onMade: (made: MadeWebhook) => void
  onChanged: () => void
  onCancel: () => void
}

const ADDRESSES: Record<WebhookFormat, string> = {
  standard: 'https://example.com/hooks',
  slack: 'https://hooks.slack.com/services/…',
  discord: 'https://discord.com/api/webhooks/…',
  telegram: 'https://api.telegram.org/bot…/sendMessage?chat_id=…',
}

export function WebhookEditor({ api_key, webhook, state, onMade, onChanged, onCancel }: Props) {
  const [form, setForm] = useState<WebhookForm>(webhook === null ? EMPTY_FORM : formOf(webhook))
  const [busy, setBusy] = useState(false)
  const [outcome, setOutcome] = useState<Outcome<unknown> | null>(null)
  const wrong = refusedFields(outcome?.ok === false ? outcome.problem : null)
  const set = (changes: Partial<WebhookForm>) => setForm({ ...form, ...changes })
  const filter = (name: keyof Criteria, value: string) =>
    set({ filters: { ...form.filters, [name]: value } })

  async function save(): Promise<void> {
    setBusy(true)
    if (webhook === null) {
      const made = await ask<MadeWebhook>(api_key, 'POST', '/v1/webhooks', bodyOf(form))
      setOutcome(made)
      if (made.ok) onMade(made.value)
    } else {
      const changed = await ask<Webhook>(api_key, 'PATCH', webhookPath(webhook.id), bodyOf(form))
      setOutcome(changed)
      if (changed.ok) onChanged()
    }
    setBusy(false)
  }

  const exchanges = exchangeOptions(state)
  const pick = (
    name: keyof Criteria,
    label: string,
    options: readonly (readonly [string, string])[],
  ) => (
    <Field label={label} wrong={wrong.get(name)}>
      {(control) => (
        <select
          {...control}
          value={form.filters[name] ?? ''}
          onChange={(event) => filter(name, event.currentTarget.value)}
        >
          <option value="">any</option>
          {options.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
  const write = (name: keyof Criteria, label: string, placeholder: string) => (
    <Field label={label} wrong={wrong.get(name)}>
      {(control) => (
        <input
          {...control}
          type="text"
          value={form.filters[name] ?? ''}
          placeholder={placeholder}
          onInput={(event) => filter(name, event.currentTarget.value)}
        />
      )}
    </Field>
  )

  return (
    <Card id="editor" title={webhook === null ? 'New subscription' : 'Change the subscription'}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <Field label="Format" wrong={wrong.get('format')}>
          {(control) => (
            <select
              {...control}
              value={form.format}
              onChange={(event) => set({ format: event.currentTarget.value as WebhookFormat })}
            >
              {Object.entries(FORMATS).map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Address" wrong={wrong.get('url')} wide>
          {(control) => (
            <input
              {...control}
              type="url"
              value={form.url}
              placeholder={ADDRESSES[form.format]}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => set({ url: event.currentTarget.value })}
            />
          )}
        </Field>
        <fieldset class="field field-wide">
          <legend>Told when it is</legend>
          <div class="checks">
            {(Object.entries(EVENTS) as [EventType, string][]).map(([type, words]) => (
              <label key={type} class="check">
                <input
                  type="checkbox"
                  checked={form.event_types.includes(type)}
                  onChange={(event) =>
                    set({
                      event_types: switched(form.event_types, type, event.currentTarget.checked),
                    })
                  }
                />
                {words}
              </label>
            ))}
          </div>
          {wrong.has('event_types') && <p class="field-wrong">{wrong.get('event_types')}</p>}
        </fieldset>
        {write('symbol', 'Symbol', 'any, or BTC/USDT')}
        {pick('type', 'Type', Object.entries(TYPES))}
        {pick('exchange', 'Exchange of any leg', exchanges)}
        {pick('transfer', 'Transfer', Object.entries(TRANSFERS))}
        {pick('buy_exchange', 'Bought on', exchanges)}
        {pick('sell_exchange', 'Sold on', exchanges)}
        {write('min_profit_percent', 'Net at least, in %', '0')}
        {write('min_volume_usd', 'Size at least, in $', '0')}
        <Field label="Same chain at most once in, seconds" wrong={wrong.get('min_interval_ms')}>
          {(control) => (
            <input
              {...control}
              type="text"
              inputMode="decimal"
              value={form.min_interval_s}
              onInput={(event) => set({ min_interval_s: event.currentTarget.value })}
            />
          )}
        </Field>
        <div class="field-wide" role="alert">
          {outcome?.ok === false && <p class="field-wrong">{outcome.words}</p>}
        </div>
        <p class="actions field-wide">
          <button type="submit" class="button button-main" disabled={busy}>
            {webhook === null ? 'Subscribe' : 'Save'}
          </button>
          <button type="button" class="button" onClick={onCancel}>
            Cancel
          </button>
        </p>
      </form>
    </Card>
  )
}

function switched(types: readonly EventType[], type: EventType, wanted: boolean): EventType[] {
  const others = types.filter((one) => one !== type)
  return wanted ? [...others, type] : others
}

interface FieldProps {
  label: string
  wrong: string | undefined
  wide?: boolean
  children: (control: {
    id: string
    'aria-invalid': boolean
    'aria-describedby': string | undefined
  }) => ComponentChildren
}

function Field({ label, wrong, wide = false, children }: FieldProps) {
  const id = useId()
  const is_wrong = wrong !== undefined
  return (
    <div class={wide ? 'field field-wide' : 'field'}>
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-invalid': is_wrong,
        'aria-describedby': is_wrong ? `${id}-wrong` : undefined,
      })}
      {is_wrong && (
        <p class="field-wrong" id={`${id}-wrong`}>
          Expected: {wrong}
        </p>
      )}
    </div>
  )
}
