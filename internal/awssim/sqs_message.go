package awssim

import (
	"crypto/md5" //nolint:gosec // SQS's own checksum
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// message is one message in one queue. What is not changing after newMessage may be read without the queue's lock.
type message struct {
	id       string
	rendered []byte // the members Body, MD5OfBody and MessageId, ready for an answer
	md5      string
	senderID string
	attrs    map[string]messageAttribute // nil for none
	attrsMD5 string

	seq          uint64 // key within its queue
	sent         time.Time
	first        time.Time // first receive
	received     time.Time // last receive
	receives     int       // over all queues, as SQS counts
	receivesHere int
	deadFrom     string // ARN of the queue it died in

	visibleAt time.Time
	inFlight  bool
	gone      bool
	index     int // in hidden, or notHidden
}

const notHidden = -1

// delivery is a message as one receive saw it.
type delivery struct {
	message  *message
	receives int
	first    time.Time
}

func (s *sqsService) newMessage(body, senderID string, attrs map[string]messageAttribute) *message {
	sum := md5.Sum([]byte(body)) //nolint:gosec // SQS's own checksum
	m := &message{
		id: s.sim.newUUID(), md5: hex.EncodeToString(sum[:]), senderID: senderID, attrs: attrs, index: notHidden,
	}
	b := make([]byte, 0, len(body)+strings.Count(body, `"`)+strings.Count(body, `\`)+128)
	b = append(b, `"Body":`...)
	b, _ = jsontext.AppendQuote(b, body) // invalid UTF-8 becomes U+FFFD
	b = append(b, `,"MD5OfBody":"`...)
	b = append(b, m.md5...)
	b = append(b, `","MessageId":"`...)
	b = append(b, m.id...)
	b = append(b, '"')
	m.rendered = b
	if len(attrs) > 0 {
		m.attrsMD5 = attributesMD5(attrs)
	}
	return m
}

// A receipt handle is sequence number, receive count, the queue's nonce and a checksum, in base64.
const receiptBytes = 28

func (q *queue) appendReceipt(dst []byte, seq uint64, receives int) []byte {
	var raw [receiptBytes]byte
	binary.BigEndian.PutUint64(raw[0:], seq)
	binary.BigEndian.PutUint32(raw[8:], uint32(receives)) //nolint:gosec // a count
	binary.BigEndian.PutUint64(raw[12:], q.nonce)
	binary.BigEndian.PutUint64(raw[20:], q.checksum(seq, receives))
	return base64.StdEncoding.AppendEncode(dst, raw[:])
}

func (q *queue) checksum(seq uint64, receives int) uint64 {
	x := (seq ^ q.nonce) * 0x9e3779b97f4a7c15
	return (x ^ x>>29 ^ uint64(receives)) * 0xbf58476d1ce4e5b9 //nolint:gosec // a count
}

// parseReceipt is the inverse of appendReceipt; ok is false for a handle this queue has not made.
func (q *queue) parseReceipt(handle string) (seq uint64, receives int, ok bool) {
	if len(handle) != base64.StdEncoding.EncodedLen(receiptBytes) {
		return 0, 0, false
	}
	raw := make([]byte, 0, receiptBytes+2)
	raw, err := base64.StdEncoding.AppendDecode(raw, []byte(handle))
	if err != nil || len(raw) != receiptBytes || binary.BigEndian.Uint64(raw[12:]) != q.nonce {
		return 0, 0, false
	}
	seq, receives = binary.BigEndian.Uint64(raw), int(binary.BigEndian.Uint32(raw[8:]))
	return seq, receives, binary.BigEndian.Uint64(raw[20:]) == q.checksum(seq, receives)
}

// messageRing is a queue of messages in a ring.
type messageRing struct {
	items []*message // length a power of two
	head  int
	n     int
}

func (r *messageRing) len() int { return r.n }

func (r *messageRing) at(i int) **message { return &r.items[(r.head+i)&(len(r.items)-1)] }

func (r *messageRing) push(m *message) {
	if r.n == len(r.items) {
		grown := make([]*message, max(2*r.n, 16))
		for i := range r.n {
			grown[i] = *r.at(i)
		}
		r.items, r.head = grown, 0
	}
	r.n++
	*r.at(r.n - 1) = m
}

// pop is the first message, nil when there is none.
func (r *messageRing) pop() *message {
	if r.n == 0 {
		return nil
	}
	slot := r.at(0)
	m := *slot
	*slot = nil
	r.head++
	r.n--
	return m
}

func (r *messageRing) swap(i, j int) { *r.at(i), *r.at(j) = *r.at(j), *r.at(i) }

// hiddenHeap has the message first that becomes visible first.
type hiddenHeap []*message

func (h hiddenHeap) Len() int           { return len(h) }
func (h hiddenHeap) Less(i, j int) bool { return h[i].visibleAt.Before(h[j].visibleAt) }

func (h hiddenHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *hiddenHeap) Push(x any) {
	m, _ := x.(*message)
	m.index = len(*h)
	*h = append(*h, m)
}

func (h *hiddenHeap) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	m.index = notHidden
	return m
}
