import { useEffect, useRef, useState } from 'react'
import { parseCredential, restoreCredential, storeCredential } from './credential.js'
import { whoIs } from './viewer.js'

const NOBODY = { credential: null, who: null, problem: null, checking: false }

/**
 * The credential in use. What is entered takes the place of what was there only once the gateway has answered; what
 * does not hold is not kept, and the page goes on as nobody.
 */
export function useSession() {
  const [session, setSession] = useState(NOBODY)
  const attempts = useRef(0)

  async function enter(text) {
    const attempt = ++attempts.current
    setSession((previous) => ({ ...previous, problem: null, checking: true }))
    const next = await check(text)
    if (attempt === attempts.current) take(next)
  }

  function forget() {
    attempts.current += 1
    take(NOBODY)
  }

  function take(next) {
    storeCredential(next.credential)
    setSession(next)
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, at the page's load
  useEffect(() => {
    const text = restoreCredential()
    if (text) enter(text)
  }, [])

  return { session, enter, forget }
}

async function check(text) {
  try {
    const credential = parseCredential(text)
    return { ...NOBODY, credential, who: await whoIs(credential) }
  } catch (error) {
    return { ...NOBODY, problem: error.message }
  }
}
