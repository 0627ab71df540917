package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	copyKeeps   = "a copy keeps metadata and content type"
	copyTags    = "a copy keeps tags"
	copyChanged = "a copy of what was changed meanwhile is refused"
	copyItself  = "a copy onto itself that changes nothing is refused"
	copyParts   = "an object is put together of parts of another"
)

func s3CopyBehaviours() []behaviour {
	return []behaviour{
		{"S3", copyKeeps, copiesWithMetadata},
		{"S3", copyTags, copiesWithTags},
		{"S3", copyChanged, refusesAChangedSource},
		{"S3", copyItself, refusesAnIdleCopy},
		{"S3", copyParts, copiesParts},
	}
}

// copied copies an object onto itself.
func (a *api) copied(ctx context.Context, change func(*s3.CopyObjectInput)) error {
	in := &s3.CopyObjectInput{
		Bucket: &a.name, Key: aws.String("k"), CopySource: aws.String(a.name + "/k"),
		MetadataDirective: types.MetadataDirectiveCopy, TaggingDirective: types.TaggingDirectiveCopy,
		ServerSideEncryption: types.ServerSideEncryptionAes256,
	}
	if change != nil {
		change(in)
	}
	if _, err := a.s3.CopyObject(ctx, in); err != nil {
		return fmt.Errorf("CopyObject: %w", err)
	}
	return nil
}

func copiesWithMetadata(ctx context.Context, a *api) error {
	_, err := a.roundTrip(ctx, &s3.PutObjectInput{
		Key: aws.String("k"), ContentType: aws.String("text/x"), Metadata: map[string]string{"owner": "ann"},
	}, "body")
	if err != nil {
		return err
	}
	if err := a.copied(ctx, nil); err != nil {
		return err
	}
	out, err := a.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &a.name, Key: aws.String("k")})
	if err != nil {
		return fmt.Errorf("HeadObject: %w", err)
	}
	return errors.Join(
		same("ContentType", aws.ToString(out.ContentType), "text/x"), same("metadata", out.Metadata["owner"], "ann"),
		same("ContentLength", aws.ToInt64(out.ContentLength), 4),
	)
}

func copiesWithTags(ctx context.Context, a *api) error {
	put := &s3.PutObjectInput{Key: aws.String("k"), Tagging: aws.String("team=pay")}
	if _, err := a.roundTrip(ctx, put, "x"); err != nil {
		return err
	}
	if err := a.copied(ctx, nil); err != nil {
		return err
	}
	out, err := a.s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &a.name, Key: aws.String("k")})
	if err != nil {
		return fmt.Errorf("GetObjectTagging: %w", err)
	}
	if len(out.TagSet) != 1 {
		return fmt.Errorf("%d tags", len(out.TagSet))
	}
	return same("tag", aws.ToString(out.TagSet[0].Key)+"="+aws.ToString(out.TagSet[0].Value), "team=pay")
}

func refusesAChangedSource(ctx context.Context, a *api) error {
	if _, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String("k")}, "x"); err != nil {
		return err
	}
	err := a.copied(ctx, func(in *s3.CopyObjectInput) {
		in.CopySourceIfMatch = aws.String(`"00000000000000000000000000000000"`)
	})
	return refusedAs(err, "PreconditionFailed")
}

func refusesAnIdleCopy(ctx context.Context, a *api) error {
	if _, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String("k")}, "x"); err != nil {
		return err
	}
	return refusedAs(a.copied(ctx, func(in *s3.CopyObjectInput) { in.ServerSideEncryption = "" }), "InvalidRequest")
}

func copiesParts(ctx context.Context, a *api) error {
	body := strings.Repeat("0123456789abcdef", 6<<16) // 6 MiB
	if _, err := a.roundTrip(ctx, &s3.PutObjectInput{Key: aws.String("k")}, body); err != nil {
		return err
	}
	begun, err := a.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &a.name, Key: aws.String("k")})
	if err != nil {
		return fmt.Errorf("CreateMultipartUpload: %w", err)
	}
	var parts []types.CompletedPart
	for i, bytes := range []string{"bytes=0-5242879", "bytes=5242880-6291455"} {
		number := aws.Int32(int32(i + 1))
		out, err := a.s3.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket: &a.name, Key: aws.String("k"), UploadId: begun.UploadId, PartNumber: number,
			CopySource: aws.String(a.name + "/k"), CopySourceRange: &bytes,
		})
		if err != nil {
			return fmt.Errorf("UploadPartCopy: %w", err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: out.CopyPartResult.ETag})
	}
	if _, err := a.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &a.name, Key: aws.String("k"), UploadId: begun.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		return fmt.Errorf("CompleteMultipartUpload: %w", err)
	}
	out, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.name, Key: aws.String("k")})
	if err != nil {
		return fmt.Errorf("GetObject: %w", err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	return errors.Join(err, same("the object", string(got) == body, true))
}
