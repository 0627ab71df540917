package contract

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	localkms "github.com/nsmithuk/local-kms/src/config"
	"github.com/nsmithuk/local-kms/src/data"
	"github.com/nsmithuk/local-kms/src/handler"
	"github.com/sirupsen/logrus"

	"rotd/internal/awssim"
)

const (
	account = "111122223333"
	region  = "us-east-1"
)

// server is somebody's idea of AWS.
type server struct {
	name     string
	origin   string
	services []string
	start    func(t *testing.T) aws.Config // loopback only, ended with the test
	serial   bool                          // cannot be trusted with several clients at a time
	lacks    map[string]string             // behaviour → what it does instead
}

func servers() []server {
	return []server{
		{
			name: "awssim", origin: "rotd's own simulator, internal/awssim",
			services: []string{"SQS", "SNS", "S3", "KMS"}, start: startSimulator, lacks: awssimLacks(),
		},
		{
			name: "fauxqs", origin: "npm fauxqs 2.4.1",
			services: []string{"SQS", "SNS", "S3"}, start: startFauxqs, lacks: fauxqsLacks(),
		},
		{
			name: "goaws", origin: "Go module github.com/Admiral-Piett/goaws v0.5.4",
			services: []string{"SQS", "SNS"}, start: startGoaws, serial: true, lacks: goawsLacks(),
		},
		{
			name: "gofakes3", origin: "Go module github.com/johannesboyne/gofakes3 v1.2.0",
			services: []string{"S3"}, start: startGofakes3, lacks: gofakes3Lacks(),
		},
		{
			name: "local-kms", origin: "Go module github.com/nsmithuk/local-kms, October 2023",
			services: []string{"KMS"}, start: startLocalKMS, lacks: localKMSLacks(),
		},
	}
}

func at(url string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
	}
}

func startSimulator(t *testing.T) aws.Config {
	sim := awssim.New(awssim.Options{})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return sim.As(sim.NewAccessKey(account, "contract"), region)
}

// startFauxqs needs what `npm ci` puts into fauxqs/, its own Node.js included.
func startFauxqs(t *testing.T) aws.Config {
	node, err := filepath.Abs("fauxqs/node_modules/.bin/node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(node); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("fauxqs is not installed: npm ci --prefix fauxqs")
		}
		t.Skip("fauxqs is not installed: npm ci --prefix fauxqs")
	}
	return startProcess(t, node, "--disable-warning=ExperimentalWarning", "fauxqs/serve.mjs", region)
}

func startGoaws(t *testing.T) aws.Config {
	binary := filepath.Join(t.TempDir(), "goaws")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./goaws").CombinedOutput(); err != nil {
		t.Fatalf("building goaws: %v\n%s", err, out)
	}
	return startProcess(t, binary, region, account)
}

// startProcess starts a server that prints its address, and ends when its stdin is closed.
func startProcess(t *testing.T, name string, arguments ...string) aws.Config {
	serve := exec.CommandContext(t.Context(), name, arguments...)
	serve.Stderr = os.Stderr
	stdin, err := serve.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = serve.Wait() // killed when the test's context ended
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not say where it listens: %v", filepath.Base(name), err)
	}
	return at(strings.TrimSpace(url))
}

func startGofakes3(t *testing.T) aws.Config {
	httpServer := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(httpServer.Close)
	return at(httpServer.URL)
}

// startLocalKMS dispatches requests to local-kms's handlers as its main package does, which listens on all interfaces.
func startLocalKMS(t *testing.T) aws.Config {
	localkms.AWSAccountId, localkms.AWSRegion = account, region
	database := data.NewDatabase(t.TempDir())
	logger := logrus.New()
	logger.SetLevel(logrus.PanicLevel)

	httpServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		method := reflect.ValueOf(handler.NewRequestHandler(r, logger, database)).MethodByName(operation)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if !method.IsValid() {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		answer := method.Call(nil)[0].Interface().(handler.Response)
		w.WriteHeader(answer.Code)
		fmt.Fprint(w, answer.Body)
	}))
	t.Cleanup(func() {
		httpServer.Close()
		database.Close()
	})
	return at(httpServer.URL)
}
