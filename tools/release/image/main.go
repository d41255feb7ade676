// Command image writes the container image of a release as an OCI archive. It needs no registry
// and no daemon, and the same input gives the same bytes.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// release is what the labels of an image say.
type release struct {
	version, revision string
	made              time.Time
}

// program is the executable file of one architecture.
type program struct{ arch, path string }

func main() {
	log.SetFlags(0)
	log.SetPrefix("image: ")
	var r release
	flag.StringVar(&r.version, "version", "", "version of the release, such as v0.9.0")
	flag.StringVar(&r.revision, "revision", "", "commit of the release")
	made := flag.Int64("time", 0, "time of the commit, in seconds since 1970")
	out := flag.String("out", "", "file to write")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: image -version V -revision COMMIT -time SECONDS -out FILE ARCH=PROGRAM...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if r.version == "" || r.revision == "" || *made == 0 || *out == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	r.made = time.Unix(*made, 0).UTC()
	var programs []program
	for _, arg := range flag.Args() {
		arch, path, ok := strings.Cut(arg, "=")
		if !ok {
			log.Fatalf("%q is not ARCH=PROGRAM", arg)
		}
		programs = append(programs, program{arch, path})
	}
	if err := r.write(*out, programs); err != nil {
		log.Fatal(err)
	}
}

// write makes the archive at path: one image for each program, and an index of them.
func (r release) write(path string, programs []program) error {
	base, err := baseLayer(r.made)
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range programs {
		image, err := r.image(base, p)
		if err != nil {
			return fmt.Errorf("image of %s: %w", p.path, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: p.arch}},
		})
	}
	named := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: index,
		Descriptor: v1.Descriptor{Annotations: map[string]string{
			"org.opencontainers.image.ref.name": r.version,
			"io.containerd.image.name":          "localhost/twofold:" + r.version,
		}},
	})
	dir, err := os.MkdirTemp(filepath.Dir(path), ".image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	written, err := layout.Write(dir, named)
	if err != nil {
		return err
	}
	back, err := written.ImageIndex()
	if err != nil {
		return err
	}
	if err := validate.Index(back); err != nil {
		return err
	}
	return archive(path, dir, r.made)
}

// image returns the image of one program.
func (r release) image(base v1.Layer, p program) (v1.Image, error) {
	layer, err := programLayer(p.path, r.made)
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{
		OS: "linux", Architecture: p.arch, Created: v1.Time{Time: r.made}, Config: r.config(),
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	return mutate.Append(image, r.addendum(base, "certificates of public authorities, and /data"),
		r.addendum(layer, "the program"))
}

func (r release) addendum(layer v1.Layer, what string) mutate.Addendum {
	return mutate.Addendum{Layer: layer,
		History: v1.History{Created: v1.Time{Time: r.made}, CreatedBy: "scripts/release: " + what}}
}

// config says how the image runs. It is that of examples/container/Containerfile.
func (r release) config() v1.Config {
	return v1.Config{
		User:         "65532:65532",
		WorkingDir:   "/data",
		Volumes:      map[string]struct{}{"/data": {}},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Env:          []string{"TWOFOLD_LISTEN=:8080", "SQLALCHEMY_DATABASE_URI=sqlite:////data/twofold.db"},
		Entrypoint:   []string{"/twofold"},
		Cmd:          []string{"serve"},
		// Docker reads this from OCI images too. Podman and Kubernetes do not.
		Healthcheck: &v1.HealthConfig{
			Test: []string{"CMD", "/twofold", "healthcheck"}, Interval: 30 * time.Second, Timeout: 6 * time.Second,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "Twofold",
			"org.opencontainers.image.source":   "https://github.com/twofold-auth/twofold",
			"org.opencontainers.image.licenses": "MIT",
			"org.opencontainers.image.version":  r.version,
			"org.opencontainers.image.revision": r.revision,
			"org.opencontainers.image.created":  r.made.Format(time.RFC3339),
		},
	}
}
