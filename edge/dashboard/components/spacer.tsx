/** In the place of the rows of a table that are not in the document. */

export function Spacer({ height_px, columns }: { height_px: number; columns: number }) {
  if (height_px === 0) return null
  return (
    <tr class="spacer">
      <td colSpan={columns} style={{ height: `${height_px}px` }} />
    </tr>
  )
}
