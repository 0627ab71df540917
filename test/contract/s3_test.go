package contract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	onlyNew   = "an object put with If-None-Match: * replaces none"
	notWhole  = "an object that is not the one of its SHA-256 is refused"
	partsPut  = "an object put in parts is got whole, with its metadata"
	partWhole = "a part that is not the one of its SHA-256 is refused"
	partsNew  = "an upload in parts ended with If-None-Match: * replaces no object"
	partsList = "an upload under way is listed until it is aborted"
)

func s3Behaviours() []behaviour {
	return []behaviour{
		{"S3", "an object is got as it was put", getsAsPut},
		{"S3", "a key with spaces, plus and percent signs names one object", namesOddly},
		{"S3", "a compressed object is got compressed", getsCompressed},
		{"S3", "an object keeps its metadata", keepsMetadata},
		{"S3", "a head tells an object's length", tellsLength},
		{"S3", "a missing key is a typed error", missesAKey},
		{"S3", "a missing bucket is a typed error", missesABucket},
		{"S3", "a listing goes by prefix, in order, page by page", lists},
		{"S3", "a deleted object is gone, and deleting it again is no error", deletesObjects},
		{"S3", onlyNew, putsOnlyNew},
		{"S3", notWhole, refusesAnotherDigest},
		{"S3", partsPut, putsInParts},
		{"S3", "an upload that was aborted takes no part and makes no object", abortsUploads},
		{"S3", "a part that was never sent ends no upload", missesAPart},
		{"S3", partsList, listsUploads},
		{"S3", partWhole, refusesAnotherPart},
		{"S3", partsNew, endsOnlyNew},
	}
}

// bucket makes the behaviour's bucket.
func (a *api) bucket(ctx context.Context) error {
	if _, err := a.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &a.name}); err != nil {
		return fmt.Errorf("CreateBucket: %w", err)
	}
	return nil
}

// roundTrip puts an object into the behaviour's new bucket and gets it.
func (a *api) roundTrip(ctx context.Context, in *s3.PutObjectInput, body string) (*s3.GetObjectOutput, error) {
	if err := a.bucket(ctx); err != nil {
		return nil, err
	}
	in.Bucket, in.Body = &a.name, strings.NewReader(body)
	if _, err := a.s3.PutObject(ctx, in); err != nil {
		return nil, fmt.Errorf("PutObject: %w", err)
	}
	out, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.name, Key: in.Key})
	if err != nil {
		return nil, fmt.Errorf("GetObject: %w", err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the object: %w", err)
	}
	if !bytes.Equal(got, []byte(body)) {
		return nil, fmt.Errorf("%d bytes put, %d other bytes got", len(body), len(got))
	}
	return out, nil
}

const logFile = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1.json.gz"

func getsAsPut(ctx context.Context, a *api) error {
	out, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String(logFile)}, strings.Repeat("\x00\xffrotd", 100_000))
	if err != nil {
		return err
	}
	return same("ContentLength", aws.ToInt64(out.ContentLength), 600_000)
}

func namesOddly(ctx context.Context, a *api) error {
	if _, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String("a b+c%20d/ü.json")}, "x"); err != nil {
		return err
	}
	_, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.name, Key: aws.String("a b c d/ü.json")})
	return refusal[*types.NoSuchKey](err)
}

func getsCompressed(ctx context.Context, a *api) error {
	const gzipped = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00" // of nothing
	out, err := a.roundTrip(ctx, &s3.PutObjectInput{
		Key: aws.String(logFile), ContentEncoding: aws.String("gzip"), ContentType: aws.String("application/json"),
	}, gzipped)
	if err != nil {
		return err
	}
	return errors.Join(
		same("ContentEncoding", aws.ToString(out.ContentEncoding), "gzip"),
		same("ContentType", aws.ToString(out.ContentType), "application/json"),
	)
}

