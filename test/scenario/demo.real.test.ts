import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { afterAll, expect, test } from 'vitest'
import { startChild } from '../setup/child.ts'
import { describeWith, toolPath } from '../setup/require-tool.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'

const cli = join(resolve(dirname(fileURLToPath(import.meta.url)), '..', '..'), 'app', 'pelbiot.js')
const folder = makeTempFolder('demo')
afterAll(() => folder.remove())

function startDemo(data: string) {
  return startChild(process.execPath, [cli, 'demo', '--data', data, '--days', '1'], { cwd: folder.path })
}

const link = (line: string) => /(http:\/\/\S+#key=\S+)/.exec(line)?.[1]

describeWith(['chromium'], 'the demo', () => {
  test('shows a building in a browser, its first alert, and the mail about it', { timeout: 240_000 }, async () => {
    const demo = startDemo(join(folder.path, 'data'))
    const page = demo.waitFor(link, 90_000)
    const mail = demo.waitFor((line) => (line.includes('The mail:') ? link(line) : undefined), 180_000)
    const browser = await chromium.launch({
      executablePath: toolPath('chromium'),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    })
    try {
      const tab = await browser.newPage()
      const faults: string[] = []
      tab.on('pageerror', (error) => faults.push(error.message))
      await tab.goto(await page)
      await tab.getByText('Live ·').waitFor({ timeout: 60_000 })
      expect(await tab.title()).toBe('PELBIoT')
      expect(new URL(tab.url()).hash).toBe('')
      await tab.getByRole('heading', { name: 'Gedung Contoh' }).waitFor()
      await tab.getByText('Pompa air').first().waitFor()
      await tab.locator('#power svg .line').waitFor({ state: 'attached' })

      const opened = await browser.newPage()
      await opened.goto(await mail)
      await opened.frameLocator('#mail iframe').getByText('Pompa air').first().waitFor({ timeout: 60_000 })
      const alert = opened.locator('#alerts .alert', { hasText: 'Overcurrent: Pompa air' })
      await alert.getByRole('button').click()
      await alert.getByText('Acknowledged').waitFor({ timeout: 30_000 })
      expect(faults).toEqual([])
    } finally {
      await browser.close()
      await demo.kill('SIGINT')
    }
    expect((await demo.exited).code, demo.output()).toBe(0)
  })
})

test('the demo leaves a folder alone that is not its own', async () => {
  const data = join(folder.path, 'precious')
  mkdirSync(data)
  writeFileSync(join(data, 'file'), 'precious')
  const demo = startDemo(data)
  expect((await demo.exited).code).toBe(2)
  expect(demo.output()).toContain('it holds something else')
  expect(existsSync(join(data, 'file'))).toBe(true)
})
