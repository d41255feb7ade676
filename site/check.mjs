// Holds the built site to two promises: every link leads somewhere, to a heading too,
// and a page loads nothing from another site.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { walk } from './pages.mjs'

const site = join(dirname(fileURLToPath(import.meta.url)), 'dist')
const faults = []
const all = walk(site)
const read = (name) => readFileSync(join(site, name), 'utf8')
const html = new Map(all.filter((f) => f.endsWith('.html')).map((f) => [f, read(f)]))
const ids = new Map([...html].map(([f, page]) => [f, new Set([...page.matchAll(/ id="([^"]+)"/g)].map((m) => m[1]))]))

function fileOf(from, path) {
  let file = path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(from), path)
  if (file === '' || file.endsWith('/')) file += 'index.html'
  if (existsSync(join(site, file)) && statSync(join(site, file)).isFile()) return file
  return existsSync(join(site, file + '.html')) ? file + '.html' : undefined
}

for (const [from, page] of html) {
  for (const [, link] of page.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
    if (/^[a-z]+:/.test(link)) continue
    const [path, anchor] = link.split('#')
    const file = path === '' ? from : fileOf(from, path)
    if (!file) faults.push(`${from}: ${link} leads nowhere`)
    else if (anchor && html.has(file) && !ids.get(file).has(decodeURIComponent(anchor))) faults.push(`${from}: ${link} has no such heading`)
  }
  for (const [tag] of page.matchAll(/<(script|link|img|iframe|source|video|audio|object|embed|use|form)\b[^>]*>/g)) {
    if (/(src|href|srcset|data|action)="(https?:)?\/\//.test(tag)) faults.push(`${from}: loads from another site: ${tag.slice(0, 120)}`)
  }
  if (!page.includes('Content-Security-Policy')) faults.push(`${from} has no policy`)
}
for (const name of all) {
  if (/\.(css|svg)$/.test(name) && /url\(["']?(https?:)?\/\/|@import/.test(read(name))) faults.push(`${name} loads from another site`)
  if (name.endsWith('.js') && /(fetch|import|WebSocket|EventSource|sendBeacon)\(["'`]https?:/.test(read(name))) faults.push(`${name} loads from another site`)
}
for (const name of ['index.html', '404.html', 'openapi.yaml', 'llms.txt', 'account.schema.json', 'api/index.html', 'explain/the-door.html', 'explain/the-door.md']) {
  if (!all.includes(name)) faults.push(`${name} is missing`)
}
if (html.size < 50) faults.push(`there are ${html.size} pages`)
for (const fault of faults) console.error(fault)
console.log(`${html.size} pages, ${faults.length} faults`)
process.exitCode = faults.length > 0 ? 1 : 0
