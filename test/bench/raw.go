package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"
)

// runRaw receives and deletes over plain connections, with no SDK, until ctx ends: what the simulator itself can do.
func runRaw(ctx context.Context, aws AWS, pollers int) error {
	loops, ctx := errgroup.WithContext(ctx)
	for range pollers {
		loops.Go(func() error {
			c, err := dialRaw(ctx, aws)
			if err != nil {
				return err
			}
			defer context.AfterFunc(ctx, func() { c.conn.Close() })()
			for {
				if err := c.receiveAndDelete(); err != nil {
					return err
				}
			}
		})
	}
	return loops.Wait()
}

// rawClient speaks just enough HTTP and JSON, and reuses all its memory.
type rawClient struct {
	conn    net.Conn
	in      *bufio.Reader
	head    string // of each request, up to the operation
	receive string
	aws     AWS
	request []byte
	body    []byte
	entries []byte
}

func dialRaw(ctx context.Context, aws AWS) (*rawClient, error) {
	u, err := url.Parse(aws.URL)
	if err != nil {
		return nil, fmt.Errorf("the simulator's URL: %w", err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("reach the simulator: %w", err)
	}
	return &rawClient{
		conn: conn, in: bufio.NewReaderSize(conn, 64<<10), aws: aws,
		head: "POST / HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Type: application/x-amz-json-1.0\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=" + aws.AccessKeyID + "/20260101/" + region +
			"/sqs/aws4_request\r\nX-Amz-Target: AmazonSQS.",
		receive: fmt.Sprintf(`{"QueueUrl":%q,"MaxNumberOfMessages":%d,"WaitTimeSeconds":20}`, aws.Queue, batch),
	}, nil
}

func (c *rawClient) receiveAndDelete() error {
	got, err := c.call("ReceiveMessage", []byte(c.receive))
	if err != nil {
		return err
	}
	c.entries = fmt.Appendf(c.entries[:0], `{"QueueUrl":%q,"Entries":[`, c.aws.Queue)
	n := 0
	for {
		_, rest, ok := bytes.Cut(got, []byte(`"ReceiptHandle":"`))
		if !ok {
			break
		}
		handle, after, _ := bytes.Cut(rest, []byte{'"'})
		if n > 0 {
			c.entries = append(c.entries, ',')
		}
		c.entries = fmt.Appendf(c.entries, `{"Id":"%d","ReceiptHandle":"%s"}`, n, handle)
		got, n = after, n+1
	}
	if n == 0 {
		return nil
	}
	_, err = c.call("DeleteMessageBatch", append(c.entries, "]}"...))
	return err
}

// call makes a request and returns the answer, which is valid until the next.
func (c *rawClient) call(operation string, body []byte) ([]byte, error) {
	c.request = fmt.Appendf(c.request[:0], "%s%s\r\nContent-Length: %d\r\n\r\n%s", c.head, operation, len(body), body)
	if _, err := c.conn.Write(c.request); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	defer resp.Body.Close()
	if cap(c.body) < int(resp.ContentLength) {
		c.body = make([]byte, resp.ContentLength)
	}
	c.body = c.body[:max(0, resp.ContentLength)]
	if _, err := io.ReadFull(resp.Body, c.body); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", operation, resp.Status, c.body)
	}
	return c.body, nil
}
