package events

import (
	"os"
	"strings"
	"testing"
)

// benchRecord is a Decrypt record grown to 2.5 KB, a usual size, by a longer user agent.
func benchRecord(b *testing.B) string {
	b.Helper()
	record, err := os.ReadFile("testdata/decrypt.json")
	if err != nil {
		b.Fatal(err)
	}
	text := strings.TrimSpace(string(record))
	agent := `"userAgent":"aws-sdk-go-v2/1.47.7 ` + strings.Repeat("lang/go#1.26 md/GOOS#linux ", 40)
	return strings.Replace(text, `"userAgent":"`, agent[:len(agent)-max(0, len(text)+len(agent)-2560)], 1)
}

func benchEnvelope(record string) []byte {
	return []byte(`{"version":"0","id":"c1d6a0e4-1111-4222-8333-944455556666","detail-type":"` + viaAPICall +
		`","source":"aws.kms","account":"111122223333","time":"2026-11-20T08:31:47Z","region":"eu-west-1",` +
		`"resources":[],"detail":` + record + `}`)
}

func BenchmarkDecode(b *testing.B) {
	record := benchRecord(b)
	envelope := benchEnvelope(record)
	for _, bench := range []struct {
		name  string
		body  []byte
		wants Interest
	}{
		{"EventBridge", envelope, nil},
		{"EventBridge/not-wanted", envelope, only{"kms.amazonaws.com/PutKeyPolicy": true}},
		{"SNS around EventBridge", wrapSNS(envelope), nil},
		{"bare record", []byte(record), nil},
	} {
		b.Run(bench.name, func(b *testing.B) {
			decoder := NewDecoder(bench.wants)
			b.SetBytes(int64(len(bench.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decoder.Decode(bench.body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkDecodeRecord(b *testing.B) {
	record := []byte(benchRecord(b))
	decoder := NewDecoder(nil)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := decoder.DecodeRecord(record); err != nil {
			b.Fatal(err)
		}
	}
}
