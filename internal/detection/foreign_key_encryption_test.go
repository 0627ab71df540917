package detection

import "testing"

func TestForeignKeyEncryption(t *testing.T) {
	const (
		title   = "HIGH An object was encrypted with an untrusted account's key"
		foreign = "arn:aws:kms:eu-west-1:999988887777:key/1"
		header  = "x-amz-server-side-encryption-aws-kms-key-id"
	)
	object3 := func(name string, given ...object) object {
		return record(name, append([]object{{
			"eventSource": "s3.amazonaws.com", "eventCategory": "Data", "managementEvent": false,
			"requestParameters": object{
				"bucketName": "ledger", "key": "2026/books.csv", "x-amz-server-side-encryption": "aws:kms", header: foreign,
			},
			"responseElements": object{"x-amz-server-side-encryption": "aws:kms", header: foreign},
			"resources": []object{
				{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::ledger/2026/books.csv"},
				{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::ledger", "accountId": "111122223333"},
			},
		}}, given...)...)
	}
	asked := func(key string) object {
		return object{
			"requestParameters": object{"bucketName": "ledger", "key": "a", header: key}, "responseElements": nil,
		}
	}
	testRule(t, foreignKeyEncryption(), []ruleTest{
		{
			name: "a copy onto itself", events: []object{object3("CopyObject")}, want: []string{title},
			says: []string{
				"role/admin wrote 2026/books.csv to bucket ledger (CopyObject), encrypted with " + foreign +
					" of account 999988887777, which is not trusted.",
				"aws s3api get-bucket-versioning --bucket ledger",
			},
		},
		{
			name: "a request that is left out", events: []object{object3("PutObject", asking(nil))}, want: []string{title},
			says: []string{"wrote an object that the event does not name to a bucket that it does not name (PutObject)"},
		},
		{name: "a new object", events: []object{object3("PutObject")}, want: []string{title}},
		{
			name: "an object in parts, as CloudTrail writes it", want: []string{title},
			events: []object{object3("CreateMultipartUpload", object{
				"eventVersion": "1.11", "readOnly": false, "sharedEventID": "5c2ce1b0-4a25-4c1f-9a0d-2f8c29a1a111",
				"requestParameters": object{
					"bucketName": "ledger", "Host": "ledger.s3.eu-west-1.amazonaws.com", "key": "2026/books.tar", "uploads": "",
					"x-amz-server-side-encryption": "aws:kms", header: foreign,
				},
				"responseElements": object{
					"x-amz-server-side-encryption": "aws:kms", header: foreign, "x-amz-server-side-encryption-context": "",
				},
				"additionalEventData": object{
					"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0,
					"SSEApplied": "SSE_KMS", "AuthenticationMethod": "AuthHeader", "x-amz-id-2": "Zm9v", "bytesTransferredOut": 306,
				},
				"tlsDetails": object{"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": "ledger.s3.eu-west-1.amazonaws.com"},
			})},
			says: []string{"role/admin began to write 2026/books.tar to bucket ledger (CreateMultipartUpload), encrypted with"},
		},
		{
			name: "an object in parts without a word about its key", events: []object{object3("CreateMultipartUpload", object{
				"requestParameters": object{"bucketName": "ledger", "key": "a", "uploads": ""},
				"responseElements":  object{"x-amz-server-side-encryption": "AES256"},
			})},
		},
		{
			name:   "a part and the end of an upload, whose beginning named the key",
			events: []object{object3("UploadPart"), object3("CompleteMultipartUpload")},
		},
		{
			name:   "a key by its alias, as asked for",
			events: []object{object3("PutObject", asked("arn:aws-cn:kms:cn-north-1:999988887777:alias/x"))},
			want:   []string{title},
		},
		{
			name: "an object with an odd name", want: []string{title}, says: []string{`wrote "a\nCRITICAL" to bucket`},
			events: []object{object3("PutObject", object{"requestParameters": object{
				"bucketName": "ledger", "key": "a\nCRITICAL", header: foreign,
			}})},
		},
		{
			name: "a trusted account's key", world: func(w *world) { w.trusted = []string{"999988887777"} },
			events: []object{object3("CopyObject")},
		},
		{name: "a key of one's own", events: []object{object3("CopyObject", asked(payARN))}},
		{name: "a key by its id", events: []object{object3("PutObject", asked("1234abcd-12ab-34cd-56ef-1234567890ab"))}},
		{name: "no KMS key", events: []object{object3("PutObject", asked(""))}},
		{name: "refused", events: []object{object3("CopyObject", failing("AccessDenied"))}},
		{name: "a reading", events: []object{object3("GetObject")}},
		{name: "nothing is told", events: []object{object3("PutObject", object{
			"requestParameters": nil, "responseElements": nil, "resources": nil, "userIdentity": nil,
		})}},
	})
}
