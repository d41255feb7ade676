import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { diagrams } from '../diagrams.mjs'
import { files, repository, route, sidebar, slug, target, walk } from '../pages.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

// Browsers hold the site to what it promises: nothing comes from another one.
const policy =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "base-uri 'self'; form-action 'none'; object-src 'none'"

// links leads links between files to pages of the site, or to the repository.
function links(md) {
  md.core.ruler.push('links', ({ tokens, env }) => {
    const from = relative(root, env.realPath ?? env.path)
    for (const token of tokens.flatMap((t) => t.children ?? [])) {
      if (token.type === 'link_open') token.attrSet('href', target(root, from, token.attrGet('href')))
    }
  })
}

// plain makes all code blocks look alike, and an empty corner of a table no heading.
function plain(md) {
  md.core.ruler.push('plain', ({ tokens }) => {
    tokens.forEach((token, at) => {
      if (token.type === 'code_block') token.type = 'fence'
      if (token.type === 'th_open' && tokens[at + 1].content === '') token.tag = tokens[at + 2].tag = 'td'
    })
  })
}

// braces are text: pages are not templates.
function braces(md) {
  const render = md.renderer.render.bind(md.renderer)
  md.renderer.render = (...args) => render(...args).replaceAll('{{', '&#123;&#123;')
}

// publish copies what programs read: the files, and the text of each page for llms.txt.
function publish({ outDir }) {
  for (const name of files) copyFileSync(join(root, 'docs', name), join(outDir, name))
  for (const name of walk(join(root, 'docs'))) {
    if (!name.endsWith('.md')) continue
    mkdirSync(dirname(join(outDir, name)), { recursive: true })
    copyFileSync(join(root, 'docs', name), join(outDir, name))
  }
  const list = readFileSync(join(root, 'docs/llms.txt'), 'utf8')
  writeFileSync(join(outDir, 'llms.txt'), list.replace(/\]\(\.\.\//g, `](${repository}/blob/main/`))
}

// vue is found by pages, which are outside of the folder that has node_modules.
const vue = {
  name: 'vue-for-pages',
  enforce: 'pre',
  resolveId: (id, _, { ssr }) => (ssr && /^vue(\/server-renderer)?$/.test(id) ? { id, external: true } : undefined),
}

export default defineConfig({
  title: 'Twofold',
  description: 'Sign-in with a second factor: a Go library, and a server for applications in any language.',
  lang: 'en-US',
  srcDir: root,
  srcExclude: ['!(docs|site)/**/*.md', 'site/node_modules/**', 'site/dist/**', 'README.md', 'docs/recipes/**'],
  outDir: join(root, 'site/dist'),
  cacheDir: 'node_modules/.vitepress',
  rewrites: (id) => route(id) ?? id,
  vite: { plugins: [vue], build: { chunkSizeWarningLimit: 1500 } },
  ignoreDeadLinks: 'localhostLinks',
  head: [
    ['meta', { 'http-equiv': 'Content-Security-Policy', content: policy }],
    ['link', { rel: 'icon', href: 'data:,' }],
  ],
  markdown: {
    anchor: { slugify: slug },
    attrs: { disable: true }, // braces are text there, too
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: (md) => [links, plain, braces, diagrams].forEach((plugin) => plugin(md)),
  },
  themeConfig: {
    nav: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'Questions', link: '/questions' },
      { text: 'Settings', link: '/configuration' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: sidebar(root),
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: repository }],
  },
  buildEnd: publish,
})
