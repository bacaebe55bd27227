import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { AnonCredsWorkers, NativeError } from '../../src/anoncreds/index.js'
import { createIssuer, createOffer, type Held, type Issuer, issue, presenting, revoke, verifying } from './parties.js'

describe('AnonCreds calls', () => {
  const workers = new AnonCredsWorkers()
  let issuer: Issuer
  let held: Held
  before(async () => {
    issuer = await createIssuer(workers, 'issuer', 10)
    held = await issue(workers, ['issuer', 'holder'], issuer, 3)
  })
  after(() => workers.stop())

  const prove = (statusList: Issuer['statusList']) =>
    workers.call('holder', 'createPresentation', { ...presenting(issuer, held, statusList), selfAttested: {} })

  test('issue a credential that is proved, until it is revoked', async () => {
    const { statusList } = issuer
    const proof = await prove(statusList)
    assert.equal(proof.requested_proof.revealed_attrs['name']?.raw, 'Alice')
    assert.equal(
      await workers.call('verifier', 'verifyPresentation', { ...verifying(issuer, statusList), proof }),
      true,
    )

    const revoked = await revoke(workers, 'issuer', issuer, held.index)
    assert.equal(revoked.timestamp, 200)
    assert.equal(revoked.revocationList[held.index], 1)
    const refused = await prove(revoked).then(
      (late) => workers.call('verifier', 'verifyPresentation', { ...verifying(issuer, revoked), proof: late }),
      (error) => error instanceof NativeError && false,
    )
    assert.equal(refused, false)
  })

  test('prove the same in the W3C form', async () => {
    const { statusList } = issuer
    const presentation = await workers.call('holder', 'createW3cPresentation', presenting(issuer, held, statusList))
    const against = verifying(issuer, statusList)
    assert.equal(await workers.call('verifier', 'verifyW3cPresentation', { ...against, presentation }), true)
    const other = { ...against, request: { ...against.request, nonce: '42' } }
    assert.equal(await workers.call('verifier', 'verifyW3cPresentation', { ...other, presentation }), false)
  })

  test('read what a credential in the W3C form says of itself, and turn it back', async () => {
    const { credential } = held
    const details = await workers.call('holder', 'readW3c', { credential })
    const legacy = await workers.call('holder', 'w3cToLegacy', { credential })
    assert.deepEqual(details, {
      schemaId: legacy.schema_id,
      credentialDefinitionId: legacy.cred_def_id,
      revocationRegistryId: legacy.rev_reg_id,
      revocationRegistryIndex: 3,
    })
    assert.equal(legacy.values['name']?.raw, 'Alice')
  })

  test('write tails where they are asked to, and nothing is left of them after the stop', async () => {
    const { tailsLocation } = issuer.registry.revocationRegistryDefinition.value
    assert.ok(tailsLocation.startsWith(await workers.tailsFolder()) && existsSync(tailsLocation))
    const others = new AnonCredsWorkers()
    const folder = await others.tailsFolder()
    await others.stop()
    assert.ok(!existsSync(folder))
  })

  test('refuse what was tampered with, and go on', async () => {
    const { short } = workers.pids
    const against = verifying(issuer, issuer.statusList)
    const proof = await prove(issuer.statusList)
    const changed = structuredClone(proof)
    changed.requested_proof.revealed_attrs['name']!.encoded = '42'
    const verdict = await workers
      .call('verifier', 'verifyPresentation', { ...against, proof: changed })
      .catch((error) => error)
    assert.ok(verdict === false || verdict instanceof NativeError, String(verdict))

    const offer = await createOffer(workers, 'issuer', issuer.definition)
    const broken: object[] = [
      {},
      [],
      { ...offer, nonce: 'no number' },
      { ...offer, key_correctness_proof: { ...offer.key_correctness_proof, c: '1' } },
      { ...offer, cred_def_id: 1 },
    ]
    for (const wrong of broken) {
      const call = workers.call('holder', 'createCredentialRequest', {
        offer: wrong as typeof offer,
        definition: issuer.definition.credentialDefinition,
        linkSecret: held.linkSecret,
        linkSecretId: 'mine',
      })
      await assert.rejects(call, NativeError, JSON.stringify(wrong))
    }
    const cut = { ...held, linkSecret: `${held.linkSecret}\0` }
    await assert.rejects(
      workers.call('holder', 'createW3cPresentation', presenting(issuer, cut, issuer.statusList)),
      NativeError,
    )
    await assert.rejects(
      workers.call('issuer', 'createCredentialOffer', { schemaId: 'x', definitionId: 'y' } as never),
      Error,
    )
    assert.equal(await workers.call('verifier', 'verifyPresentation', { ...against, proof }), true)
    assert.equal(workers.pids.short, short)
  })
})
