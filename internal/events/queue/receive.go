package queue

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// received is what one ReceiveMessage call brought; held bytes of the budget are taken for it.
type received struct {
	messages []Message
	held     int64
}

type receivedKey struct{}

// fastReceive makes ReceiveMessage decode its answer with decodeReceive, which takes a fraction of what the SDK's own
// step takes. Signing, retries, credentials and errors stay the SDK's.
func (b *Budget) fastReceive(o *sqs.Options) {
	// The SDK would compare each body with the MD5 in the same answer. TLS already protects the answer on its way, and
	// whoever could forge a body could forge the sum beside it: it finds nothing that TLS does not.
	o.DisableMessageChecksumValidation = true
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		const id = "OperationDeserializer"
		step, ok := stack.Deserialize.Get(id)
		if !ok {
			return nil // an SDK that is built differently: messagesOf reads its output
		}
		_, err := stack.Deserialize.Swap(id, &receiveStep{sdk: step, budget: b})
		return err
	})
}

// receiveStep is the deserialise step of ReceiveMessage: answers of status 200 are decoded here, all else by the SDK.
type receiveStep struct {
	sdk    middleware.DeserializeMiddleware
	budget *Budget
}

// ID implements middleware.DeserializeMiddleware.
func (s *receiveStep) ID() string { return s.sdk.ID() }

// HandleDeserialize implements middleware.DeserializeMiddleware.
func (s *receiveStep) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, md, err := next.HandleDeserialize(ctx, in)
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || resp.StatusCode != http.StatusOK {
		return s.sdk.HandleDeserialize(ctx, in, answered{out, md, err})
	}
	got, err := s.read(ctx, resp)
	smithyhttp.CloseResponseBody(ctx, resp, false, err)
	if err != nil {
		return out, md, err
	}
	md.Set(receivedKey{}, got)
	out.Result = &sqs.ReceiveMessageOutput{}
	return out, md, nil
}

func (s *receiveStep) read(ctx context.Context, resp *smithyhttp.Response) (*received, error) {
	size := resp.ContentLength
	if size < 0 { // unknown: take as much as it could be, give back what it is not
		size = min(s.budget.size, maxUnknownAnswer)
	}
	if err := s.budget.take(ctx, size); err != nil {
		return nil, err
	}
	data, err := readUpTo(resp.Body, resp.ContentLength, size)
	if err != nil {
		s.budget.give(size)
		return nil, err
	}
	messages, err := decodeReceive(data)
	if err != nil || len(messages) == 0 {
		s.budget.give(size)
		if err != nil {
			return nil, &smithy.DeserializationError{Err: fmt.Errorf("decoding ReceiveMessage's answer: %w", err)}
		}
		return &received{}, nil
	}
	held := int64(len(data))
	s.budget.give(size - held)
	return &received{messages: messages, held: held}, nil
}

// maxUnknownAnswer is the largest answer accepted without a Content-Length: ten messages of 1 MiB, escaped.
const maxUnknownAnswer = 24 << 20

// readUpTo reads body whole: exactly length bytes, or, where length is negative, at most limit bytes.
func readUpTo(body io.Reader, length, limit int64) ([]byte, error) {
	if length >= 0 {
		data := make([]byte, length)
		if _, err := io.ReadFull(body, data); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		return data, nil
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, &tooLargeError{size: int64(len(data)), limit: limit}
	}
	return data, nil
}

// answered hands what the transport answered to the SDK's own step.
type answered struct {
	out middleware.DeserializeOutput
	md  middleware.Metadata
	err error
}

// HandleDeserialize implements middleware.DeserializeHandler.
func (a answered) HandleDeserialize(
	context.Context, middleware.DeserializeInput,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	return a.out, a.md, a.err
}

// messagesOf returns what a receive brought: what receiveStep left in the metadata or, from a client that does not run
// the SDK's stack, the output's messages. Those are in memory already, so their share of the budget is waited for
// whatever happens.
func (b *Budget) messagesOf(ctx context.Context, out *sqs.ReceiveMessageOutput) (*received, error) {
	if got, ok := out.ResultMetadata.Get(receivedKey{}).(*received); ok {
		return got, nil
	}
	got := &received{messages: make([]Message, 0, len(out.Messages))}
	for _, m := range out.Messages {
		msg := Message{
			ID:            aws.ToString(m.MessageId),
			ReceiptHandle: aws.ToString(m.ReceiptHandle),
			Body:          []byte(aws.ToString(m.Body)),
		}
		for name, value := range m.Attributes {
			msg.setAttribute(name, value)
		}
		got.held += int64(len(msg.Body))
		got.messages = append(got.messages, msg)
	}
	got.held = min(got.held, b.size)
	return got, b.take(context.WithoutCancel(ctx), got.held)
}
