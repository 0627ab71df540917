package traffic

// A heap keeps the least in front. container/heap would box every record.
type heap[T ordered[T]] []T

type ordered[T any] interface{ before(other T) bool }

func (h *heap[T]) push(x T) {
	*h = append(*h, x)
	s := *h
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s[i].before(s[parent]) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

func (h *heap[T]) pop() T {
	s := *h
	first, last := s[0], len(s)-1
	var none T
	s[0], s[last] = s[last], none
	*h = s[:last]
	h.sink(0)
	return first
}

// sink puts the entry at i right after it grew.
func (h heap[T]) sink(i int) {
	for {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		if right := least + 1; right < len(h) && h[right].before(h[least]) {
			least = right
		}
		if !h[least].before(h[i]) {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
