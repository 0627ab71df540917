package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// batch is how many messages SQS gives at once.
const batch = 10

// runBare receives and deletes with the plain SDK until ctx ends: what any consumer of SQS in Go costs at least that
// uses the SDK as it comes. It keeps no state and does not look at what it deletes.
func runBare(ctx context.Context, place AWS, pollers int) error {
	connections := func(t *http.Transport) { // the SDK keeps ten, and dials for every other call of more pollers
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*pollers, 2*pollers
	}
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(connections)))
	if err != nil {
		return fmt.Errorf("load the SDK's configuration: %w", err)
	}
	client := sqs.NewFromConfig(cfg)
	loops, ctx := errgroup.WithContext(ctx)
	for range pollers {
		loops.Go(func() error {
			for {
				if err := receiveAndDelete(ctx, client, place.Queue); err != nil {
					return err
				}
			}
		})
	}
	return loops.Wait()
}

func receiveAndDelete(ctx context.Context, client *sqs.Client, queue string) error {
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: batch, WaitTimeSeconds: 20,
	})
	if err != nil || len(got.Messages) == 0 {
		return err
	}
	entries := make([]types.DeleteMessageBatchRequestEntry, len(got.Messages))
	for i := range entries {
		entries[i].Id, entries[i].ReceiptHandle = aws.String(strconv.Itoa(i)), got.Messages[i].ReceiptHandle
	}
	_, err = client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &queue, Entries: entries})
	return err
}
