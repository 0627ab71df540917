// Command goaws serves goaws (SQS and SNS) on a free port of the loopback interface, where its own command listens on
// all of them. It prints its address, and ends when its parent closes stdin. It is a process of its own because goaws
// keeps its queues in global variables, and has data races. Arguments: Region and account.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/Admiral-Piett/goaws/app/conf"
	"github.com/Admiral-Piett/goaws/app/gosqs"
	"github.com/Admiral-Piett/goaws/app/router"
	"github.com/sirupsen/logrus"
)

func main() {
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func serve(region, account string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := configure(listener.Addr(), region, account); err != nil {
		return err
	}
	logrus.SetLevel(logrus.PanicLevel)
	go gosqs.PeriodicTasks(time.Second, make(chan bool))

	server := &http.Server{Handler: router.New(), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// configure tells goaws who it is; it reads that from a file only.
func configure(address net.Addr, region, account string) error {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "goaws-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "goaws.yaml")
	content := fmt.Sprintf("Local:\n  Host: %s\n  Port: %q\n  Region: %s\n  AccountId: %q\n", host, port, region, account)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		return err
	}
	conf.LoadYamlConfig(file, "Local")
	return nil
}
