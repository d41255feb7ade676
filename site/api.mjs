// Writes the pages of the API from docs/openapi.yaml to the folder api: one page for
// each tag, and an index.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { slug } from './pages.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const api = parse(readFileSync(join(here, '../docs/openapi.yaml'), 'utf8'))
const methods = ['get', 'post', 'put', 'patch', 'delete']

// resolved follows references.
function resolved(node) {
  for (let depth = 0; node?.$ref && depth < 10; depth++) {
    node = node.$ref.slice(2).split('/').reduce((at, key) => at?.[key], api)
  }
  return node ?? {}
}

// text is one line that can stand in a table. Of its marks only code means something.
function text(s) {
  return String(s ?? '').replace(/\s+/g, ' ').trim().replace(/`[^`]+`|[|<>{}[\]*_`\\]/g, (found) => {
    if (found.length > 1 || found === '|') return found.replaceAll('|', '\\|')
    return `&#${found.charCodeAt(0)};`
  })
}

function type(schema) {
  const s = resolved(schema)
  if (s.const !== undefined) return code(JSON.stringify(s.const))
  if (s.enum) return s.enum.map((v) => code(JSON.stringify(v))).join(', ')
  if (s.oneOf || s.anyOf) return [...new Set((s.oneOf ?? s.anyOf).map(type))].join(' or ')
  if (s.allOf) return 'object'
  if (Array.isArray(s.type)) return s.type.join(' or ')
  if (s.type === 'array') return 'list of ' + type(s.items ?? {})
  return s.format ? `${s.type} (${s.format})` : (s.type ?? 'any')
}

const code = (s) => '`` ' + String(s).replaceAll('|', '\\|') + ' ``'

// fields are rows of a table: the properties of a schema, and those inside of them.
function fields(schema, prefix = '', depth = 0) {
  const s = resolved(schema)
  const rows = (s.allOf ?? s.oneOf ?? s.anyOf ?? []).flatMap((part) => fields(part, prefix, depth))
  for (const [name, property] of Object.entries(s.properties ?? {})) {
    const p = resolved(property)
    const required = s.required?.includes(name) ? 'yes' : ''
    rows.push(`| ${code(prefix + name)} | ${type(p)} | ${required} | ${text(p.description)} |`)
    if (depth < 5) rows.push(...fields(p.type === 'array' ? p.items : p, prefix + name + '.', depth + 1))
  }
  return [...new Set(rows)]
}

function table(head, rows) {
  if (rows.length === 0) return ''
  return `| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}\n${rows.join('\n')}\n\n`
}

const json = (content) => content?.['application/json']?.schema

function operation(path, method, op, shared) {
  let out = `## ${method.toUpperCase()} ${path}\n\n${text(op.summary)}\n\n`
  if (op.description) out += text(op.description) + '\n\n'
  const parameters = [...shared, ...(op.parameters ?? [])].map(resolved)
  out += table(['Parameter', 'In', 'Type', 'Meaning'],
    parameters.map((p) => `| ${code(p.name)} | ${p.in} | ${type(p.schema)} | ${text(p.description)} |`))
  const body = resolved(op.requestBody)
  out += table(['Field of the body', 'Type', 'Required', 'Meaning'], fields(json(body.content) ?? Object.values(body.content ?? {})[0]?.schema))
  for (const [status, answer] of Object.entries(op.responses ?? {})) {
    const a = resolved(answer)
    out += `**${status}**: ${text(a.description)}\n\n`
    if (status < '4') out += table(['Field of the answer', 'Type', 'Always', 'Meaning'], fields(json(a.content)))
  }
  return out
}

const pages = new Map(api.tags.map((tag) => [tag.name, { tag, body: '', rows: [] }]))
for (const [path, item] of Object.entries(api.paths)) {
  for (const method of methods.filter((m) => item[m])) {
    const page = pages.get(item[method].tags?.[0])
    if (!page) throw new Error(`${method} ${path} has no tag that is listed`)
    const name = `${method.toUpperCase()} ${path}`
    page.body += operation(path, method, item[method], item.parameters ?? [])
    page.rows.push(`| [${text(name)}](${slug(page.tag.name)}.md#${slug(name)}) | ${text(item[method].summary)} |`)
  }
}

rmSync(join(here, 'api'), { recursive: true, force: true })
mkdirSync(join(here, 'api'))
let index = `# API reference\n\nFor developers of clients. This page lists every path. It is made from [openapi.yaml](../../docs/openapi.yaml).\n\n${text(api.info.description)}\n\n`
for (const { tag, body, rows } of pages.values()) {
  if (rows.length === 0) continue
  index += `## ${tag.name}\n\n${text(tag.description)}\n\n${table(['Path', 'What it does'], rows)}`
  writeFileSync(join(here, 'api', slug(tag.name) + '.md'), `# API: ${tag.name}\n\n${text(tag.description)} [All paths](index.md).\n\n${body}`)
}
writeFileSync(join(here, 'api/index.md'), index)