func keepsMetadata(ctx context.Context, a *api) error {
	out, err := a.roundTrip(ctx, &s3.PutObjectInput{
		Key: aws.String("digest"), Metadata: map[string]string{"signature-algorithm": "SHA256withRSA"},
	}, "x")
	if err != nil {
		return err
	}
	return same("metadata", out.Metadata["signature-algorithm"], "SHA256withRSA")
}

func tellsLength(ctx context.Context, a *api) error {
	if _, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String(logFile)}, "12345"); err != nil {
		return err
	}
	out, err := a.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &a.name, Key: aws.String(logFile)})
	if err != nil {
		return fmt.Errorf("HeadObject: %w", err)
	}
	return same("ContentLength", aws.ToInt64(out.ContentLength), 5)
}

func missesAKey(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	_, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.name, Key: aws.String("missing")})
	return refusal[*types.NoSuchKey](err)
}

func missesABucket(ctx context.Context, a *api) error {
	_, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(a.name + "-missing"), Key: aws.String("x")})
	return refusedAs(err, "NoSuchBucket")
}

func deletesObjects(ctx context.Context, a *api) error {
	if _, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String("k")}, "x"); err != nil {
		return err
	}
	for range 2 {
		if _, err := a.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &a.name, Key: aws.String("k")}); err != nil {
			return fmt.Errorf("DeleteObject: %w", err)
		}
	}
	_, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.name, Key: aws.String("k")})
	return refusal[*types.NoSuchKey](err)
}

func putsOnlyNew(ctx context.Context, a *api) error {
	in := &s3.PutObjectInput{Key: aws.String("k"), IfNoneMatch: aws.String("*")}
	if _, err := a.roundTrip(ctx, in, "first"); err != nil {
		return err
	}
	in.Body = strings.NewReader("second")
	_, err := a.s3.PutObject(ctx, in)
	return refusedAs(err, "PreconditionFailed")
}

func refusesAnotherDigest(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte("another body"))
	_, err := a.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &a.name, Key: aws.String("k"), Body: strings.NewReader("body"),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	})
	return refusedAs(err, "BadDigest")
}

func lists(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	for _, key := range []string{"logs/c", "logs/a", "other/x", "logs/b"} {
		in := &s3.PutObjectInput{Bucket: &a.name, Key: &key, Body: strings.NewReader("x")}
		if _, err := a.s3.PutObject(ctx, in); err != nil {
			return fmt.Errorf("PutObject: %w", err)
		}
	}
	pages := s3.NewListObjectsV2Paginator(a.s3, &s3.ListObjectsV2Input{
		Bucket: &a.name, Prefix: aws.String("logs/"), MaxKeys: aws.Int32(2),
	})
	var listed []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("ListObjectsV2: %w", err)
		}
		if len(page.Contents) > 2 {
			return fmt.Errorf("a page of %d keys, want at most 2", len(page.Contents))
		}
		for _, object := range page.Contents {
			listed = append(listed, *object.Key)
		}
	}
	return same("listing", strings.Join(listed, " "), "logs/a logs/b logs/c")
}

// firstPart is as large as every part but the last has to be.
var firstPart = strings.Repeat("rotd!", 1<<20)

// upload begins an upload in parts of the object k.
func (a *api) upload(ctx context.Context) (*string, error) {
	out, err := a.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &a.name, Key: aws.String("k"), Metadata: map[string]string{"shard": "default"},
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		return nil, fmt.Errorf("CreateMultipartUpload: %w", err)
	}
	return out.UploadId, nil
}

// sendPart sends a part of the object k; digest is whose SHA-256 is told.
func (a *api) sendPart(ctx context.Context, id *string, number int32, body, digest string) (
	types.CompletedPart, error,
) {
	sum := sha256.Sum256([]byte(digest))
	encoded := base64.StdEncoding.EncodeToString(sum[:])
	out, err := a.s3.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &a.name, Key: aws.String("k"), UploadId: id, PartNumber: &number, Body: strings.NewReader(body),
		ChecksumSHA256: &encoded,
	})
	if err != nil {
		return types.CompletedPart{}, fmt.Errorf("UploadPart: %w", err)
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumSHA256: &encoded}, nil
}

