package awssim

import "slices"

const (
	maxBatch        = 10
	entryNameLength = 80
)

// batchError is the failure of one entry.
type batchError struct {
	ID          string `json:"Id"`
	SenderFault bool   `json:"SenderFault"`
	Code        string `json:"Code"`
	Message     string `json:"Message"`
}

func newBatchError(id string, err *APIError) batchError {
	return batchError{ID: id, SenderFault: err.status() < 500, Code: err.Code, Message: err.Message}
}

type done struct {
	ID string `json:"Id"`
}

type batchResult[T any] struct {
	Successful []T          `json:"Successful"`
	Failed     []batchError `json:"Failed,omitempty"`
}

// checkBatch refuses a batch as a whole.
func checkBatch(ids []string) error {
	switch {
	case len(ids) == 0:
		return apiErrorf("EmptyBatchRequest", 0, "There should be at least one entry in the request.")
	case len(ids) > maxBatch:
		return apiErrorf("TooManyEntriesInBatchRequest", 0,
			"Maximum number of entries per request are 10. You have sent %d.", len(ids))
	}
	for i, id := range ids {
		if id == "" || len(id) > entryNameLength {
			return apiErrorf("InvalidBatchEntryId", 0, "A batch entry id can only contain alphanumeric characters, "+
				"hyphens and underscores. It can be at most 80 letters long.")
		}
		if slices.Contains(ids[:i], id) {
			return apiErrorf("BatchEntryIdsNotDistinct", 0, "Id %s repeated.", id)
		}
	}
	return nil
}

// runBatch does a batch entry by entry. Entries that a planned fault befalls fail without effect.
func runBatch[T any](c *call, n int, id func(i int) string, do func(i int) (T, *APIError)) batchResult[T] {
	out := batchResult[T]{Successful: []T{}}
	for i := range n {
		if i < c.failEntries {
			out.Failed = append(out.Failed, newBatchError(id(i), c.entryError))
			continue
		}
		result, err := do(i)
		if err != nil {
			out.Failed = append(out.Failed, newBatchError(id(i), err))
			continue
		}
		out.Successful = append(out.Successful, result)
		c.Effect = true
	}
	return out
}
