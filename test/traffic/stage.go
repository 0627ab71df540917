package traffic

import "time"

// actor is somebody or something that calls KMS again and again: an application's use of a key, a person, a scanner.
type actor struct {
	source string
	attack string // "": ordinary
	own    bool   // rotd
	at     int64  // of the next turn, Unix time in ms
	order  int    // among turns at the same time
	dice   dice
	// turn makes the calls of s.now, or after it, and says when the next turn is.
	turn func(s *stage) int64
}

const never = 1 << 62

func (a *actor) before(b *actor) bool { return a.at < b.at || a.at == b.at && a.order < b.order }

// stage is where actors take their turns in the order of time. Its records wait there for their delivery.
type stage struct {
	*fleet
	*actor
	now      int64 // Unix time in ms
	turns    heap[*actor]
	underWay heap[parcel]
	parcels  int
	scratch  fields
	json     []byte
}

// parcel is a record under way.
type parcel struct {
	delivered int64
	number    int // among parcels delivered at the same time
	record    *Record
}

func (p parcel) before(q parcel) bool {
	return p.delivered < q.delivered || p.delivered == q.delivered && p.number < q.number
}

// Delivery as seen in real trails and promised by AWS: minutes late, at most about 15 for all but a few, in no order.
const (
	leastLate     = 45 * time.Second
	meanLater     = 3 * time.Minute // beyond the least
	mostLate      = 15 * time.Minute
	twicePer      = 1000 // one record in so many is delivered twice
	lateFilePer   = 5000 // one log file in so many comes hours late; a file is five minutes of an account and Region
	fileSpan      = 5 * time.Minute
	lateFileLeast = time.Hour
	lateFileMost  = 6 * time.Hour
)

// deliver sends a record on its way.
func (s *stage) deliver(r *Record, at int64, account, region string) {
	late := s.late()
	file := dice{s.world.Seed}.fork(account).fork(region)
	file.state ^= uint64(at / millis(fileSpan))
	if file.number(lateFilePer) == 0 {
		late += file.span(lateFileLeast, lateFileMost)
	}
	s.post(r, at+late)
	if s.dice.number(twicePer) == 0 {
		again := *r
		s.post(&again, at+s.late())
	}
}

func (s *stage) late() int64 {
	return min(millis(leastLate)+int64(s.dice.exponential()*float64(millis(meanLater))), millis(mostLate))
}

func (s *stage) post(r *Record, delivered int64) {
	r.Delivered = time.UnixMilli(delivered).UTC()
	s.parcels++
	s.underWay.push(parcel{delivered, s.parcels, r})
}

func (s *stage) take() Record { return *s.underWay.pop().record }

func millis(d time.Duration) int64 { return d.Milliseconds() }
