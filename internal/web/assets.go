package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
)

// assets contains our static files. Each is compressed once and has a name that changes with its
// content.
type assets struct {
	files map[string]asset  // by name
	names map[string]string // name with hash, by name
}

type asset struct {
	plain, packed []byte
	kind          string
}

// ownAssets reads the files once for all sites of a program.
var ownAssets = sync.OnceValues(func() (*assets, error) { return readAssets(ownStatic) })

func readAssets(from fs.FS) (*assets, error) {
	a := &assets{files: map[string]asset{}, names: map[string]string{}}
	list, err := fs.ReadDir(from, "static")
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if staticKinds()[path.Ext(e.Name())] == "" {
			continue
		}
		raw, err := fs.ReadFile(from, path.Join("static", e.Name()))
		if err != nil {
			return nil, err
		}
		if err := a.add(e.Name(), raw); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// staticKinds returns the content types of static files by file name extension.
func staticKinds() map[string]string {
	return map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		".png": "image/png",
		".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".ico": "image/x-icon",
		".woff2": "font/woff2", ".woff": "font/woff", ".txt": "text/plain; charset=utf-8",
	}
}

// clone returns a copy to which files can be added.
func (a *assets) clone() *assets {
	return &assets{files: maps.Clone(a.files), names: maps.Clone(a.names)}
}

// add compresses a file and adds it under its name and under a name that changes with its content.
func (a *assets) add(name string, raw []byte) error {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(raw)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	sum, ext := sha256.Sum256(raw), path.Ext(name)
	marked := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
	f := asset{plain: raw, packed: packed.Bytes(), kind: staticKinds()[strings.ToLower(ext)]}
	a.files[name], a.files[marked], a.names[name] = f, f, marked
	return nil
}

func (a *assets) named(name string) string { return or(a.names[name], name) }

// serveStatic serves a static file. The file with a given hash in its name never changes.
func (s *Site) serveStatic(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := s.assets.files[name]
	if !ok || !safeMethod(r.Method) {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=3600")
	if s.assets.names[name] == "" {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if len(f.packed) < len(f.plain) && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	_, _ = w.Write(body)
}