// complete ends an upload of the object k.
func (a *api) complete(ctx context.Context, id *string, onlyNew bool, parts ...types.CompletedPart) error {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &a.name, Key: aws.String("k"), UploadId: id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	if onlyNew {
		in.IfNoneMatch = aws.String("*")
	}
	_, err := a.s3.CompleteMultipartUpload(ctx, in)
	return err
}

// inParts puts the object k in two parts.
func (a *api) inParts(ctx context.Context, onlyNew bool) error {
	id, err := a.upload(ctx)
	if err != nil {
		return err
	}
	first, err := a.sendPart(ctx, id, 1, firstPart, firstPart)
	if err != nil {
		return err
	}
	last, err := a.sendPart(ctx, id, 2, "end", "end")
	if err != nil {
		return err
	}
	return a.complete(ctx, id, onlyNew, first, last)
}

func putsInParts(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	if err := a.inParts(ctx, false); err != nil {
		return err
	}
	out, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.name, Key: aws.String("k")})
	if err != nil {
		return fmt.Errorf("GetObject: %w", err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	if err != nil || string(got) != firstPart+"end" {
		return fmt.Errorf("%d bytes got of %d, %w", len(got), len(firstPart)+3, err)
	}
	return same("metadata", out.Metadata["shard"], "default")
}

func abortsUploads(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	id, err := a.upload(ctx)
	if err != nil {
		return err
	}
	if _, err := a.sendPart(ctx, id, 1, "x", "x"); err != nil {
		return err
	}
	in := &s3.AbortMultipartUploadInput{Bucket: &a.name, Key: aws.String("k"), UploadId: id}
	if _, err := a.s3.AbortMultipartUpload(ctx, in); err != nil {
		return fmt.Errorf("AbortMultipartUpload: %w", err)
	}
	_, taken := a.sendPart(ctx, id, 2, "x", "x")
	_, err = a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.name, Key: aws.String("k")})
	return errors.Join(refusedAs(taken, "NoSuchUpload"), refusal[*types.NoSuchKey](err))
}

func missesAPart(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	id, err := a.upload(ctx)
	if err != nil {
		return err
	}
	sent, err := a.sendPart(ctx, id, 1, firstPart, firstPart)
	if err != nil {
		return err
	}
	missing := sent
	missing.PartNumber = aws.Int32(2)
	return refusedAs(a.complete(ctx, id, false, sent, missing), "InvalidPart")
}

func listsUploads(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	id, err := a.upload(ctx)
	if err != nil {
		return err
	}
	listed := func() (ids []string, err error) {
		out, err := a.s3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &a.name})
		if err != nil {
			return nil, fmt.Errorf("ListMultipartUploads: %w", err)
		}
		for _, u := range out.Uploads {
			ids = append(ids, aws.ToString(u.UploadId))
		}
		return ids, nil
	}
	before, err := listed()
	if err != nil {
		return err
	}
	in := &s3.AbortMultipartUploadInput{Bucket: &a.name, Key: aws.String("k"), UploadId: id}
	if _, err := a.s3.AbortMultipartUpload(ctx, in); err != nil {
		return fmt.Errorf("AbortMultipartUpload: %w", err)
	}
	after, err := listed()
	return errors.Join(err, same("under way", strings.Join(before, " "), *id), same("after", len(after), 0))
}

func refusesAnotherPart(ctx context.Context, a *api) error {
	if err := a.bucket(ctx); err != nil {
		return err
	}
	id, err := a.upload(ctx)
	if err != nil {
		return err
	}
	_, err = a.sendPart(ctx, id, 1, "body", "another body")
	return refusedAs(err, "BadDigest")
}

func endsOnlyNew(ctx context.Context, a *api) error {
	if _, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String("k")}, "first"); err != nil {
		return err
	}
	return refusedAs(a.inParts(ctx, true), "PreconditionFailed")
}
