package web

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// rgb is a color of sRGB, each part from 0 to 1.
type rgb [3]float64

// parseColor reads #rgb or #rrggbb.
func parseColor(s string) (rgb, error) {
	hex, ok := strings.CutPrefix(s, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return rgb{}, errors.New("is not a color: use the form #0b7285")
	}
	return rgb{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}, nil
}

func (c rgb) String() string {
	n := func(v float64) int { return int(math.Round(v * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", n(c[0]), n(c[1]), n(c[2]))
}

// mix returns the color between two, at the given share of the way to the other one.
func (c rgb) mix(to rgb, share float64) (out rgb) {
	for i := range c {
		out[i] = c[i] + (to[i]-c[i])*share
	}
	return out
}

// luminance returns the relative luminance of WCAG 2.2.
func (c rgb) luminance() float64 {
	sum, weight := 0.0, [3]float64{.2126, .7152, .0722}
	for i, v := range c {
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		sum += weight[i] * v
	}
	return sum
}

// contrast returns the contrast ratio of WCAG 2.2, from 1 to 21.
func (c rgb) contrast(other rgb) float64 {
	a, b := c.luminance(), other.luminance()
	return (max(a, b) + .05) / (min(a, b) + .05)
}

// leastContrast is the minimum contrast of text. It is a little more than 4.5, because colors are
// rounded.
const leastContrast = 4.6

var black, white = rgb{0, 0, 0}, rgb{1, 1, 1}

// ground is one of the two color schemes of the pages: the background colors, and the color with
// which an accent is mixed until it is readable.
type ground struct {
	surfaces []rgb
	towards  rgb
	tint     float64 // position of the tint between the accent and the card
}

// grounds returns the light and the dark color scheme. The surfaces are --card and --page of
// twofold.css.
func grounds() (light, dark ground) {
	return ground{[]rgb{white, {.949, .961, .980}}, black, .92},
		ground{[]rgb{{.090, .118, .161}, {.055, .075, .106}}, white, .82}
}

// palette contains the colors of an accent that pages use.
type palette struct{ accent, strong, on, tint rgb }

// palette returns the palette of an accent for a color scheme, and reports whether the accent had
// to be changed.
func (g ground) palette(accent rgb) (p palette, changed bool) {
	p.accent = accent
	for step := 0; step <= 100; step++ {
		p.accent = accent.mix(g.towards, float64(step)/100)
		p.tint = p.accent.mix(g.surfaces[0], g.tint)
		if g.readable(p) {
			changed = step > 0
			break
		}
	}
	p.strong = p.accent.mix(g.towards, .25)
	p.on = white
	if ink := p.accent.mix(black, .9); ink.contrast(p.accent) > white.contrast(p.accent) {
		p.on = ink
	}
	return p, changed
}

func (g ground) readable(p palette) bool {
	for _, s := range append([]rgb{p.tint}, g.surfaces...) {
		if p.accent.contrast(s) < leastContrast {
			return false
		}
	}
	return true
}

func (p palette) css() string {
	return fmt.Sprintf("--accent: %s; --accent-strong: %s; --on-accent: %s; --tint: %s;",
		p.accent, p.strong, p.on, p.tint)
}

// accentSheet returns the style sheet of an accent. If the accent itself is not readable, note
// contains the color that pages use instead.
func accentSheet(accent string) (sheet, note string, err error) {
	c, err := parseColor(accent)
	if err != nil {
		return "", "", err
	}
	onLight, onDark := grounds()
	light, changed := onLight.palette(c)
	dark, _ := onDark.palette(c)
	if changed {
		note = fmt.Sprintf("%s cannot be read on a light page (contrast %.1f of 4.5): pages use %s",
			accent, c.contrast(white), light.accent)
	}
	sheet = fmt.Sprintf(":root { %s }\n@media (prefers-color-scheme: dark) { :root { %s } }\n", light.css(), dark.css())
	return sheet, note, nil
}
