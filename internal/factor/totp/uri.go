package totp

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// URI returns the otpauth URI that an app scans. Period, digits and algorithm have
// their default values and are left out. Issuer and label are percent-encoded, so a
// user's text cannot become a parameter (R33). Colons are removed, because a colon
// would end the issuer in the label.
func URI(issuer, label, b32 string) string {
	return "otpauth://totp/" + escape(issuer) + ":" + escape(label) +
		"?secret=" + b32 + "&issuer=" + escape(issuer)
}

func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == ':' || r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	// QueryEscape leaves only letters, digits and -_.~ unchanged. The wire contract
	// writes a space as %20 and keeps the at sign.
	return strings.NewReplacer("+", "%20", "%40", "@").Replace(url.QueryEscape(s))
}

// QR returns the QR code of a text as an SVG image in a data URI, with a margin of
// four modules and error correction level M. If the text is too long, QR returns an
// empty string.
func QR(text string) template.URL {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return ""
	}
	const margin = 4
	size := code.Bounds().Dx()
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			start := x
			for x < size && dark(code.At(x, y).RGBA()) {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+margin, y+margin, x-start, x-start)
			}
		}
	}
	full := size + 2*margin
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`, full, full, full, full, path.String())
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg)))
}

func dark(r, _, _, _ uint32) bool { return r < 0x8000 }
