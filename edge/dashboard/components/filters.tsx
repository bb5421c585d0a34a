/**
 * Controls whose value is a parameter of the address. A choice is a step that back undoes; typing
 * replaces the address, because nobody wants to go back letter by letter.
 */
import { useId, useState } from 'preact/hooks'
import { DECIMAL_PATTERN } from '../../../shared/decimal.ts'
import { useParams } from './navigation.ts'

type Option = readonly [value: string, name: string]

interface SelectProps {
  name: string
  label: string
  /** what the first, empty option says */
  any: string
  options: readonly Option[]
}

export function SelectFilter({ name, label, any, options }: SelectProps) {
  const { params, change } = useParams()
  const id = useId()
  const value = params.get(name) ?? ''
  const known = value === '' || options.some(([option]) => option === value)
  return (
    <div class="filter">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        data-set={value !== ''}
        onChange={(event) => change({ [name]: event.currentTarget.value })}
      >
        <option value="">{any}</option>
        {!known && <option value={value}>{value}</option>}
        {options.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
    </div>
  )
}

interface TextProps {
  name: string
  label: string
  placeholder: string
  /** asked for when somebody comes to the field */
  suggestions?: () => readonly string[]
  numeric?: boolean
  unit?: string
  /** each value is a question to the API: it is asked when the field is left, or Enter pressed */
  is_asked?: boolean
}

export function TextFilter(props: TextProps) {
  const { name, label, placeholder, suggestions, numeric, unit, is_asked = false } = props
  const { params, change } = useParams()
  const id = useId()
  const [suggested, suggest] = useState<readonly string[]>([])
  // what is typed and not asked yet: the page may be drawn again meanwhile
  const [draft, setDraft] = useState<string | null>(null)
  const value = draft ?? params.get(name) ?? ''
  const is_wrong = numeric === true && value !== '' && !DECIMAL_PATTERN.test(value)
  return (
    <div class="filter">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode={numeric ? 'decimal' : 'text'}
        value={value}
        placeholder={placeholder}
        data-set={value !== ''}
        autocomplete="off"
        spellcheck={false}
        list={suggestions === undefined ? undefined : `${id}-list`}
        aria-invalid={is_wrong}
        aria-describedby={is_wrong ? `${id}-wrong` : undefined}
        onFocus={() => suggestions !== undefined && suggest(suggestions())}
        onInput={(event) => {
          if (is_asked) setDraft(event.currentTarget.value)
          else change({ [name]: event.currentTarget.value }, { replace: true })
        }}
        onChange={(event) => {
          if (is_asked) change({ [name]: event.currentTarget.value.trim() })
          setDraft(null)
        }}
        onBlur={() => setDraft(null)}
      />
      {unit !== undefined && <span class="filter-unit">{unit}</span>}
      {is_wrong && (
        <span class="filter-wrong" id={`${id}-wrong`}>
          a number, such as 0.5
        </span>
      )}
      {suggestions !== undefined && (
        <datalist id={`${id}-list`}>
          {suggested.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </div>
  )
}

/** Takes the named parameters out of the address; not there while none of them is set. */
export function ClearFilters({ names }: { names: readonly string[] }) {
  const { params, href } = useParams()
  if (!names.some((name) => params.has(name))) return null
  return (
    <a class="clear" href={href(Object.fromEntries(names.map((name) => [name, null])))}>
      Clear filters
    </a>
  )
}
