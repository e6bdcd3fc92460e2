/**
 * One line of CSV as of RFC 4180, each cell in quotes. What a spreadsheet would take for a formula gets a `'` before it
 * (OWASP, CSV injection): `=`, `+`, `-`, `@` in either width, a tab or a line break at the beginning.
 */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

const formula = /^[\s\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u

function csvCell(cell: string | number | null): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return String(cell)
  return `"${(formula.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`
}
