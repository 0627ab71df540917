package admin

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"rotd/internal/inventory"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
)

// Mover moves ciphertext to other keys.
type Mover interface {
	// Reencrypt plans and, unless only the plan is wanted or it is refused (ReencryptPlan.Decision), begins a job.
	Reencrypt(ctx context.Context, r ReencryptRequest) (*ReencryptPlan, error)
	// ReencryptBlobs moves a batch of a job's blobs, as many as can be in a short time; first is how many came before.
	ReencryptBlobs(ctx context.Context, id string, first int64, blobs []reencrypt.Blob) (*BlobsAnswer, error)
	Jobs(ctx context.Context, r Range) (Page[reencrypt.Job], error)
	Job(ctx context.Context, id string) (*reencrypt.Job, error)
	// CancelJob ends a running job where it is; one that is over is ErrRefused.
	CancelJob(ctx context.Context, id, by, reason string) (*reencrypt.Job, error)
}

// ReencryptRequest is a person's request to move ciphertext to another key. It has engine.ReencryptRequest's fields in
// the same order, so that one converts to the other.
type ReencryptRequest struct {
	To        string `json:"to"`                  // id, ARN, alias or alias ARN
	From      string `json:"from,omitempty"`      // likewise: only what is under this key
	Manifest  string `json:"manifest,omitempty"`  // SHA-256 in hex of the manifest whose blobs follow
	Total     int64  `json:"total,omitempty"`     // how many those are
	Location  string `json:"location,omitempty"`  // s3://bucket/prefix of objects that rotd copies instead
	Resume    bool   `json:"resume,omitempty"`    // go on with the last job there that failed or was cancelled
	Reason    string `json:"reason,omitempty"`    // may be left out of a plan and a dry run
	Ticket    string `json:"ticket,omitempty"`    //
	Incident  string `json:"incident,omitempty"`  // id of the incident it is for
	Emergency bool   `json:"emergency,omitempty"` // pass the guardrails that a person may pass
	DryRun    bool   `json:"dry_run,omitempty"`   // ask KMS whether it would
	PlanOnly  bool   `json:"plan_only,omitempty"` // begin nothing
	Requester string `json:"-"`                   // who is calling, by the socket's word
}

// ReencryptPlan is what a request would do, or does. It has engine.ReencryptPlan's fields in the same order, so that
// one converts to the other.
type ReencryptPlan struct {
	To       inventory.Key        `json:"to"`
	From     *inventory.Key       `json:"from,omitempty"`
	Job      reencrypt.Job        `json:"job"` // without an id when nothing began
	Decision remediation.Decision `json:"decision"`
	Rate     float64              `json:"per_second"` // blobs a second at most
	Warnings []string             `json:"warnings"`   // what the person may not expect to come of it
}

// BlobsAnswer is what became of the first blobs of a batch, in its order; the others are to be sent again. It has
// engine.BlobsAnswer's fields in the same order, so that one converts to the other.
type BlobsAnswer struct {
	Outcomes []reencrypt.Outcome `json:"outcomes"`
	Waiting  string              `json:"waiting,omitempty"` // what keeps the next blob from being moved for the moment
	Job      reencrypt.Job       `json:"job"`
}

type blobsRequest struct {
	First int64            `json:"first"` // how many blobs of the job came before these
	Blobs []reencrypt.Blob `json:"blobs"`
}

type cancelRequest struct {
	Reason string `json:"reason"`
}

// maxBlobsBody bounds the one request that is longer than others: blobs and contexts.
const maxBlobsBody = 4 << 20

