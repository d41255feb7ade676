// What the site is made of: the same files that people read in the repository.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'

export const repository = 'https://github.com/twofold-auth/twofold'

// Files that are published as they are, below docs.
export const files = ['openapi.yaml', 'account.schema.json']

const project = { 'CHANGELOG.md': 'changelog.md', 'CONTRIBUTING.md': 'contributing.md', 'SECURITY.md': 'reporting.md' }

// route returns the path on the site of a file of the repository, or nothing if the
// file is not a page.
export function route(file) {
  if (file === 'docs/README.md') return 'index.md'
  if (project[file]) return project[file]
  if (file === 'site/api/index.md') return 'api/index.md'
  return /^(docs|site)\/((explain|how-to|api)\/)?[^/]+\.md$/.test(file) && file !== 'site/README.md'
    ? file.replace(/^(docs|site)\//, '')
    : undefined
}

// title returns the heading of a page.
export function title(root, file) {
  const heading = /^# (.+)$/m.exec(readFileSync(join(root, file), 'utf8'))
  if (!heading) throw new Error(`${file} has no heading`)
  return heading[1].replaceAll('`', '')
}

// target returns where a link of a file leads on the site. A link to a file that is
// not part of the site leads to the repository.
export function target(root, from, link) {
  if (link === '' || /^([a-z][a-z0-9+.-]*:|#|\/)/i.test(link)) return link
  const [path, anchor] = link.split('#')
  const file = posix.join(posix.dirname(from), path).replace(/\/$/, '')
  const on = join(root, file)
  if (!existsSync(on)) throw new Error(`${from}: ${link} is not there`)
  const hash = anchor ? '#' + anchor : ''
  if (route(file)) return '/' + route(file) + hash
  const published = file.replace(/^docs\//, '')
  if (file.startsWith('docs/') && [...files, 'llms.txt'].includes(published)) return '/' + published
  return `${repository}/${statSync(on).isDirectory() ? 'tree' : 'blob'}/main/${file}${hash}`
}

// slug is the anchor of a heading, as GitHub makes it.
export function slug(text) {
  return text.trim().toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
}

// sidebar has the pages of the index, in its sections and in its order.
export function sidebar(root) {
  const out = [{ text: 'Start', items: [] }]
  const seen = new Set()
  for (const line of readFileSync(join(root, 'docs/README.md'), 'utf8').split('\n')) {
    const section = /^## (.+)$/.exec(line)
    if (section) out.push({ text: section[1], items: [] })
    for (const [, link] of line.matchAll(/\]\(([^)#\s]+\.md)/g)) {
      const file = posix.join('docs', link)
      if (!route(file) || seen.has(file)) continue
      seen.add(file)
      out.at(-1).items.push({ text: title(root, file), link: '/' + route(file) })
    }
  }
  return out
}

// walk lists the files below a folder.
export function walk(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => relative(folder, join(f.parentPath ?? f.path, f.name)).split(sep).join('/'))
}

