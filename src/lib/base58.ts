/** Base58btc as in draft-msporny-base58: no 0, O, I or l. */
const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

const digits = new Int8Array(128).fill(-1)
for (let i = 0; i < alphabet.length; i++) digits[alphabet.charCodeAt(i)] = i

/** Four base58 digits are handled at once: 58^4 keeps every product below 2^32. */
const chunk = 58 ** 4

/** Encodes bytes; meant for keys (the work grows with the square of the length). */
export function base58Encode(bytes: Uint8Array): string {
  let zeros = 0
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++
  const limbs: number[] = []
  for (let i = zeros; i < bytes.length; i++) {
    let carry = bytes[i] as number
    for (let j = 0; j < limbs.length; j++) {
      carry += (limbs[j] as number) * 256
      limbs[j] = carry % chunk
      carry = Math.floor(carry / chunk)
    }
    if (carry > 0) limbs.push(carry)
  }
  let text = ''
  for (const limb of limbs) {
    let rest = limb
    for (let k = 0; k < 4; k++) {
      text = alphabet[rest % 58] + text
      rest = Math.floor(rest / 58)
    }
  }
  let padding = 0
  while (padding < text.length && text[padding] === '1') padding++
  return '1'.repeat(zeros) + text.slice(padding)
}

/** Longer than the text of any key or hash. */
const TEXT_MAX = 256

/**
 * Decodes text; meant for keys (the work grows with the square of the length).
 *
 * @throws SyntaxError for a character outside the alphabet, or what is too long; the message does not repeat the input
 */
export function base58Decode(text: string): Uint8Array {
  if (text.length > TEXT_MAX) throw new SyntaxError('Too long for a key')
  let zeros = 0
  while (zeros < text.length && text[zeros] === '1') zeros++
  const limbs: number[] = []
  for (let i = zeros; i < text.length; i++) {
    const digit = digits[text.charCodeAt(i)] ?? -1
    if (digit < 0) throw new SyntaxError('Not base58')
    let carry = digit
    for (let j = 0; j < limbs.length; j++) {
      carry += (limbs[j] as number) * 58
      limbs[j] = carry & 0xffffff
      carry = Math.floor(carry / 0x1000000)
    }
    if (carry > 0) limbs.push(carry)
  }
  const bytes: number[] = []
  for (const limb of limbs) bytes.push(limb & 255, (limb >> 8) & 255, (limb >> 16) & 255)
  while (bytes.at(-1) === 0) bytes.pop()
  const result = new Uint8Array(zeros + bytes.length)
  result.set(bytes.reverse(), zeros)
  return result
}
