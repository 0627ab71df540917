package traffic

import (
	"math"
	"time"
)

// dice are a small generator of chance (SplitMix64) of the package's own: what a seed gives must stay the same for as
// long as thresholds are measured with it, whatever a new toolchain does.
type dice struct{ state uint64 }

// fork is a generator of its own for something named: what one part of the world draws moves no other part.
func (d dice) fork(name string) dice {
	h := d.state ^ 0xcbf29ce484222325
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return dice{mix(h)}
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return mix(d.state)
}

// number is from 0 up to n, without n.
func (d *dice) number(n int) int { return int(d.next() >> 33 % uint64(max(n, 1))) }

// between is from low up to and with high.
func (d *dice) between(low, high int) int { return low + d.number(high-low+1) }

func (d *dice) float() float64 { return float64(d.next()>>11) / (1 << 53) }

func (d *dice) chance(p float64) bool { return d.float() < p }

// exponential has a mean of 1.
func (d *dice) exponential() float64 { return -math.Log(1 - d.float()) }

// normal has a mean of 0 and a deviation of 1.
func (d *dice) normal() float64 {
	return math.Sqrt(-2*math.Log(1-d.float())) * math.Cos(2*math.Pi*d.float())
}

// few is from 0 up to n, without n, the low ones much more often: customers, objects and hosts are never used evenly.
func (d *dice) few(n int) int {
	f := d.float()
	return int(float64(n) * f * f * f)
}

// span is a time between two.
func (d *dice) span(low, high time.Duration) int64 {
	return millis(low) + int64(d.float()*float64(millis(high-low)))
}

func pick[T any](d *dice, from []T) T { return from[d.number(len(from))] }

const (
	hexDigits   = "0123456789abcdef"
	upperDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	lettersBoth = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// text is a prefix and n characters of an alphabet.
func (d *dice) text(prefix, alphabet string, n int) string {
	b := append(make([]byte, 0, len(prefix)+n), prefix...)
	for range n {
		b = append(b, alphabet[d.number(len(alphabet))])
	}
	return string(b)
}

func (d *dice) uuid() string { return string(d.appendUUID(make([]byte, 0, 36))) }

// appendUUID appends a random UUID, version 4.
func (d *dice) appendUUID(b []byte) []byte {
	high, low := d.next(), d.next()
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 2<<62
	for i, part := range [2]uint64{high, low} {
		for shift := 60; shift >= 0; shift -= 4 {
			b = append(b, hexDigits[part>>shift&15])
			if i == 0 && (shift == 32 || shift == 16 || shift == 0) || i == 1 && shift == 48 {
				b = append(b, '-')
			}
		}
	}
	return b
}

func (d *dice) pause(low, high time.Duration) time.Duration {
	return time.Duration(d.span(low, high)) * time.Millisecond
}
