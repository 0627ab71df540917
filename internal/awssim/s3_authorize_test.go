package awssim_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"rotd/internal/awssim"
)

// onFolder is a statement that allows actions on a folder of the bucket, and listing is one that allows to list it.
func onFolder(actions string) string {
	return `{"Sid":"F","Effect":"Allow","Action":["` + strings.ReplaceAll(actions, " ", `","`) +
		`"],"Resource":["arn:aws:s3:::backups/rotd/*"]}`
}

const listing = `,{"Sid":"L","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::backups"]}`

func TestAnIAMPolicyAllowsWhatItSaysInItsFolderAlone(t *testing.T) {
	w, _ := standing(t)
	bucket := w.bucket(t, "backups")
	put := func(l *world, key, tagging string) error {
		_, err := l.s3.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: bucket, Key: &key, Body: strings.NewReader("x"), Tagging: &tagging,
		})
		return err
	}
	l := limited(t, w, onFolder("s3:PutObject"))
	if err := put(l, "rotd/a", ""); err != nil {
		t.Errorf("in its folder: %v", err)
	}
	err := put(l, "other/a", "")
	if !refused(err) || !strings.Contains(err.Error(), "s3:PutObject on resource: arn:aws:s3:::backups/other/a") {
		t.Errorf("in another folder: %v", err)
	}
	if err := put(l, "rotd/a", "team=pay"); !refused(err) || !strings.Contains(err.Error(), "s3:PutObjectTagging") {
		t.Errorf("with tags: %v", err)
	}
	_, err = l.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("rotd/a")})
	if !refused(err) {
		t.Errorf("another action: %v", err)
	}
	if _, err = l.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket}); !refused(err) {
		t.Errorf("the bucket: %v", err)
	}
}

func TestOnlyWhoMayListABucketLearnsThatAnObjectIsNotThere(t *testing.T) {
	w, _ := standing(t)
	in := &s3.GetObjectInput{Bucket: w.bucket(t, "backups"), Key: aws.String("rotd/none")}
	_, err := limited(t, w, onFolder("s3:GetObject")).s3.GetObject(t.Context(), in)
	if !refused(err) || !strings.Contains(err.Error(), "s3:ListBucket on resource: arn:aws:s3:::backups") {
		t.Errorf("who may not: %v", err)
	}
	_, err = limited(t, w, onFolder("s3:GetObject")+listing).s3.GetObject(t.Context(), in)
	if _, known := errors.AsType[*types.NoSuchKey](err); !known {
		t.Errorf("who may: %v", err)
	}
}

func TestS3CallsKMSInTheCallersName(t *testing.T) {
	w, _ := standing(t)
	bucket, name := w.bucket(t, "backups"), aws.String("rotd/a")
	key, err := w.sim.KMS().CreateKey(awssim.KeyOptions{Account: account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	through := func(actions, condition string) *world {
		return limited(t, w, onFolder("s3:PutObject s3:GetObject")+`,{"Sid":"K","Effect":"Allow","Action":["`+actions+
			`"],"Resource":["`+key+`"],"Condition":{"StringLike":{"kms:ViaService":"`+condition+`"}}}`)
	}
	put := func(l *world) error {
		_, err := l.s3.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: bucket, Key: name, Body: strings.NewReader("x"),
			ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &key,
		})
		return err
	}
	writes := through("kms:GenerateDataKey", "s3.*.amazonaws.com*")
	if err := put(writes); err != nil {
		t.Errorf("writing with the permission: %v", err)
	}
	if err := put(through("kms:GenerateDataKey", "sqs.*")); !refused(err) {
		t.Errorf("writing with the permission for another service: %v", err)
	}
	in := &s3.GetObjectInput{Bucket: bucket, Key: name}
	if _, err := writes.s3.GetObject(t.Context(), in); !refused(err) || !strings.Contains(err.Error(), "kms:Decrypt") {
		t.Errorf("reading without the permission: %v", err)
	}
	if _, err := through("kms:Decrypt", "s3.*.amazonaws.com*").s3.GetObject(t.Context(), in); err != nil {
		t.Errorf("reading with the permission: %v", err)
	}
}

func TestLocksAreShownToWhoMayReadThem(t *testing.T) {
	w, _ := standing(t)
	bucket := w.bucket(t, "backups")
	if err := w.sim.PutObject("backups", "rotd/a", nil, map[string]string{
		"X-Amz-Object-Lock-Mode": "GOVERNANCE", "X-Amz-Object-Lock-Legal-Hold": "ON",
		"X-Amz-Object-Lock-Retain-Until-Date": epoch.Add(time.Hour).Format(time.RFC3339),
	}); err != nil {
		t.Fatal(err)
	}
	for actions, want := range map[string][]bool{
		"s3:GetObject":                       {false, false},
		"s3:GetObject s3:GetObjectRetention": {true, false},
		"s3:GetObject s3:GetObjectLegalHold": {false, true},
	} {
		l := limited(t, w, onFolder(actions))
		out, err := l.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("rotd/a")})
		if err != nil {
			t.Fatal(err)
		}
		got := []bool{out.ObjectLockMode != "" && out.ObjectLockRetainUntilDate != nil, out.ObjectLockLegalHoldStatus != ""}
		if !slices.Equal(got, want) {
			t.Errorf("with %s: %v, want %v", actions, got, want)
		}
	}
}

func TestACopyTakesPermissionOnBothObjectsAndOnTheirTags(t *testing.T) {
	w, _ := standing(t)
	bucket := w.bucket(t, "backups")
	w.sim.VersionBucket("backups")
	err := w.sim.PutObject("backups", "rotd/a", bytes.Repeat([]byte("x"), 9), map[string]string{"X-Amz-Tagging": "a=b"})
	if err != nil {
		t.Fatal(err)
	}
	head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("rotd/a")})
	if err != nil {
		t.Fatal(err)
	}
	move := func(actions []string, source string) error {
		l := limited(t, w, onFolder(strings.Join(actions, " ")))
		_, err := l.s3.CopyObject(t.Context(), &s3.CopyObjectInput{
			Bucket: bucket, Key: aws.String("rotd/b"), CopySource: aws.String("backups/rotd/a" + source),
		})
		return err
	}
	for source, needed := range map[string][]string{
		"": {"s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"},
		"?versionId=" + *head.VersionId: {
			"s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:PutObject", "s3:PutObjectTagging",
		},
	} {
		if err := move(needed, source); err != nil {
			t.Errorf("of %q with %v: %v", source, needed, err)
		}
		for i, without := range needed {
			if err := move(slices.Delete(slices.Clone(needed), i, i+1), source); !refused(err) {
				t.Errorf("of %q without %s: %v", source, without, err)
			}
		}
	}
}
