package cost

import (
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in millionths of the currency's unit: sums of a hundred thousand keys stay exact.
type Money int64

const unit = 1_000_000

// MaxPrice bounds a price of the table.
const MaxPrice Money = 1_000_000 * unit

// ParseMoney reads a plain amount such as 1, 1.00 or 0.0625, from 0 to MaxPrice.
func ParseMoney(s string) (Money, error) {
	whole, fraction, dotted := strings.Cut(s, ".")
	wrong := fmt.Errorf("%q is no amount such as 1.00, from 0 to %d", s, MaxPrice/unit)
	if !digits(whole) || dotted && !digits(fraction) || len(whole) > 7 || len(fraction) > 6 {
		return 0, wrong
	}
	n, err := strconv.ParseInt(whole+(fraction + "000000")[:6], 10, 64)
	if err != nil || Money(n) > MaxPrice {
		return 0, wrong
	}
	return Money(n), nil
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// String is the amount to two places, rounded.
func (m Money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	cents := (m + unit/200) / (unit / 100)
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// MarshalText writes the amount as String does: JSON has it as text, which nothing rounds on the way.
func (m Money) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Money) UnmarshalText(text []byte) error {
	plain, negative := strings.CutPrefix(string(text), "-")
	n, err := ParseMoney(plain)
	if negative {
		n = -n
	}
	*m = n
	return err
}
