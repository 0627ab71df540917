package queue

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// ClientOptions fits the SDK's HTTP client to this many pollers: with its default of ten idle connections, more pollers
// would dial, and shake hands, for most calls. A client that is not the SDK's own builder is left as it is. The client
// must not time out before a long poll ends; the SDK's does not, and the consumer bounds each call.
func ClientOptions(pollers int) func(*sqs.Options) {
	return func(o *sqs.Options) {
		client, ok := o.HTTPClient.(*awshttp.BuildableClient)
		if !ok {
			return
		}
		o.HTTPClient = client.WithTransportOptions(func(t *http.Transport) {
			conns := 2*pollers + keeperCalls // a receive and a delete each
			t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, conns)
			t.MaxIdleConns = max(t.MaxIdleConns, conns)
		})
	}
}

// NewClient returns the SDK's client for a queue, in the Region its URL names, with connections for the pollers.
func NewClient(cfg aws.Config, queueURL string, pollers int) *sqs.Client {
	return sqs.NewFromConfig(cfg, ClientOptions(pollers), func(o *sqs.Options) {
		if region := RegionOf(queueURL); region != "" {
			o.Region = region
		}
	})
}

// RegionOf reads the Region from https://sqs.<region>.<suffix>/…; "" for other hosts: the SDK's own Region is theirs.
func RegionOf(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return ""
	}
	labels := strings.Split(u.Hostname(), ".")
	if len(labels) < 4 || labels[0] != "sqs" && labels[0] != "sqs-fips" {
		return ""
	}
	return labels[1]
}
