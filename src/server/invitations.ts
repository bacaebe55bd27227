import { Router } from 'express'
import type { Hosting } from '../hosting/hosting.js'

const ID = /^[\w-]{22}$/

/**
 * Invitations by short URLs (Aries RFC 0434, "URL Shortening"): the message for agents, which ask for JSON, and the whole
 * URL for everyone else.
 */
export function invitations(hosting: Hosting): Router {
  const router = Router()
  router.get('/invitations/:id', async (req, res, next) => {
    const { id } = req.params
    const url = ID.test(id) ? await hosting.invitation(id) : undefined
    if (url === undefined) return next()
    // It may be withdrawn, and who has it can use it.
    res.set({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', vary: 'accept' })
    res.set({ 'access-control-allow-origin': '*' })
    if (req.accepts(['html', 'json']) === 'json') return void res.json(messageIn(url))
    res.redirect(302, url)
  })
  return router
}

const messageIn = (url: string): unknown =>
  JSON.parse(Buffer.from(new URL(url).searchParams.get('oob') ?? '', 'base64url').toString())