// bodyBound is how long a request's body may be.
func bodyBound(path string) int64 {
	if strings.HasSuffix(path, "/blobs") {
		return maxBlobsBody
	}
	return maxBody
}

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (s *Server) reencrypt(r *http.Request) (any, error) {
	var request ReencryptRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.To) == "":
		return nil, invalid("to: an id, ARN, alias or alias ARN is needed")
	case request.Location == "" && !digest.MatchString(request.Manifest):
		return nil, invalid("manifest: the SHA-256 of the manifest in hex is needed")
	case request.Location != "" && request.Manifest != "":
		return nil, invalid("location: a job moves the blobs of a manifest or objects, not both")
	case request.Total < 0:
		return nil, invalid("total: %d is negative", request.Total)
	case strings.TrimSpace(request.Reason) == "" && !request.DryRun && !request.PlanOnly:
		return nil, invalid("reason: is required")
	}
	request.Requester = by
	plan, err := s.backend.Reencrypt(r.Context(), request)
	if err != nil {
		return nil, err
	}
	if plan.Decision.Verdict == remediation.Refuse && !request.PlanOnly {
		return nil, &Error{
			Code: CodeRefused, Message: plan.Decision.Reason, Exit: ExitRefused, status: http.StatusConflict,
		}
	}
	return plan, nil
}

// blobs takes a batch. Who asked for the job is logged when it begins, and nothing of a blob ever is.
func (s *Server) blobs(r *http.Request) (any, error) {
	var request blobsRequest
	if err := read(r, &request); err != nil {
		return nil, err
	}
	switch {
	case request.First < 0:
		return nil, invalid("first: %d is negative", request.First)
	case len(request.Blobs) == 0 || len(request.Blobs) > reencrypt.MaxBatch:
		return nil, invalid("blobs: %d are not 1 to %d", len(request.Blobs), reencrypt.MaxBatch)
	}
	for i := range request.Blobs {
		if n := len(request.Blobs[i].Ciphertext); n == 0 || n > reencrypt.MaxCiphertext {
			return nil, invalid("blobs[%d]: a ciphertext has 1 to %d bytes, not %d", i, reencrypt.MaxCiphertext, n)
		}
	}
	return s.backend.ReencryptBlobs(r.Context(), r.PathValue("id"), request.First, request.Blobs)
}

func (s *Server) jobs(r *http.Request) (any, error) {
	p := paramsOf(r, "limit", "after")
	limits := p.limits(SchemaJobs)
	if p.err != nil {
		return nil, p.err
	}
	page, err := s.backend.Jobs(r.Context(), limits)
	return sealed(page, SchemaJobs), err
}

func (s *Server) job(r *http.Request) (any, error) {
	return s.backend.Job(r.Context(), r.PathValue("id"))
}

func (s *Server) cancelJob(r *http.Request) (any, error) {
	var request cancelRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	}
	return s.backend.CancelJob(r.Context(), r.PathValue("id"), by, request.Reason)
}

// Reencrypt asks for a job, or what it would be. A refusal is an *Error.
func (c *Client) Reencrypt(ctx context.Context, r ReencryptRequest) (*ReencryptPlan, error) {
	return post[ReencryptPlan](ctx, c, "/v1/reencrypt", r)
}

// ReencryptBlobs sends a batch of a job's blobs; first is how many of them came before.
func (c *Client) ReencryptBlobs(ctx context.Context, id string, first int64, blobs []reencrypt.Blob) (
	*BlobsAnswer, error,
) {
	return post[BlobsAnswer](ctx, c, "/v1/reencrypt/"+url.PathEscape(id)+"/blobs", blobsRequest{first, blobs})
}

// Jobs asks for a page of jobs.
func (c *Client) Jobs(ctx context.Context, r Range) (*Page[reencrypt.Job], error) {
	v := values{}
	v.limits(r)
	return get[Page[reencrypt.Job]](ctx, c, "/v1/reencrypt", v)
}

// Job asks for one job.
func (c *Client) Job(ctx context.Context, id string) (*reencrypt.Job, error) {
	return get[reencrypt.Job](ctx, c, "/v1/reencrypt/"+url.PathEscape(id), nil)
}

// CancelJob ends a running job.
func (c *Client) CancelJob(ctx context.Context, id, reason string) (*reencrypt.Job, error) {
	return post[reencrypt.Job](ctx, c, "/v1/reencrypt/"+url.PathEscape(id)+"/cancel", cancelRequest{reason})
}
