package detection

import (
	"testing"
	"time"
)

// trailRecord is a record of a call to CloudTrail.
func trailRecord(name string, parameters object, given ...object) object {
	return record(name, append([]object{{
		"eventSource": "cloudtrail.amazonaws.com", "requestParameters": parameters, "resources": nil,
	}}, given...)...)
}

func selecting(selectors ...object) object {
	return trailRecord("PutEventSelectors", object{"trailName": "main", "eventSelectors": append([]object{},
		selectors...)})
}

func advanced(selectors ...[]object) object {
	all := make([]object, len(selectors))
	for i, s := range selectors {
		all[i] = object{"name": "s", "fieldSelectors": s}
	}
	return trailRecord("PutEventSelectors", object{"trailName": "main", "advancedEventSelectors": all})
}

func field(name, operator string, values ...string) object {
	return object{"field": name, operator: values}
}

func TestTrailBlinded(t *testing.T) {
	const (
		blinded, stopped = "CRITICAL A trail no longer records KMS", "CRITICAL A trail was stopped"
		deleted, rekeyed = "CRITICAL A trail was deleted", "CRITICAL A trail was given another KMS key"
		none             = "None of KMS's management events"
		mainARN          = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
	)
	everything := object{"readWriteType": "All", "includeManagementEvents": true}
	management := field("eventCategory", "equals", "Management")
	update := func(given ...object) object {
		return trailRecord("UpdateTrail", object{"name": "main", "kmsKeyId": otherARN}, given...)
	}
	testRule(t, trailBlinded(), []ruleTest{
		{
			name: "no management events", events: []object{selecting(object{
				"readWriteType": "ReadOnly", "includeManagementEvents": false,
			})},
			want: []string{blinded},
			says: []string{
				none, mainARN,
				"aws cloudtrail get-event-selectors --trail-name " + mainARN + " --region eu-west-1",
			},
		},
		{
			name: "KMS excluded", events: []object{selecting(object{
				"readWriteType": "All", "includeManagementEvents": true,
				"excludeManagementEventSources": []string{"rdsdata.amazonaws.com", "kms.amazonaws.com"},
			})},
			want: []string{blinded}, says: []string{none},
		},
		{
			name: "only writes", events: []object{selecting(object{"readWriteType": "WriteOnly"})},
			want: []string{blinded}, says: []string{"every use of a key, Decrypt above all, goes unseen"},
		},
		{
			name: "only reads", events: []object{selecting(object{"readWriteType": "ReadOnly"})},
			want: []string{blinded}, says: []string{"every change to a key goes unseen"},
		},
		{name: "no selector at all", events: []object{selecting()}, want: []string{blinded}, says: []string{none}},
		{
			name: "selectors left out of the record", events: []object{trailRecord("PutEventSelectors", nil)},
			want: []string{blinded}, says: []string{"not in the record"},
		},
		{
			name: "advanced selectors for data alone", events: []object{advanced([]object{
				field("eventCategory", "equals", "Data"), field("resources.type", "equals", "AWS::S3::Object"),
			})},
			want: []string{blinded}, says: []string{none},
		},
		{
			name:   "advanced selectors that leave KMS out",
			events: []object{advanced([]object{management, field("eventSource", "notEquals", "kms.amazonaws.com")})},
			want:   []string{blinded}, says: []string{none},
		},
		{
			name:   "advanced selectors for another source",
			events: []object{advanced([]object{management, field("eventSource", "startsWith", "s3.")})},
			want:   []string{blinded}, says: []string{none},
		},
		{
			name:   "advanced selectors for writes",
			events: []object{advanced([]object{management, field("readOnly", "equals", "false")})},
			want:   []string{blinded}, says: []string{"every use of a key"},
		},
		{
			name:   "advanced selectors that leave out one operation",
			events: []object{advanced([]object{management, field("eventName", "notEquals", "PutKeyPolicy")})},
			want:   []string{blinded}, says: []string{"only in part; unseen go, for instance, PutKeyPolicy."},
		},
		{
			name: "advanced selectors that leave out three changes",
			events: []object{advanced([]object{
				management, field("eventName", "notEquals", "PutKeyPolicy", "CreateGrant", "UpdateAlias"),
			})},
			want: []string{blinded}, says: []string{"unseen go, for instance, PutKeyPolicy, CreateGrant, UpdateAlias."},
		},
		{
			name: "advanced selectors for writes but one",
			events: []object{advanced([]object{
				management, field("readOnly", "equals", "false"), field("eventName", "notEquals", "DisableKey"),
			})},
			want: []string{blinded},
			says: []string{"unseen go, for instance, Decrypt, GenerateDataKey, Encrypt, DisableKey."},
		},
		{
			name:   "advanced selectors for one caller",
			events: []object{advanced([]object{management, field("userIdentity.arn", "equals", adminARN)})},
			want:   []string{blinded}, says: []string{none},
		},
		{
			name:   "advanced selectors without what KMS does by itself",
			events: []object{advanced([]object{management, field("eventType", "notEquals", "AwsServiceEvent")})},
			want:   []string{blinded}, says: []string{"RotateKey."},
		},
		{
			name: "stopped", events: []object{trailRecord("StopLogging", object{"name": "main"})},
			want: []string{stopped},
			says: []string{"aws cloudtrail start-logging --name " + mainARN + " --region eu-west-1"},
		},
		{
			name: "a trail that is not named", events: []object{trailRecord("StopLogging", nil)},
			want: []string{"CRITICAL A trail was stopped"},
			says: []string{"stopped a trail that the event does not name. ", "start-logging --name TRAIL --region eu-west-1"},
		},
		{
			name: "deleted", events: []object{trailRecord("DeleteTrail", object{"name": mainARN})},
			want: []string{deleted},
			says: []string{mainARN},
		},
		{
			name: "given another key", events: []object{update()}, want: []string{rekeyed},
			says: []string{"encrypted with " + otherARN + "; before it was one that rotd does not know"},
		},
		{
			name: "given a key by its alias", want: []string{rekeyed}, says: []string{"encrypted with " + otherARN + ";"},
			events: []object{trailRecord("UpdateTrail", object{"name": "main", "kmsKeyId": "alias/trail"}, object{
				"responseElements": object{"kmsKeyId": otherARN},
			})},
		},
		{
			name: "given one key, then another",
			events: []object{
				trailRecord("CreateTrail", object{"name": "main", "kmsKeyId": payARN}), update(at(time.Hour)),
			},
			want: []string{rekeyed}, says: []string{"before it was " + payARN},
		},
		{
			name: "given one key, then another, in calls that come late", world: func(w *world) { w.late = true },
			events: []object{
				trailRecord("CreateTrail", object{"name": "main", "kmsKeyId": payARN}), update(at(time.Hour)),
			},
			want: []string{rekeyed}, says: []string{"before it was one that rotd does not know"},
		},
		{
			name: "two trails that are not named, given one key",
			events: []object{
				trailRecord("UpdateTrail", object{"kmsKeyId": otherARN}),
				trailRecord("UpdateTrail", object{"kmsKeyId": otherARN}, id("e-2")),
			},
			want: []string{rekeyed, rekeyed},
		},
		{
			name: "a policy's allowed principal", world: func(w *world) { w.policies[0].Allow = []string{"*"} },
			events: []object{trailRecord("StopLogging", object{"name": "main"})}, want: []string{stopped},
		},
		{name: "everything", events: []object{selecting(everything)}},
		{name: "what a selector leaves out is as CloudTrail takes it", events: []object{selecting(object{})}},
		{
			name:   "one of several delivers",
			events: []object{selecting(object{"includeManagementEvents": false}, everything)},
		},
		{
			name:   "reads and writes apart",
			events: []object{selecting(object{"readWriteType": "ReadOnly"}, object{"readWriteType": "WriteOnly"})},
		},
		{name: "another source excluded", events: []object{selecting(object{
			"excludeManagementEventSources": []string{"rdsdata.amazonaws.com"},
		})}},
		{name: "advanced selectors for all management events", events: []object{advanced([]object{management})}},
		{
			name: "advanced selectors that pick KMS", events: []object{advanced([]object{
				management, field("eventSource", "equals", "s3.amazonaws.com", "kms.amazonaws.com"),
			})},
		},
		{
			name: "advanced selectors that leave a caller out", events: []object{advanced([]object{
				management, field("userIdentity.arn", "notStartsWith", "arn:aws:sts::111122223333:assumed-role/config"),
			})},
		},
		{
			name: "advanced selectors in two halves", events: []object{advanced(
				[]object{management, field("readOnly", "equals", "true")},
				[]object{management, field("readOnly", "equals", "false")},
			)},
		},
		{
			name:   "refused",
			events: []object{trailRecord("StopLogging", object{"name": "main"}, failing("AccessDenied"))},
		},
		{name: "no such trail", events: []object{trailRecord("DeleteTrail", object{"name": "x"},
			failing("TrailNotFoundException"))}},
		{name: "started", events: []object{trailRecord("StartLogging", object{"name": "main"})}},
		{name: "updated without a key", events: []object{trailRecord("UpdateTrail", object{"name": "main"})}},
		{
			name: "updated without a key, and it has one",
			events: []object{trailRecord("UpdateTrail", object{"name": "main"}, object{
				"responseElements": object{"kmsKeyId": otherARN},
			})},
		},
		{
			name: "updated with the key it has",
			events: []object{
				trailRecord("CreateTrail", object{"name": "main", "kmsKeyId": otherARN}), update(at(time.Hour)),
			},
		},
		{
			name:   "made with a key",
			events: []object{trailRecord("CreateTrail", object{"name": "main", "kmsKeyId": payARN})},
		},
	})
}
