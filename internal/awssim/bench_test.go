package awssim_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"rotd/internal/awssim"
)

const (
	benchConnections = 32
	benchBody        = 2500 // bytes, as an EventBridge event about KMS
)

// BenchmarkReceiveDelete is what the simulator itself can do: a client on raw TCP receives ten messages and deletes
// them in a batch, over and over. One operation is one message.
func BenchmarkReceiveDelete(b *testing.B) {
	w := newWorld(b, awssim.Options{Logger: zap.NewNop(), Latency: time.Millisecond})
	url := w.sim.CreateQueue(region, account, "events")
	field := `"eventName":"RotateKeyOnDemand",`
	body := `{"detail":{` + strings.Repeat(field, benchBody/len(field)) + `"a":1}}`
	for range b.N + 10*benchConnections {
		if _, err := w.sim.Send(url, body); err != nil {
			b.Fatal(err)
		}
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var pollers sync.WaitGroup
	for range benchConnections {
		pollers.Go(func() {
			p, err := dialRaw(b.Context(), w, url)
			if err != nil {
				b.Error(err)
				return
			}
			defer p.conn.Close()
			for left.Load() > 0 {
				n, err := p.receiveAndDelete()
				if err != nil {
					b.Error(err)
					return
				}
				left.Add(-int64(n))
			}
		})
	}
	pollers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// rawPoller speaks just enough HTTP and JSON.
type rawPoller struct {
	conn    net.Conn
	in      *bufio.Reader
	host    string
	auth    string
	url     string
	request []byte
	body    []byte
}

func dialRaw(ctx context.Context, w *world, url string) (*rawPoller, error) {
	host := strings.TrimPrefix(w.sim.URL(), "http://")
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &rawPoller{
		conn: conn, in: bufio.NewReaderSize(conn, 64<<10), host: host, url: url,
		auth: "AWS4-HMAC-SHA256 Credential=" + w.user.AccessKeyID + "/20261123/" + region + "/sqs/aws4_request",
	}, nil
}

func (p *rawPoller) receiveAndDelete() (n int, err error) {
	got, err := p.call("ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q,"MaxNumberOfMessages":10,"WaitTimeSeconds":1,`+
		`"MessageSystemAttributeNames":["ApproximateReceiveCount","SentTimestamp"]}`, p.url))
	if err != nil {
		return 0, err
	}
	var entries strings.Builder
	for {
		_, rest, ok := bytes.Cut(got, []byte(`"ReceiptHandle":"`))
		if !ok {
			break
		}
		handle, after, _ := bytes.Cut(rest, []byte{'"'})
		if n > 0 {
			entries.WriteByte(',')
		}
		fmt.Fprintf(&entries, `{"Id":"%d","ReceiptHandle":"%s"}`, n, handle)
		got = after
		n++
	}
	if n == 0 {
		return 0, nil
	}
	_, err = p.call("DeleteMessageBatch", fmt.Sprintf(`{"QueueUrl":%q,"Entries":[%s]}`, p.url, entries.String()))
	return n, err
}

func (p *rawPoller) call(operation, body string) ([]byte, error) {
	p.request = fmt.Appendf(p.request[:0], "POST / HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n"+
		"X-Amz-Target: AmazonSQS.%s\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s",
		p.host, p.auth, operation, len(body), body)
	if _, err := p.conn.Write(p.request); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(p.in, nil)
	if err != nil {
		return nil, err
	}
	p.body = append(p.body[:0], make([]byte, resp.ContentLength)...)
	if _, err := io.ReadFull(resp.Body, p.body); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, p.body)
	}
	return p.body, resp.Body.Close()
}
