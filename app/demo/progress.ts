const barWidth = 30

/** A bar that redraws itself on a terminal; elsewhere a line every tenth. */
export function createProgress(title: string, out: NodeJS.WriteStream): (done: number, of: number) => void {
  let shownTenth = -1
  return (done, of) => {
    const share = of === 0 ? 1 : Math.min(1, done / of)
    const text = `${title} ${Math.round(share * 100)} % (${done.toLocaleString('en')} of ${of.toLocaleString('en')})`
    if (out.isTTY) {
      const filled = Math.round(share * barWidth)
      out.write(`\r  ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${text}${share === 1 ? '\n' : ''}`)
      return
    }
    const tenth = Math.floor(share * 10)
    if (tenth > shownTenth) out.write(`  ${text}\n`)
    shownTenth = Math.max(tenth, shownTenth)
  }
}
