package e2e

import (
	"bytes"
	"fmt"
	"image/png"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// step is the time for which an app shows one code.
const step = 30

// app is an authenticator app on a person's phone.
type app struct {
	testkit.App
	site site
	last int64 // the newest step whose code was given away
}

// scan photographs the QR code on the page with a phone and reads it. If the first picture cannot
// be read, the phone moves closer, as a person would.
func scan(b *tab, s site) *app {
	b.t.Helper()
	var last error
	for _, scale := range []float64{3, 2, 4, 5} {
		text, err := read(b.picture("img.qr", scale))
		if err == nil {
			return install(b.t, s, text)
		}
		last = err
	}
	// The QR reader of these tests is weaker than a phone's: it fails if the size of the modules is
	// not a whole number of pixels. So the page is enlarged until it is.
	eval[chromedp.Void](b, `(() => {
		const img = document.querySelector('img.qr'), size = atob(img.src.split(',')[1]).match(/viewBox="0 0 (\d+)/)[1] * 4 + 'px';
		Object.assign(img.style, {width: size, height: size, maxWidth: 'none'});
	})()`)
	text, err := read(b.picture("img.qr", 1))
	if err != nil {
		b.t.Fatal("the QR code cannot be read: ", last, "; enlarged: ", err)
	}
	return install(b.t, s, text)
}

// picture returns a screenshot of one element.
func (b *tab) picture(selector string, scale float64) []byte {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.ScreenshotScale(chromedp.CSS(selector), scale))
	b.must(err)
	return picture
}

// read finds the QR code in a picture, first as a camera does and then on the assumption that the
// picture contains nothing else.
func read(picture []byte) (string, error) {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", err
	}
	for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_TRY_HARDER,
		gozxing.DecodeHintType_PURE_BARCODE} {
		var bitmap *gozxing.BinaryBitmap
		if bitmap, err = gozxing.NewBinaryBitmapFromImage(img); err != nil {
			return "", err
		}
		var found *gozxing.Result
		if found, err = qrcode.NewQRCodeReader().Decode(bitmap,
			map[gozxing.DecodeHintType]any{hint: true}); err == nil {
			return found.GetText(), nil
		}
	}
	return "", err
}

// install adds the account of an otpauth URI.
func install(t *testing.T, s site, uri string) *app {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		t.Fatalf("%q is no otpauth URI of a time-based code", uri)
	}
	for name, want := range map[string]string{"algorithm": "SHA1", "digits": "6", "period": "30"} {
		if v := u.Query().Get(name); v != "" && v != want {
			t.Fatalf("%s is %s", name, v)
		}
	}
	a := &app{App: testkit.ReadApp(t, u.Query().Get("secret")), site: s}
	if len(a.App) < 16 {
		t.Fatalf("the secret has %d bytes", len(a.App))
	}
	return a
}

// code returns an unused code. Each step is accepted once, and so is one step before and after the
// current one. So three codes in a row need no wait: the first is from a phone that is slightly
// slow, the third from one that is slightly fast.
func (a *app) code() string {
	const margin = 10 // seconds that a page may take
	want := max(a.last+1, (a.site.now().Unix()+margin)/step-1)
	for {
		early := want - 1 - a.site.now().Unix()/step
		if early <= 0 {
			break
		}
		a.site.pass(time.Second)
	}
	a.last = want
	return a.At(want)
}

// wrong returns a code that does not belong to any step near now.
func (a *app) wrong() string {
	now := a.site.now().Unix() / step
	for n := 0; ; n++ {
		wrong, hit := fmt.Sprintf("%06d", n), false
		for i := now - 3; i <= now+3; i++ {
			hit = hit || a.At(i) == wrong
		}
		if !hit {
			return wrong
		}
	}
}
