import { useId, useState } from 'react'

/**
 * The bar at the top: the product's name, who one is, and the field for the credential.
 *
 * @param who what the gateway said of the credential in use, or null
 * @param problem why the last one entered is not in use, or null
 * @param onEnter called with the text entered
 * @param onForget called to go on without a credential
 */
export function CredentialBar({ who, problem, checking, onEnter, onForget }) {
  const [text, setText] = useState('')
  const id = useId()

  function submit(event) {
    event.preventDefault()
    if (!text.trim()) return
    onEnter(text)
    setText('')
  }

  return (
    <header className="bar">
      <h1 className="bar-name">Tenantry</h1>
      <form className="bar-form" onSubmit={submit}>
        <label htmlFor={id}>Operator key or tenant token</label>
        <input
          id={id}
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={text}
          placeholder={who ? 'Paste another to change' : 'Paste it here'}
          aria-invalid={Boolean(problem)}
          aria-describedby={`${id}-state`}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit">Use</button>
      </form>
      <p id={`${id}-state`} className="bar-state" aria-live="polite">
        {problem ? (
          <span className="bar-problem">{problem}</span>
        ) : (
          <span className={who ? 'bar-who' : 'bar-nobody'}>
            {checking ? 'Checking …' : (who ?? 'No key or token yet')}
          </span>
        )}
      </p>
      {who && (
        <button type="button" className="bar-forget" onClick={onForget}>
          Forget
        </button>
      )}
    </header>
  )
}
