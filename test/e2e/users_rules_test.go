package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/test/crash/world"
)

// TestRulesOfOnesOwnAreReloaded begins with a rule about tags, is given one that is wrong, which changes nothing, and
// then another that is right.
func TestRulesOfOnesOwnAreReloaded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards", "books")
	if err := w.Configure("alerts:", "detections: {rules: ['rules/*.yaml']}\nalerts:"); err != nil {
		t.Fatal(err)
	}
	write := func(id, when string) {
		t.Helper()
		path := filepath.Join(w.Dir, "rules", "mine.yaml")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("rules:\n- id: %s\n  title: %s\n  status: active\n  when: %s\n  message: \"{{key.aliases}}\"\n"+
			"  events: [{source: kms.amazonaws.com, names: [TagResource]}]\n", id, id, when)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tag := func(name string) {
		t.Helper()
		client := kms.NewFromConfig(w.Sim.As(w.Mallory, world.Region))
		_, err := client.TagResource(t.Context(), &kms.TagResourceInput{
			KeyId: aws.String(w.Keys[name]), Tags: []types.Tag{{TagKey: aws.String("color"), TagValue: aws.String("red")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write("first-rule", "key.known")
	d := ready(t, w)
	untilTold(t, w, "digest")
	tag("cards")
	untilTold(t, w, "finding-opened first-rule alias/pay-cards")

	write("second-rule", "key.knwon")
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "word that the rule is bad", func() bool {
		return strings.Contains(d.Log.String(), "not reloaded") && strings.Contains(d.Log.String(), "did you mean known")
	})
	tag("books")
	untilTold(t, w, "finding-opened first-rule alias/pay-books")

	write("second-rule", "key.known")
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the reload", func() bool { return strings.Contains(d.Log.String(), "was reloaded") })
	tag("cards")
	untilTold(t, w, "finding-opened second-rule alias/pay-cards")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}
