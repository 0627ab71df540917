package impact

import (
	"fmt"
	"strings"
	"time"
)

func counted[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// span is a duration in its largest unit.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return counted(int(d.Minutes()), "minute", "minutes")
	case d < 2*day:
		return counted(int(d.Hours()), "hour", "hours")
	}
	return counted(int(d/day), "day", "days")
}

// argument quotes a value for a shell where it needs it.
func argument(s string) string {
	harmless := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && strings.TrimLeftFunc(s, harmless) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// awsCLI is a command with options in pairs, for copying. An option without a value is a flag.
func awsCLI(command, region string, options ...string) string {
	var b strings.Builder
	b.WriteString("aws " + command)
	for i := 0; i+1 < len(options); i += 2 {
		b.WriteString(" --" + options[i])
		if options[i+1] != "" {
			b.WriteString(" " + argument(options[i+1]))
		}
	}
	b.WriteString(" --region " + argument(region))
	return b.String()
}
