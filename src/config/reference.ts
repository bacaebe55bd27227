import { fileKey, flagName, type Setting, settings } from './settings.js'

const introduction = `# Configuration

<!-- Generated from src/config/settings.ts by \`tenantry config --reference\`. Change it there. -->

Every setting is an environment variable, a flag of \`tenantry serve\` and a key of a JSON config file. A flag wins over
the environment, the environment over the file, the file over the default. An empty value counts as not given. A wrong
value is one line that names the variable, and exit status 2, before anything is opened.

\`tenantry\` is \`node dist/src/bin.js\` in a clone and within a container; the image begins with it: \`docker run … tenantry doctor\`.

\`\`\`sh
PUBLIC_URL=https://agents.example.org tenantry serve --port 8080 --config tenantry.json
\`\`\`

The config file is named by \`--config\` or \`CONFIG_FILE\`. An unknown key in it is an error.

\`\`\`json
{ "publicUrl": "https://agents.example.org", "port": 8080, "logLevel": "debug" }
\`\`\`

Settings marked **secret** can also be read from a file: \`NAME_FILE\`, \`--name-file\` or \`nameFile\` gives its path.
Prefer that to a flag, which other users of the machine can see. \`tenantry config\` prints what is in effect, without
secrets.

Durations are written \`30d\`, \`12h\`, \`10m\`, \`5s\` or \`250ms\`; sizes \`1MiB\`, \`64KiB\` or plain bytes.
`

/** The page docs/configuration.md, in Markdown. */
export function configurationReference(): string {
  const groups = [...new Set(settings.map(({ group }) => group))]
  return [introduction, ...groups.map(section)].join('\n')
}

function section(group: string): string {
  const entries = settings.filter((setting) => setting.group === group).map(entry)
  return [`## ${group}\n`, ...entries].join('\n')
}

function entry(setting: Setting): string {
  const { name, kind, meaning, secret } = setting
  const fallback = setting.default === undefined ? setting.defaultText : `\`${setting.default}\``
  return `### \`${name}\`${secret ? ' (secret)' : ''}

${meaning}

- Value: ${kind}
- Default: ${fallback}
- Flag \`${flagName(name)}\`, file key \`${fileKey(name)}\`
`
}
