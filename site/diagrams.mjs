// Draws diagrams while the site is built, so that pages need no script for them.
import { renderMermaidSVG } from 'beautiful-mermaid'

const font = 'system-ui, sans-serif'
const looks = {
  light: { bg: '#ffffff', fg: '#1b2a38', line: '#48596a', accent: '#2c6e3b', muted: '#48596a', border: '#30506f' },
  dark: { bg: '#1b1b1f', fg: '#e6edf3', line: '#a9b4c0', accent: '#7ee2a8', muted: '#a9b4c0', border: '#8fb4d9' },
}

function picture(source, look, alt) {
  const svg = renderMermaidSVG(source, { ...looks[look], font, embedFontImport: false })
    .replace(/@import url\([^)]*\);?/g, '') // fonts come from the reader's system
  const data = Buffer.from(svg).toString('base64')
  return `<img class="only-${look}" alt="${alt}" src="data:image/svg+xml;base64,${data}">`
}

// diagrams replaces fences of Mermaid by pictures, one for each color scheme.
export function diagrams(md) {
  const fence = md.renderer.rules.fence
  md.renderer.rules.fence = (tokens, at, options, env, self) => {
    if (tokens[at].info.trim() !== 'mermaid') return fence(tokens, at, options, env, self)
    const said = /^ *accDescr: (.+)\n/m.exec(tokens[at].content)
    if (!said) throw new Error(`${env.path}: a diagram has no accDescr, which says it to those who do not see it`)
    const alt = md.utils.escapeHtml(said[1])
    const source = tokens[at].content.replace(said[0], '')
    return `<div class="diagram" tabindex="0">${picture(source, 'light', alt)}${picture(source, 'dark', alt)}</div>\n`
  }
}
