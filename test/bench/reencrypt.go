package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"golang.org/x/sync/errgroup"

	"rotd/internal/admin"
	"rotd/internal/awssim"
)

// reencrypting is what moving a manifest took.
type reencrypting struct {
	Blobs     int           `json:"blobs"`
	Rate      int           `json:"rate"`      // blobs a second, configured
	Took      time.Duration `json:"took"`      // of the whole command: reading the manifest, plan, results
	Throttled int           `json:"throttled"` // answers ThrottlingException
	Daemon    memory        `json:"daemon_peak_memory"`
	Command   memory        `json:"command_peak_memory"`
}

// PerSecond is the rate at which the blobs were moved.
func (r *reencrypting) PerSecond() float64 { return float64(r.Blobs) / r.Took.Seconds() }

// reached is the part of the configured rate that was used.
func (r *reencrypting) reached() float64 { return r.PerSecond() / float64(r.Rate) }

const reencryptYAML = `state: {path: {db}}
intake:
  queues: [{url: "{queue}", pollers: 2}]
policies:
  - name: fleet
    rotation: {max_age: 365d, automatic: 90d}
alerts:
  topics: [{arn: "{topic}", min_severity: INFORMATIONAL, format: json}]
limits: {quota_share: 0.25, reencrypt_per_second: {rate}}
admin: {socket: "{socket}", http: "{http}"}
`

// Manifest is where the simulator writes one, and how long.
type Manifest struct {
	Path  string
	Blobs int
}

// Seal writes a manifest of blobs under the fleet's first key, each with a context of its own.
func (f *Fleet) Seal(m Manifest, _ *int) error {
	f.sim.KMS().Configure(awssim.KMSOptions{}) // whoever sealed them had years for it
	defer f.sim.KMS().Configure(awssim.KMSOptions{Quotas: true})
	client := kms.NewFromConfig(f.sim.As(f.sim.NewAccessKey(account, "application"), region))
	lines := make([]string, m.Blobs)
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(128)
	for i := range lines {
		group.Go(func() error {
			row := strconv.Itoa(i)
			out, err := client.Encrypt(ctx, &kms.EncryptInput{
				KeyId: &f.arns[0], Plaintext: bytes.Repeat([]byte{byte(i)}, 32), EncryptionContext: map[string]string{"row": row},
			})
			if err != nil {
				return fmt.Errorf("seal blob %d: %w", i, err)
			}
			lines[i] = fmt.Sprintf(`{"id":"row-%s","ciphertext":%q,"context":{"row":%q}}`, row,
				base64.StdEncoding.EncodeToString(out.CiphertextBlob), row)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := os.WriteFile(m.Path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

// reencrypts has rotd move a manifest to another key.
func (b *bench) reencrypts(ctx context.Context) (*reencrypting, error) {
	b.say("sealing %d blobs", b.opts.Blobs)
	fleet, err := startRemote(roleFleet)
	if err != nil {
		return nil, err
	}
	defer fleet.stop()
	var aws AWS
	if err := fleet.call(ctx, "Populate", 2, &aws); err != nil {
		return nil, err
	}
	m := Manifest{Path: filepath.Join(b.dir, "blobs.jsonl"), Blobs: b.opts.Blobs}
	if err := fleet.call(ctx, "Seal", m, new(int)); err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	config, socket := filepath.Join(b.dir, "rotd.yaml"), filepath.Join(b.dir, "rotd.sock")
	content := strings.NewReplacer(
		"{db}", filepath.Join(b.dir, "reencrypt.db"), "{queue}", aws.Queue, "{topic}", aws.Topic, "{socket}", socket,
		"{rate}", strconv.Itoa(b.opts.Rate), "{http}", address,
	).Replace(reencryptYAML)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		return nil, fmt.Errorf("write rotd.yaml: %w", err)
	}
	daemon, err := startProcess(aws, b.rotd, "run", "--config", config)
	if err != nil {
		return nil, err
	}
	peak := daemon.watchMemory()
	r := &reencrypting{Blobs: b.opts.Blobs, Rate: b.opts.Rate}
	err = b.moveManifest(ctx, daemon, aws, socket, m.Path, r)
	r.Daemon = peak()
	if err = errors.Join(err, daemon.stop()); err != nil {
		return nil, err
	}
	var asked Tally
	if err := fleet.call(ctx, "Asked", 0, &asked); err != nil {
		return nil, err
	}
	r.Throttled = asked.Throttled
	b.say("%d blobs in %v, %.0f a second, %.1f %% of the configured rate", r.Blobs, r.Took.Round(time.Second),
		r.PerSecond(), 100*r.reached())
	return r, wholeResults(m)
}

// moveManifest runs the command once the daemon knows the keys.
func (b *bench) moveManifest(
	ctx context.Context, daemon *process, aws AWS, socket, path string, r *reencrypting,
) error {
	client := admin.NewClient(socket)
	defer client.Close()
	alive, cancel := daemon.alive(ctx)
	defer cancel()
	for {
		if _, err := client.Key(alive, "alias/fleet/application-000001"); err == nil {
			break
		}
		if rest(alive, 50*time.Millisecond); alive.Err() != nil {
			return context.Cause(alive)
		}
	}
	began := time.Now()
	command, err := startProcess(aws, b.rotd, "reencrypt", "--socket", socket, "--manifest", path,
		"--from", "alias/fleet/application-000000", "--to", "alias/fleet/application-000001", "--reason", "bench", "--yes")
	if err != nil {
		return err
	}
	peak := command.watchMemory()
	select {
	case <-command.exited:
	case <-alive.Done():
		return errors.Join(context.Cause(alive), command.stop())
	}
	r.Took, r.Command = time.Since(began), peak()
	if !command.cmd.ProcessState.Success() {
		return command.failed(command.cmd.ProcessState.String())
	}
	return nil
}

// wholeResults wants a ciphertext for each blob.
func wholeResults(m Manifest) error {
	raw, err := os.ReadFile(m.Path + ".reencrypted")
	if err != nil {
		return fmt.Errorf("read the results: %w", err)
	}
	if n := bytes.Count(raw, []byte(`"ciphertext":`)); n != m.Blobs {
		return fmt.Errorf("%d of %d blobs were moved", n, m.Blobs)
	}
	return nil
}
