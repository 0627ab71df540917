package queue

import (
	"net/http"

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
