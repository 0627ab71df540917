package material

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"

func asked() Asked {
	return Asked{KeyARN: arn, Spec: "SYMMETRIC_DEFAULT", Action: "act_1", Name: Name(arn, "beef")}
}

// good are 32 bytes that no text has.
func good() []byte {
	sum := sha256.Sum256([]byte("material"))
	sum[0] = 0
	return sum[:]
}

// shell is a source that runs a script.
func shell(script string) Source { return Source{Command: []string{"/bin/sh", "-c", script}} }

func TestACommandGivesMaterial(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "rotd's own")
	got, err := shell(`printf '%s|%s|%s|%s|%s' "$ROTD_KEY_ARN" "$ROTD_KEY_SPEC" "$ROTD_ACTION_ID" "$ROTD_MATERIAL" \
		"$AWS_SECRET_ACCESS_KEY" | sha256sum | cut -c1-31 | tr -d '\n'; printf '\000'`).Read(t.Context(), asked())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(arn + "|SYMMETRIC_DEFAULT|act_1|1234abcd-after-beef|"))
	if want := append([]byte(fmt.Sprintf("%x", sum)[:31]), 0); !bytes.Equal(got.bytes[:got.n], want) {
		t.Error("the command did not see what it is asked for, or saw more")
	}
}

func TestACommandThatGivesNone(t *testing.T) {
	tests := []struct {
		name    string
		source  Source
		want    string
		passing bool
	}{
		{"is not there", Source{Command: []string{"/nowhere"}}, "cannot be run: fork/exec /nowhere: no such file", false},
		{"fails", shell("exit 7"), "command /bin/sh failed: exit status 7", true},
		{"fails after it gave some", shell("head -c 32 /dev/urandom; exit 7"), "failed: exit status 7", true},
		{"gives nothing", shell(":"), "gave 0 bytes; key material is exactly 32 raw bytes", false},
		{"gives one", shell("printf x"), "gave 1 byte; ", false},
		{"gives 31", shell("head -c 31 /dev/urandom"), "gave 31 bytes; ", false},
		{"gives 33", shell("head -c 33 /dev/urandom"), "gave more than 32 bytes; ", false},
		{"floods", shell("cat /dev/urandom"), "gave more than 32 bytes; ", false},
		{"gives hexadecimal text", shell("printf 0123456789abcdef0123456789abcdef"), "gave text; ", false},
		{"gives zeros", shell("head -c 32 /dev/zero"), "gave the same byte 32 times", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.source, tt.want, tt.passing) })
	}
	wantError(t, Source{}, "names no source", false)
}

func wantError(t *testing.T, s Source, want string, passing bool) {
	t.Helper()
	_, err := s.Read(t.Context(), asked())
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.Contains(e.Error(), want) || e.Passing != passing {
		t.Errorf("got %v, want %q (passing %t)", err, want, passing)
	}
}

func TestACommandThatHangsIsEnded(t *testing.T) {
	for name, script := range map[string]string{
		"itself": "exec sleep 60", "in a child that keeps its output": "sleep 2 & exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			started := time.Now()
			_, err := shell(script).Read(ctx, asked())
			if e, ok := errors.AsType[*Error](err); !ok || !e.Passing || !strings.Contains(e.Error(), "did not end within") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(started); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestAFileGivesMaterial(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1234abcd", "1234abcd-after-beef"} {
		if err := os.WriteFile(filepath.Join(dir, name), good(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"{key_id}", "{material}"} {
		got, err := Source{File: filepath.Join(dir, pattern)}.Read(t.Context(), asked())
		if err != nil || !bytes.Equal(got.bytes[:got.n], good()) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func TestAFileThatGivesNone(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode os.FileMode, content []byte) Source {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return Source{File: path}
	}
	wantError(t, Source{File: filepath.Join(dir, "none")}, "none: no such file", false)
	wantError(t, Source{File: dir}, "is no regular file", false)
	wantError(t, file("open", 0o640, good()), "has mode 0640: others may have read the key material", false)
	wantError(t, file("long", 0o600, append(good(), '\n')), "gave more than 32 bytes; ", false)
	wantError(t, file("short", 0o400, good()[:16]), "gave 16 bytes; ", false)
	if os.Geteuid() == 0 {
		foreign := file("foreign", 0o600, good())
		if err := os.Chown(foreign.File, 12345, -1); err != nil {
			t.Fatal(err)
		}
		wantError(t, foreign, "does not belong to rotd's user (uid 0)", false)
	}
}

func TestNoErrorHoldsMaterial(t *testing.T) {
	path := filepath.Join(t.TempDir(), "material")
	for _, content := range [][]byte{good()[:31], append(good(), 1), bytes.Repeat([]byte{7}, Length)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Source{File: path}.Read(t.Context(), asked())
		if err == nil || bytes.Contains([]byte(err.Error()), content[1:20]) ||
			strings.Contains(err.Error(), fmt.Sprintf("%x", content[1:20])) {
			t.Errorf("got %q", err)
		}
	}
}

func TestWrappedMaterialIsReadByTheKeysOwnerAlone(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	secret := &Secret{n: Length}
	copy(secret.bytes[:], good())
	wrapped, err := secret.Wrap(public)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := rsa.DecryptOAEP(sha256.New(), nil, key, wrapped, nil)
	if err != nil || !bytes.Equal(plain, good()) {
		t.Errorf("unwrapped: %v", err)
	}
	if _, err := secret.Wrap([]byte("no key")); err == nil {
		t.Error("wrapped under no key")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, secret); got != "key material" {
			t.Errorf("%s prints %q", format, got)
		}
	}
	secret.Wipe()
	if secret.bytes != [Length + 1]byte{} || secret.n != 0 {
		t.Error("not wiped")
	}
}
