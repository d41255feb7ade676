package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	owner       = 65532 // the user that the program runs as
	certFile    = "etc/ssl/certs/ca-certificates.crt"
	licenseFile = "LICENSES.txt"
)

// baseLayer holds the certificates and the folder for data.
func baseLayer(made time.Time) (v1.Layer, error) {
	data := entry{Header: tar.Header{Name: "data/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: owner, Gid: owner}}
	return layer(made, data, folder("etc/"), folder("etc/ssl/"), folder("etc/ssl/certs/"),
		file(certFile, 0o644, certificates()))
}

// programLayer holds the program, and the licenses that lie next to it.
func programLayer(path string, made time.Time) (v1.Layer, error) {
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	licenses, err := os.ReadFile(filepath.Join(filepath.Dir(path), licenseFile))
	if err != nil {
		return nil, err
	}
	return layer(made, file(licenseFile, 0o644, licenses), file("twofold", 0o755, program))
}

// entry is a file or a folder of a layer.
type entry struct {
	tar.Header
	content []byte
}

func folder(name string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}}
}

func file(name string, mode int64, content []byte) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(content))}, content}
}

func layer(made time.Time, entries ...entry) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		e.ModTime = made
		if err := w.WriteHeader(&e.Header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9),
		tarball.WithCompressedCaching)
}

// certificates returns Mozilla's list of authorities, in the version that go.mod names, as PEM. It
// leaves out those that are trusted under a condition, because a file cannot express one.
func certificates() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer does not fail
		}
	}
	return b.Bytes()
}

// archive writes the files of dir to a tar file at path, in the order of their names.
func archive(path, dir string, made time.Time) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	w := tar.NewWriter(out)
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		header := tar.Header{Name: filepath.ToSlash(strings.TrimPrefix(name, dir+string(filepath.Separator))),
			ModTime: made}
		if entry.IsDir() {
			header.Name, header.Typeflag, header.Mode = header.Name+"/", tar.TypeDir, 0o755
			return w.WriteHeader(&header)
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o644, int64(len(raw))
		if err := w.WriteHeader(&header); err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	})
	if err != nil {
		return err
	}
	return w.Close()
}
