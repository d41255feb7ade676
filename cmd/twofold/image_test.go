package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestExampleImage builds the image of the container file and runs it as the image specifies, in a
// read-only root. The first stage is replaced by its output, because it starts from an image in a
// registry.
func TestExampleImage(t *testing.T) {
	run := newBuilder(t)
	root := run("mount", run("from", "twofold:test"))
	var image struct {
		OCIv1 struct {
			Config struct {
				User, WorkingDir     string
				Entrypoint, Cmd, Env []string
				Volumes              map[string]any
			} `json:"config"`
		}
	}
	done(t, json.Unmarshal([]byte(run("inspect", "--type", "image", "twofold:test")), &image))
	c := image.OCIv1.Config
	if c.User != "65532:65532" || c.WorkingDir != "/data" || c.Volumes["/data"] == nil ||
		!reflect.DeepEqual(append(c.Entrypoint, c.Cmd...), []string{"/twofold", "serve"}) {
		t.Fatalf("the configuration of the image is %+v", c)
	}
	holds := map[string]bool{}
	done(t, filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			holds[strings.TrimPrefix(path, root)] = true
		}
		return err
	}))
	if len(holds) != 2 || !holds["/twofold"] || !holds["/etc/ssl/certs/ca-certificates.crt"] {
		t.Errorf("the image contains %v", holds)
	}
	var data unix.Stat_t
	done(t, unix.Stat(filepath.Join(root, "data"), &data))
	if data.Uid != 65532 || data.Mode&0o777 != 0o700 {
		t.Errorf("/data belongs to %d, mode %o", data.Uid, data.Mode)
	}
	volume := readOnly(t, root)
	s := confined(t, root, c.Env...)
	s.want(200, "GET", "/readyz", "")
	s.want(200, "GET", "/login", "")
	s.stop()
	if _, err := os.Stat(filepath.Join(volume, "twofold.db")); err != nil {
		t.Error("the database is not in /data: ", err)
	}
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newBuilder builds the image twofold:test and returns a function that runs buildah with the
// image's storage.
func newBuilder(t *testing.T) func(args ...string) string {
	t.Helper()
	buildah := program(t, "buildah")
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("skipped: a separate root directory needs root")
	}
	made, storage := t.TempDir(), t.TempDir()
	if err := unix.Mount("tmpfs", made, "tmpfs", 0, "size=80m"); err != nil {
		t.Skip("skipped: cannot mount: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(made, unix.MNT_DETACH) })
	binary, err := buildOnce()
	done(t, err)
	done(t, os.MkdirAll(filepath.Join(made, "etc/ssl/certs"), 0o755))
	done(t, os.WriteFile(filepath.Join(made, "etc/ssl/certs/ca-certificates.crt"), nil, 0o600))
	done(t, os.MkdirAll(filepath.Join(made, "out/home/data"), 0o700))
	done(t, exec.Command("cp", binary, filepath.Join(made, "out/twofold")).Run())
	raw, err := os.ReadFile("../../examples/container/Containerfile")
	done(t, err)
	_, final, ok := strings.Cut(string(raw), "\nFROM scratch\n")
	if !ok {
		t.Fatal("the container file has no stage from scratch")
	}
	file := filepath.Join(made, "Containerfile")
	done(t, os.WriteFile(file, []byte("FROM scratch\n"+final), 0o600))
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(buildah,
			append([]string{"--root", storage + "/root", "--runroot", storage + "/run", "--storage-driver", "vfs"},
				args...)...)
		var problems strings.Builder
		cmd.Stderr = &problems
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("buildah %q: %v: %s", args, err, problems.String())
		}
		return strings.TrimSpace(string(out))
	}
	run("bud", "--isolation", "chroot", "--build-context", "build="+made, "-f", file, "-t", "twofold:test", t.TempDir())
	return run
}

// readOnly makes a root read-only, except for a volume at /data.
func readOnly(t *testing.T, root string) (volume string) {
	t.Helper()
	volume = t.TempDir()
	at := filepath.Join(root, "data")
	done(t, os.Chown(volume, 65532, 65532))
	done(t, unix.Mount(root, root, "", unix.MS_BIND, ""))
	t.Cleanup(func() { _ = unix.Unmount(root, unix.MNT_DETACH) })
	done(t, unix.Mount(volume, at, "", unix.MS_BIND, ""))
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	done(t, unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
	if err := os.WriteFile(filepath.Join(root, "x"), nil, 0o600); err == nil {
		t.Error("the root can be written")
	}
	return volume
}
