package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

var sample = release{version: "v1.2.3", revision: "0123abcd", made: time.Unix(1_700_000_000, 0).UTC()}

// build writes an image of two programs and returns the path of the archive.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var programs []program
	for _, arch := range []string{"amd64", "arm64"} {
		p := program{arch, filepath.Join(dir, arch)}
		if err := os.WriteFile(p.path, []byte("program for "+arch), 0o700); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, p)
	}
	if err := os.WriteFile(filepath.Join(dir, licenseFile), []byte("all licenses"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "image.tar")
	if err := sample.write(out, programs); err != nil {
		t.Fatal(err)
	}
	return out
}

// open unpacks an archive and returns the index that its only name leads to.
func open(t *testing.T, path string) v1.ImageIndex {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.Mkdir(at, 0o755)
		} else {
			var raw []byte
			raw, err = io.ReadAll(r)
			err = errors.Join(err, os.WriteFile(at, raw, 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := top.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("names: %v %v", manifest, err)
	}
	if got := manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; got != sample.version {
		t.Errorf("the image is called %q", got)
	}
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestImageIsReproducible builds the same image in two folders.
func TestImageIsReproducible(t *testing.T) {
	var archives [2][]byte
	for i := range archives {
		raw, err := os.ReadFile(build(t))
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = raw
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two builds differ")
	}
}

// TestImageHoldsTheProgramOfEachArchitecture reads the files of both images.
func TestImageHoldsTheProgramOfEachArchitecture(t *testing.T) {
	index := open(t, build(t))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var archs []string
	for _, m := range manifest.Manifests {
		archs = append(archs, m.Platform.OS+"/"+m.Platform.Architecture)
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Architecture != m.Platform.Architecture || config.OS != "linux" {
			t.Errorf("the image of %s says %s/%s", m.Platform, config.OS, config.Architecture)
		}
		checkFiles(t, image, m.Platform.Architecture)
	}
	if !slices.Equal(archs, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("platforms: %v", archs)
	}
}

func checkFiles(t *testing.T, image v1.Image, arch string) {
	t.Helper()
	stream := mutate.Extract(image)
	defer stream.Close()
	files := map[string]string{}
	for r := tar.NewReader(stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		about := fmt.Sprintf("%o %d:%d", h.Mode, h.Uid, h.Gid)
		if h.Typeflag == tar.TypeReg && h.Name != certFile {
			about += " " + string(raw)
		}
		if h.Name == certFile && bytes.Count(raw, []byte("BEGIN CERTIFICATE")) < 100 {
			t.Errorf("certificates: %d bytes", len(raw))
		}
		files[strings.TrimSuffix(h.Name, "/")] = about
	}
	want := map[string]string{
		"data": "700 65532:65532", "etc": "755 0:0", "etc/ssl": "755 0:0", "etc/ssl/certs": "755 0:0",
		certFile: "644 0:0", licenseFile: "644 0:0 all licenses", "twofold": "755 0:0 program for " + arch,
	}
	if !maps.Equal(files, want) {
		t.Errorf("%s: files %v, want %v", arch, files, want)
	}
}

// TestImageRunsAsTheExampleDoes compares with the last stage of the example's container file.
func TestImageRunsAsTheExampleDoes(t *testing.T) {
	raw, err := os.ReadFile("../../../examples/container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, final, ok := strings.Cut(string(raw), "FROM scratch\n")
	if !ok {
		t.Fatal("the container file has no stage from scratch")
	}
	var want v1.Config
	list := func(text string) (out []string) {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return out
	}
	for line := range strings.Lines(strings.ReplaceAll(final, "\\\n", " ")) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch instruction {
		case "USER":
			want.User = rest
		case "WORKDIR":
			want.WorkingDir = rest
		case "VOLUME":
			want.Volumes = map[string]struct{}{rest: {}}
		case "EXPOSE":
			want.ExposedPorts = map[string]struct{}{rest + "/tcp": {}}
		case "ENV":
			want.Env = strings.Fields(rest)
		case "ENTRYPOINT":
			want.Entrypoint = list(rest)
		case "CMD":
			want.Cmd = list(rest)
		case "HEALTHCHECK":
			options, test, _ := strings.Cut(rest, " CMD ")
			var interval, timeout string
			if _, err := fmt.Sscanf(options, "--interval=%s --timeout=%s", &interval, &timeout); err != nil {
				t.Fatal(err)
			}
			want.Healthcheck = &v1.HealthConfig{Test: append([]string{"CMD"}, list(test)...)}
			want.Healthcheck.Interval, _ = time.ParseDuration(interval)
			want.Healthcheck.Timeout, _ = time.ParseDuration(timeout)
		case "COPY", "#", "":
		default:
			t.Errorf("an instruction that this test does not know: %s", line)
		}
	}
	got := sample.config()
	got.Labels = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the image says\n%+v, the example\n%+v", got, want)
	}
}
