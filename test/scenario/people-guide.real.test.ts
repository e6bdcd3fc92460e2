import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createOTP } from '@better-auth/utils/otp'
import { expect, test } from 'vitest'
import { describeWith } from '../setup/require-tool.ts'
import { runProgram } from '../setup/run-program.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { startPlatform } from './platform.ts'

const guide = readFileSync(new URL('../../docs/people.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/```sh\n(.+?)```/gs)].map(([, commands = '']) => commands)
const withCurl = blocks.filter((commands) => /^(curl|me|json)\b/.test(commands))
const functions = blocks.flatMap((commands) => commands.match(/^\w+\(\) .*$/gm) ?? []).join('\n')

const person = { EMAIL: 'ani@example.com', PASSWORD: 'four horses by night' }

function decodeBase32(text: string): string {
  const bits = [...text].map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
  return String.fromCharCode(...(bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

/** By the command line, and by the link that it prints. */
async function addPerson(dataDir: string, url: string, { EMAIL, PASSWORD }: typeof person): Promise<void> {
  const program = fileURLToPath(new URL('../../app/pelbiot.js', import.meta.url))
  const { stdout } = await runProgram(process.execPath, [program, 'user', 'add', EMAIL, '--role', 'admin'], {
    env: { ...process.env, DATA_DIR: dataDir },
    cwd: dataDir,
  })
  const token = /#token=(\S+)/.exec(stdout)?.[1]
  const body = JSON.stringify({ token, password: PASSWORD })
  const headers = { 'content-type': 'application/json' }
  expect((await fetch(`${url}/api/v1/auth/link/password`, { method: 'POST', headers, body })).status).toBe(200)
}

describeWith(['curl'], 'the guide about people', () => {
  test('shows commands that all work', async () => {
    await using platform = await startPlatform({ env: { PUBLIC_URL: 'http://127.0.0.1:8080' } })
    using folder = makeTempFolder('people-guide')
    const url = `http://127.0.0.1:${platform.httpPort}`
    await addPerson(platform.dataDir, url, person)
    const env = { ...process.env, URL: url, KEY: platform.adminKey, ...person }
    const codes = { CODE: '', RECOVERY_CODE: '' }
    const outputs: string[] = []
    for (const commands of withCurl) {
      const script = `${functions}\n${commands}`
      const { code, output, stdout } = await runProgram('bash', ['-e', '-c', script], {
        env: { ...env, ...codes },
        cwd: folder.path,
      })
      expect({ commands, code, output: code === 0 ? '' : output }).toEqual({ commands, code: 0, output: '' })
      outputs.push(stdout)
      if (!stdout.includes('otpauth:')) continue
      const { uri, recoveryCodes } = JSON.parse(stdout)
      const secret = decodeBase32(new URL(uri).searchParams.get('secret') ?? '')
      codes.CODE = await createOTP(secret).totp()
      codes.RECOVERY_CODE = recoveryCodes[0]
    }
    expect(outputs).toHaveLength(4)
    expect(outputs.at(-1)).toMatch(/code-needed.*signed-in/s)
  })
})
