package awssts

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"rotd/internal/pattern"
)

const (
	expires = "300"       // ValidFor in seconds: STS refuses it later too
	ahead   = time.Minute // how far the signer's clock may be before rotd's
	stamp   = "20060102T150405Z"
	maxURL  = 8 << 10
	signed  = "host;x-rotd-nonce;x-rotd-plan;x-rotd-shard"
)

// parameters are the ones of a presigned GetCallerIdentity, all of them and nothing else, each with what it looks like.
var parameters = map[string]pattern.Pattern{
	"Action":               pattern.New(`^GetCallerIdentity$`),
	"Version":              pattern.New(`^2011-06-15$`),
	"X-Amz-Algorithm":      pattern.New(`^AWS4-HMAC-SHA256$`),
	"X-Amz-Credential":     pattern.New(`^[A-Z0-9]{16,128}/\d{8}/[a-z0-9-]{1,32}/sts/aws4_request$`),
	"X-Amz-Date":           pattern.New(`^\d{8}T\d{6}Z$`),
	"X-Amz-Expires":        pattern.New(`^` + expires + `$`),
	"X-Amz-SignedHeaders":  pattern.New(`^` + signed + `$`),
	"X-Amz-Signature":      pattern.New(`^[0-9a-f]{64}$`),
	"X-Amz-Security-Token": pattern.New(`^[A-Za-z0-9+/=]+$`), // of temporary credentials only
}

// nonce is what a nonce looks like.
var nonce = pattern.New(`^[0-9a-f]{32}$`)

// Verifier checks proofs, and has STS answer them.
type Verifier struct {
	client   *http.Client
	endpoint string // one more host that is asked; "": none
}

// NewVerifier returns a verifier that asks over a transport. endpoint is the value of AWS_ENDPOINT_URL_STS, the one
// place besides STS's own hosts where a proof may be sent.
func NewVerifier(transport http.RoundTripper, endpoint string) *Verifier {
	return &Verifier{endpoint: strings.TrimSuffix(endpoint, "/"), client: &http.Client{
		Transport: transport, Timeout: askWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Proof is a request that STS may be asked, by whoever has used up its nonce.
type Proof struct {
	by      *Verifier
	request *http.Request
}

// Check makes sure that a URL is a presigned GetCallerIdentity for s, fresh, and to one of STS's own hosts. It asks
// nobody: the signature itself is for STS to check.
func (v *Verifier) Check(signedURL string, s Subject, now time.Time) (*Proof, error) {
	if len(signedURL) > maxURL {
		return nil, unproven("the URL is too long")
	}
	if !nonce.MatchString(s.Nonce) {
		return nil, unproven("the nonce is not 32 hex digits")
	}
	u, err := url.Parse(signedURL)
	if err != nil || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.RawPath != "" {
		return nil, unproven("what was sent is not the URL of a presigned request")
	}
	query, err := parametersOf(u)
	if err != nil {
		return nil, err
	}
	if err := v.isSTS(u, strings.Split(query.Get("X-Amz-Credential"), "/")[2]); err != nil {
		return nil, err
	}
	at, err := time.Parse(stamp, query.Get("X-Amz-Date"))
	switch {
	case err != nil:
		return nil, unproven("X-Amz-Date is no time")
	case now.Sub(at) >= ValidFor:
		return nil, unproven("it was signed at %s, more than 5 minutes ago: sign again", at.Format(time.RFC3339))
	case at.Sub(now) > ahead:
		return nil, unproven("it was signed at %s, which is still to come: set the clock", at.Format(time.RFC3339))
	}
	// The request is rotd's own: of the one who asks only the URL's parts that were looked at go on.
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet,
		u.Scheme+"://"+u.Host+"/?"+query.Encode(), nil)
	if err != nil {
		return nil, unproven("no request can be made of it")
	}
	request.Header.Set(headerPlan, s.Plan)
	request.Header.Set(headerNonce, s.Nonce)
	request.Header.Set(headerShard, s.Shard)
	request.Header.Set("Accept", "text/xml")
	return &Proof{by: v, request: request}, nil
}

// parametersOf takes the URL's parameters, which must be exactly those of a presigned GetCallerIdentity.
func parametersOf(u *url.URL) (url.Values, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Path != "/" && u.Path != "" {
		return nil, unproven("its URL is none of GetCallerIdentity's")
	}
	for name, values := range query {
		looks := parameters[name]
		switch {
		case looks == nil:
			return nil, unproven("its parameter %q is none of a presigned GetCallerIdentity", name)
		case len(values) != 1 || !looks.MatchString(values[0]):
			return nil, unproven("its parameter %s is not as rotd's own command signs it", name)
		}
	}
	for name := range parameters {
		if !query.Has(name) && name != "X-Amz-Security-Token" {
			return nil, unproven("its parameter %s is missing", name)
		}
	}
	return query, nil
}

// isSTS makes sure that a URL leads to STS, as the SDK's own table of endpoints has it for a Region, or to the endpoint
// that the daemon's environment names.
func (v *Verifier) isSTS(u *url.URL, region string) error {
	at := u.Scheme + "://" + u.Host
	if v.endpoint != "" && at == v.endpoint {
		return nil
	}
	if slices.Contains(hosts(region), at) {
		return nil
	}
	return unproven("%s is no address of AWS STS in %s, and nothing is sent there", at, region)
}

// hosts are STS's in a Region: its own and its partition's global one, plain, FIPS and dual-stack.
func hosts(region string) (all []string) {
	resolver := sts.NewDefaultEndpointResolverV2()
	for variant := range 8 {
		endpoint, err := resolver.ResolveEndpoint(context.Background(), sts.EndpointParameters{
			Region: &region, UseGlobalEndpoint: aws.Bool(variant&1 > 0), UseFIPS: aws.Bool(variant&2 > 0),
			UseDualStack: aws.Bool(variant&4 > 0),
		})
		if err == nil { // not every partition has every variant
			all = append(all, endpoint.URI.Scheme+"://"+endpoint.URI.Host)
		}
	}
	return all
}

func unproven(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProof, fmt.Sprintf(format, args...))
}
