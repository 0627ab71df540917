package detection

import "testing"

func TestWhatIsNoARNHasNoParts(t *testing.T) {
	for s, want := range map[string]string{
		payARN: "aws", "arn:aws:s3:::bucket": "aws", "arn:aws:kms": "",
		"urn:aws:kms:eu-west-1:111122223333:key/k": "", "": "",
	} {
		if got := arnPart(s, arnPartition); got != want {
			t.Errorf("%q: partition %q, want %q", s, got, want)
		}
	}
}
