package crash

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
	"rotd/internal/reencrypt"
	"rotd/internal/state"
	"rotd/test/crash/world"
)

// blobsMoved make two batches.
const blobsMoved = 600

// TestAReencryptionSurvivesEveryKill kills the daemon, or the command, in the middle of moving a manifest. The command
// is run until it is done: the results must be whole and in order, every one must open under the new key, and the
// daemon must have counted each blob once.
func TestAReencryptionSurvivesEveryKill(t *testing.T) {
	type kill struct {
		name    string
		command bool // else the daemon
		when    awssim.When
		nth     int
	}
	kills := []kill{
		{"the command at the first blob", true, awssim.BeforeEffect, 1},
		{"the command at the last blob", true, awssim.AfterAnswer, blobsMoved},
	}
	for _, nth := range []int{1, blobsMoved - 20} {
		for when, moment := range map[awssim.When]string{
			awssim.BeforeEffect: "before", awssim.AfterEffect: "after", awssim.AfterAnswer: "after the answer to",
		} {
			kills = append(kills, kill{fmt.Sprintf("the daemon %s blob %d", moment, nth), false, when, nth})
		}
	}
	for _, k := range kills {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, *seedFlag, 1, 5)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			manifest, plain := sealed(t, s.w)
			s.lives.begin()
			t.Cleanup(s.lives.abandon)
			if err := s.until(ctx, "the keys to be known", func() bool {
				_, err := s.w.Client.Key(ctx, "alias/pay-reports1")
				return err == nil
			}); err != nil {
				t.Fatal(err)
			}
			var command *exec.Cmd
			planned := s.w.Sim.Plan(awssim.Fault{
				Operation: "ReEncrypt", Nth: k.nth, Times: 1, When: k.when,
				DropConnection: !k.command && k.when != awssim.AfterAnswer, Do: func() {
					if k.command {
						_ = command.Process.Kill() // an error means that it is done already
					} else {
						s.lives.kill()
					}
				},
			})
			for runs := 0; ; runs++ {
				command = moveAll(ctx, t, s.w, manifest, "alias/pay-reports1")
				out, err := command.CombinedOutput()
				if err == nil || k.command && finished(manifest+".reencrypted") {
					break
				}
				if runs == 5 || !k.command {
					t.Fatalf("run %d: %v\n%s\n%s", runs, err, out, s.lives.log())
				}
			}
			if planned.Fired() == 0 {
				t.Error("the point was never reached")
			}
			wantMoved(t, s.w, manifest+".reencrypted", plain)
			if err := s.lives.stop(); err != nil {
				t.Fatal(err)
			}
			wantCountedOnce(t, s.w)
		})
	}
}

// finished reports whether results are whole: a command may be killed when nothing is left to do but to end.
func finished(results string) bool {
	_, err := os.Stat(results)
	_, journal := os.Stat(results + ".journal")
	return err == nil && errors.Is(journal, fs.ErrNotExist)
}

// sealed is a manifest of blobs under a key of the story, and what is in them.
func sealed(t *testing.T, w *world.World) (path string, plain []string) {
	t.Helper()
	client := kms.NewFromConfig(w.Sim.As(w.App, world.Region))
	var lines bytes.Buffer
	for i := range blobsMoved {
		id, text := w.Keys["cards1"], fmt.Sprint("data key ", i)
		bound := map[string]string{"row": fmt.Sprint(i)}
		out, err := client.Encrypt(t.Context(), &kms.EncryptInput{
			KeyId: &id, Plaintext: []byte(text), EncryptionContext: bound,
		})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(map[string]any{"id": fmt.Sprint(i), "ciphertext": out.CiphertextBlob, "context": bound})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(raw, '\n'))
		plain = append(plain, text)
	}
	path = filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(path, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, plain
}

func moveAll(ctx context.Context, t *testing.T, w *world.World, manifest, to string) *exec.Cmd {
	t.Helper()
	command, err := w.Command(ctx, "reencrypt", "--manifest", manifest, "--from", "alias/pay-cards1", "--to", to,
		"--reason", "leaked", "--yes", "--wait", "1m")
	if err != nil {
		t.Fatal(err)
	}
	return command
}

func wantMoved(t *testing.T, w *world.World, path string, plain []string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	client, results := kms.NewFromConfig(w.Sim.As(w.App, world.Region)), bufio.NewScanner(file)
	n := 0
	for ; results.Scan(); n++ {
		var r reencrypt.Result
		if err := json.Unmarshal(results.Bytes(), &r); err != nil || r.Line != n+1 || n >= len(plain) {
			t.Fatalf("result %d: %s, %v", n+1, results.Bytes(), err)
		}
		opened, err := client.Decrypt(t.Context(), &kms.DecryptInput{
			CiphertextBlob: r.Ciphertext, EncryptionContext: map[string]string{"row": r.ID},
		})
		if err != nil || string(opened.Plaintext) != plain[n] || *opened.KeyId != w.Keys["reports1"] {
			t.Fatalf("result %d opens to %+v, %v", n+1, opened, err)
		}
	}
	if err := results.Err(); err != nil || n != len(plain) {
		t.Errorf("%d results, %v", n, err)
	}
}

func wantCountedOnce(t *testing.T, w *world.World) {
	t.Helper()
	err := w.State(func(tx *state.Tx) error {
		moves, err := tx.MovesFrom(w.Keys["cards1"], 10)
		if err != nil {
			return err
		}
		if len(moves) != 1 || moves[0].Blobs != blobsMoved || moves[0].Failed != 0 || moves[0].To != w.Keys["reports1"] {
			return fmt.Errorf("counted %+v", moves)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
