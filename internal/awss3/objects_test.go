package awss3_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zaptest"

	"rotd/internal/awss3"
	"rotd/internal/awssim"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

func newClient(t *testing.T, allow ...string) (*awssim.Sim, *awss3.Client) {
	t.Helper()
	sim := awssim.New(awssim.Options{Seed: 1, Logger: zaptest.NewLogger(t)})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	sim.CreateBucket(region, account, "backups")
	return sim, awss3.New(sim.As(sim.NewAccessKey(account, "rotd", allow...), region))
}

func upload(body string) awss3.Upload {
	sum := sha256.Sum256([]byte(body))
	return awss3.Upload{Body: strings.NewReader(body), Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
}

func at(key string) awss3.Location { return awss3.Location{Bucket: "backups", Key: key} }

func TestAnObjectComesBackAsItWasPut(t *testing.T) {
	sim, client := newClient(t)
	body := strings.Repeat("\x00\xffrotd", 300_000)
	up := upload(body)
	up.Metadata, up.KMSKey = map[string]string{"rotd-shard": "default"}, "alias/backups"
	if err := client.Put(t.Context(), at("rotd/a b+c.db"), up); err != nil {
		t.Fatal(err)
	}
	put := sim.Requests(awssim.OfOperation("PutObject"))
	if len(put) != 1 {
		t.Fatalf("%d requests", len(put))
	}
	if diff := cmp.Diff([]awss3.Sealed{{Bucket: "backups", Key: "alias/backups"}}, client.Sealed()); diff != "" {
		t.Errorf("the key that S3 named (-want +got):\n%s", diff)
	}
	got, err := client.Get(t.Context(), at("rotd/a b+c.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	read, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(read, []byte(body)) {
		t.Errorf("%d bytes that differ, %v", len(read), err)
	}
	if got.Size != int64(len(body)) || got.Metadata["rotd-shard"] != "default" {
		t.Errorf("size %d, metadata %v", got.Size, got.Metadata)
	}
}

func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	_, client := newClient(t)
	wrong := upload("body")
	wrong.SHA256 = upload("another").SHA256
	cut := upload("body")
	cut.Body = &cutShort{Reader: strings.NewReader("bo")}
	huge := upload("body")
	huge.Size = awss3.MaxPut + 1
	for name, up := range map[string]awss3.Upload{
		"another digest": wrong, "a body that ends early": cut, "more than S3 takes": huge,
	} {
		if err := client.Put(t.Context(), at("k"), up); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := client.Get(t.Context(), at("k")); awss3.ClassOf(err) != awss3.Gone {
		t.Errorf("there is an object: %v", err)
	}
}

type cutShort struct{ *strings.Reader }

func TestAnObjectIsOverwrittenOnlyWhenThatIsAsked(t *testing.T) {
	_, client := newClient(t)
	if err := client.Put(t.Context(), at("k"), upload("first")); err != nil {
		t.Fatal(err)
	}
	if err := client.Put(t.Context(), at("k"), upload("second")); awss3.ClassOf(err) != awss3.Exists {
		t.Errorf("error %v, want %s", err, awss3.Exists)
	}
	up := upload("third")
	up.Overwrite = true
	if err := client.Put(t.Context(), at("k"), up); err != nil {
		t.Error(err)
	}
}

func TestAPutIsRepeatedFromItsBeginning(t *testing.T) {
	sim, _ := newClient(t)
	sim.Plan(awssim.Fault{
		Service: "s3", Operation: "PutObject", Nth: 1,
		Err: &awssim.APIError{Code: "SlowDown", Status: 503, Message: "Please reduce your request rate."},
	})
	cfg := sim.As(sim.NewAccessKey(account, "again"), region)
	cfg.Retryer = nil // the SDK's own, as in production
	client := awss3.New(cfg)
	if err := client.Put(t.Context(), at("k"), upload("body")); err != nil {
		t.Fatal(err)
	}
	got, err := client.Get(t.Context(), at("k"))
	if err != nil || got.Size != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	_ = got.Body.Close()
}

func TestAListingHasEveryPage(t *testing.T) {
	sim, client := newClient(t)
	var want []string
	for i := range 2_500 {
		key := "rotd/" + string(rune('a'+i/1000)) + strings.Repeat("x", i%1000)
		want = append(want, key)
		if err := sim.PutObject("backups", key, []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := sim.PutObject("backups", "other", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	for o, err := range client.List(t.Context(), at("rotd/")) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := client.Delete(t.Context(), at("other")); err != nil {
		t.Error(err)
	}
	if err := client.Delete(t.Context(), at("other")); err != nil {
		t.Errorf("what is gone already: %v", err)
	}
	for _, err := range client.List(t.Context(), awss3.Location{Bucket: "nowhere", Key: "x/"}) {
		if awss3.ClassOf(err) != awss3.Gone {
			t.Errorf("error %v, want %s", err, awss3.Gone)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	_, client := newClient(t, "sqs:ReceiveMessage")
	advice := func(err error) string {
		e, ok := errors.AsType[*awss3.Error](err)
		if !ok {
			t.Fatalf("not an Error: %v", err)
		}
		return e.Advice()
	}
	err := client.Put(t.Context(), at("k"), upload("body"))
	same(t, advice(err), "the role needs s3:PutObject on backups/k, and kms:GenerateDataKey and kms:Decrypt on the key "+
		"that encrypts the bucket, if it is one of your own")
	_, err = client.Get(t.Context(), at("k"))
	same(t, advice(err), "the role needs s3:GetObject and s3:ListBucket on backups, and kms:Decrypt on the key that "+
		"encrypts the object, if it is one of your own")
	_, client = newClient(t)
	err = client.Put(t.Context(), awss3.Location{Bucket: "nowhere", Key: "k"}, upload("body"))
	same(t, advice(err), "there is no bucket nowhere")
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
