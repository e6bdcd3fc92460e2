import { createOTP } from '@better-auth/utils/otp'

/** Codes as an authenticator app shows them, of the address that an enabling answers with. */
export function createTotpApp(uri: string): () => Promise<string> {
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  return () => createOTP(Buffer.from(decodeBase32(secret)).toString()).totp()
}

function decodeBase32(text: string): Uint8Array {
  const bits = [...text]
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}
