package detection

import "testing"

const (
	mrkARN   = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
	mrkInUSA = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
)

func TestKeyReplicated(t *testing.T) {
	const title = "HIGH A key was replicated to a Region that is not approved"
	const primary = "HIGH A key's primary was moved to a Region that is not approved"
	here := func(w *world) { w.regions = []string{"eu-west-1", "eu-central-1"} }
	replicating := func(region string, more ...object) object {
		given := append([]object{
			aboutKey(mrkARN), asking(object{"keyId": mrkARN, "replicaRegion": region}),
			{"responseElements": object{"replicaKeyMetadata": object{"arn": arnIn(mrkARN, region)}}},
		}, more...)
		return record("ReplicateKey", given...)
	}
	moving := func(region string, more ...object) object {
		given := append([]object{aboutKey(mrkARN), asking(object{"keyId": mrkARN, "primaryRegion": region})}, more...)
		return record("UpdatePrimaryRegion", given...)
	}
	byKMSThere := object{
		"awsRegion": "us-east-1", "resources": nil, "userIdentity": invokedBy("kms.amazonaws.com"),
		"requestParameters": object{"keyId": mrkInUSA, "primaryRegion": "us-east-1"},
	}
	testRule(t, keyReplicated(), []ruleTest{
		{
			name: "to a Region that nobody looks after", world: here, events: []object{replicating("us-east-1")},
			want: []string{title},
			says: []string{
				adminARN + " replicated " + mrkARN + " to us-east-1. It is not among the Regions that rotd looks after.",
				"aws kms disable-key --key-id " + mrkInUSA + " --region us-east-1",
			},
		},
		{
			name: "the primary is moved", world: here, events: []object{moving("us-east-1")}, want: []string{primary},
			says: []string{
				"moved the primary of " + mrkARN + " to us-east-1.",
				"aws kms update-primary-region --key-id " + mrkInUSA + " --primary-region eu-west-1 --region us-east-1",
			},
		},
		{
			name: "the record of the Region that got the primary", world: here,
			events: []object{moving("us-east-1", byKMSThere)},
			want:   []string{primary}, says: []string{"--primary-region FORMER-REGION --region us-east-1"},
		},
		{
			name: "nobody knows which Regions are approved", events: []object{replicating("eu-west-1")},
			want: []string{title}, says: []string{"Which Regions are approved is not known here."},
		},
		{
			name: "the request is left out", world: here, events: []object{replicating("us-east-1", asking(nil))},
			want: []string{title}, says: []string{"replicated " + mrkARN + " to us-east-1."},
		},
		{
			name: "all is left out", world: here, events: []object{record("ReplicateKey", asking(nil))},
			want: []string{title}, says: []string{
				"to a Region that the record does not tell. Whether rotd looks after that one is not known.",
			},
		},
		{
			name: "in GovCloud", world: here,
			events: []object{record("ReplicateKey", object{
				"awsRegion": "us-gov-west-1",
			}, aboutKey("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1"), asking(object{
				"replicaRegion": "us-gov-east-1",
			}))},
			want: []string{title}, says: []string{"--key-id arn:aws-us-gov:kms:us-gov-east-1:111122223333:key/mrk-1"},
		},
		{
			name: "an allowed principal is not excused", world: here,
			events: []object{record("ReplicateKey", by("pay-api"),
				asking(object{"keyId": payARN, "replicaRegion": "us-east-1"}))},
			want: []string{title},
		},
		{
			name: "rotd replaces a key that has replicas", world: func(w *world) { here(w); w.own = true },
			events: []object{replicating("us-east-1")}, want: []string{"INFORMATIONAL expected " + title[5:]},
		},
		{name: "to an approved Region", world: here, events: []object{replicating("eu-central-1")}},
		{name: "the primary to an approved Region", world: here, events: []object{moving("eu-central-1")}},
		{name: "refused", world: here, events: []object{replicating("us-east-1", failing("AccessDenied"))}},
		{name: "it is there already", world: here, events: []object{replicating("us-east-1",
			failing("AlreadyExistsException"))}},
		{name: "replicas are kept in step", world: here, events: []object{record("SynchronizeMultiRegionKey")}},
	})
}

func TestBothRecordsOfAMovedPrimaryAreOneFinding(t *testing.T) {
	judge := newJudge([]Rule{keyReplicated()}, nil, Settings{})
	there := record("UpdatePrimaryRegion", object{"awsRegion": "us-east-1", "resources": nil},
		asking(object{"keyId": mrkInUSA, "primaryRegion": "us-east-1"}))
	here := record("UpdatePrimaryRegion", aboutKey(mrkARN), asking(object{"keyId": mrkARN, "primaryRegion": "us-east-1"}))
	prints := make(map[string]bool)
	for _, r := range []object{here, there} {
		found, _ := judge.Event(newWorld().context(), decode(t, r))
		if len(found) != 1 || found[0].KeyARN != mrkInUSA {
			t.Fatalf("found %+v", found)
		}
		prints[found[0].Fingerprint] = true
	}
	if len(prints) != 1 {
		t.Errorf("%d fingerprints, want 1", len(prints))
	}
}
