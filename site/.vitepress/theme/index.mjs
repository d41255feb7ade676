import { withBase } from 'vitepress'
import theme from 'vitepress/theme-without-fonts'
import { h } from 'vue'
import './style.css'

const missing = () =>
  h('main', { class: 'missing' }, [h('h1', 'There is no such page'), h('a', { href: withBase('/') }, 'All documentation')])

export default { extends: theme, Layout: () => h(theme.Layout, null, { 'not-found': missing }) }
