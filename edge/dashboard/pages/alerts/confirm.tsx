/** A question before something that cannot be taken back. Escape and the first button mean no. */
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  title: string
  words: string
  /** what yes is called */
  action: string
  onYes: () => void
  onClose: () => void
}

export function Confirm({ title, words, action, onYes, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const from = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onClose={onClose}>
      <h2 id="confirm-title">{title}</h2>
      <p>{words}</p>
      <p class="actions">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="button button-danger"
          onClick={() => {
            onClose()
            onYes()
          }}
        >
          {action}
        </button>
      </p>
    </dialog>
  )
}
