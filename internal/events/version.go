package events

import (
	"cmp"
	"strconv"
	"strings"
)

// ParseVersion reads `1.11`; anything else is the zero Version, which is older than every other.
func ParseVersion(text string) Version {
	before, after, _ := strings.Cut(text, ".")
	major, err := strconv.ParseUint(before, 10, 31)
	if err != nil {
		return Version{}
	}
	minor, err := strconv.ParseUint(after, 10, 31)
	if err != nil && after != "" {
		return Version{}
	}
	return Version{Major: int(major), Minor: int(minor)}
}

// Compare orders versions by their numbers: 1.9 < 1.11.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor))
}

// String is the version without CloudTrail's leading zeros: 1.8.
func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }
