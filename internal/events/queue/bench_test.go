package queue

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"
)

// stubVariable makes the test binary a stub of SQS, in a process of its own so that its CPU time is not counted.
const stubVariable = "QUEUE_BENCHMARK_STUB"

const benchPollers = 32

func TestMain(m *testing.M) {
	if os.Getenv(stubVariable) != "" {
		runStub()
		return
	}
	goleak.VerifyTestMain(m)
}

// runStub answers every call after 1 ms until its standard input ends.
func runStub() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr()) //nolint:forbidigo // what the benchmark waits for
	answer := sampleAnswer(&testing.T{}, maxBatch)
	deleted := []byte(`{"Successful":[{"Id":"0"},{"Id":"1"},{"Id":"2"},{"Id":"3"},{"Id":"4"},` +
		`{"Id":"5"},{"Id":"6"},{"Id":"7"},{"Id":"8"},{"Id":"9"}],"Failed":[]}`)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveStub(conn, answer, deleted)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func serveStub(conn net.Conn, answer, deleted []byte) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		receive, length := false, 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimSpace(line); line == "" {
				break
			}
			receive = receive || strings.HasSuffix(line, ".ReceiveMessage")
			if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(n)
			}
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		body := deleted
		if receive {
			body = answer
		}
		time.Sleep(time.Millisecond) // an answer in zero time beats the request's own write in Go's client
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
		buffers := net.Buffers{[]byte(head), body}
		if _, err := buffers.WriteTo(conn); err != nil {
			return
		}
	}
}

func stubClient(b *testing.B) *sqs.Client {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), stubVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 4 * benchPollers
	transport.MaxIdleConns = 0
	b.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = in.Close()
		_ = cmd.Wait()
	})
	return sqs.New(sqs.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://" + strings.TrimSpace(addr)),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		HTTPClient: &http.Client{Transport: transport},
	})
}

// reportCPU reports this process's CPU seconds per 100,000 messages since start.
func reportCPU(b *testing.B, start time.Duration, messages int) {
	b.Helper()
	b.ReportMetric((cpuTime(b)-start).Seconds()*100_000/float64(messages), "cpu-s/100k")
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(0, "ns/op")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoop receives and deletes b.N batches of ten. Run it with -benchtime 6000x -count 5.
func BenchmarkLoop(b *testing.B) {
	b.Run("sdk", func(b *testing.B) {
		client := stubClient(b)
		start := cpuTime(b)
		b.ResetTimer()
		var taken atomic.Int64
		var loops sync.WaitGroup
		for range benchPollers {
			loops.Go(func() {
				for taken.Add(1) <= int64(b.N) {
					bareRound(b, client)
				}
			})
		}
		loops.Wait()
		reportCPU(b, start, b.N*maxBatch)
	})
	b.Run("consumer", func(b *testing.B) {
		client := stubClient(b)
		c, err := New(client, testURL, ackAll, Options{Pollers: benchPollers, ReceiveGrace: 100 * time.Millisecond})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		start := cpuTime(b)
		b.ResetTimer()
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		for c.stats.deleted.Load() < uint64(b.N*maxBatch) {
			time.Sleep(time.Millisecond)
		}
		reportCPU(b, start, int(c.stats.deleted.Load()))
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	})
}

// bareRound is the plain way to use the SDK: receive, then delete.
func bareRound(b *testing.B, client *sqs.Client) {
	out, err := client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(testURL), MaxNumberOfMessages: maxBatch, WaitTimeSeconds: 20,
	})
	if err != nil {
		b.Error(err)
		return
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(testURL)}
	for i, m := range out.Messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle,
		})
	}
	if _, err := client.DeleteMessageBatch(b.Context(), in); err != nil {
		b.Error(err)
	}
}
