/**
 * Measures every visible text of a page against what it stands on, by the formulas of WCAG 2.2
 * ("relative luminance", "contrast ratio"). It runs inside the page, so it may use nothing outside.
 */

interface FaintText {
  readonly text: string
  readonly ratio: number
}

/** The texts that miss 4.5:1, or 3:1 where they are large (24 px, or 18.66 px and bold). */
export function faintTexts(): FaintText[] {
  type Color = [red: number, green: number, blue: number, alpha: number]

  function parse(css: string): Color {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number)
    return [red, green, blue, alpha]
  }

  function over(top: Color, below: Color): Color {
    const mix = (a: number, b: number) => a * top[3] + b * (1 - top[3])
    return [mix(top[0], below[0]), mix(top[1], below[1]), mix(top[2], below[2]), 1]
  }

  function ground(element: Element | null): Color {
    if (element === null) return [255, 255, 255, 1]
    const own = parse(getComputedStyle(element).backgroundColor)
    return own[3] === 1 ? own : over(own, ground(element.parentElement))
  }

  function luminance([red, green, blue]: Color): number {
    const linear = (value: number) => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  const found: FaintText[] = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent?.trim() ?? ''
    const element = texts.currentNode.parentElement
    if (text === '' || element === null || !element.checkVisibility()) continue
    const style = getComputedStyle(element)
    const below = ground(element)
    const [a, b] = [luminance(over(parse(style.color), below)), luminance(below)]
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    const size = Number.parseFloat(style.fontSize)
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    if (ratio < (large ? 3 : 4.5)) found.push({ text, ratio })
  }
  return found
}
