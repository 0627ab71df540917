package detection

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// secretOf is a call that reads the n-th secret, through Secrets Manager.
func secretOf(n int, after time.Duration, given ...object) object {
	return record("Decrypt", append([]object{
		at(after), id(fmt.Sprint("e-", n, after)),
		{"requestParameters": object{
			"encryptionAlgorithm": "SYMMETRIC_DEFAULT",
			"encryptionContext": object{
				"SecretARN":       fmt.Sprintf("arn:aws:secretsmanager:eu-west-1:111122223333:secret:app-%d-AbCdEf", n),
				"SecretVersionId": "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE",
			},
		}},
	}, given...)...)
}

// secretsOf reads so many secrets within a minute.
func secretsOf(n int, after time.Duration, given ...object) (all []object) {
	for i := range n {
		all = append(all, secretOf(i, after+time.Duration(i)*time.Second, given...))
	}
	return all
}

const (
	aDay      = 24 * time.Hour
	developer = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Developer_1"
)

// daily has the admin role read so many secrets each day of four weeks before noon, at that time.
func daily(secrets int, given ...object) func(t testing.TB, w *world) {
	return func(t testing.TB, w *world) {
		t.Helper()
		for day := -28; day < 0; day++ {
			w.learns(t, secretsOf(secrets, time.Duration(day)*aDay, given...)...)
		}
	}
}

// keyLearntFor has the admin role use the key once, so long ago.
func keyLearntFor(long time.Duration) func(t testing.TB, w *world) {
	return func(t testing.TB, w *world) {
		t.Helper()
		w.learns(t, secretOf(0, -long))
	}
}

func inSession(role, session string) object {
	who := assumed(role)
	who["arn"] = "arn:aws:sts::111122223333:assumed-role/" + role + "/" + session
	return object{"userIdentity": who}
}

// reading has the caller decrypt one thing after the other; of gives their encryption contexts.
func reading(n int, of func(i int) object, given ...object) (all []object) {
	for i, r := range times(n, time.Second, "Decrypt", given...) {
		r["requestParameters"] = object{"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": of(i)}
		all = append(all, r)
	}
	return all
}

func objectNo(i int) object { return object{"aws:s3:arn": fmt.Sprint("arn:aws:s3:::docs/", i)} }

func customerNo(i int) object { return object{"customer": fmt.Sprint("c-", i)} }

func TestPrincipalFirstSeen(t *testing.T) {
	const (
		low    = "LOW Somebody uses a key for the first time"
		medium = "MEDIUM Somebody uses a key for the first time"
	)
	newcomers := func(n int) func(t testing.TB, w *world) {
		return func(t testing.TB, w *world) {
			t.Helper()
			daily(1)(t, w)
			for i := range n {
				w.learns(t, record("Decrypt", by(fmt.Sprint("new-", i)), at(time.Duration(i-10)*aDay)))
			}
		}
	}
	testRule(t, principalFirstSeen(), []ruleTest{
		{
			name: "a stranger reads five things of an application", learnt: daily(1),
			events: reading(5, customerNo, by("thief")), want: []string{low, medium},
			says: []string{
				"which it used for the first time at 2026-11-20 12:00Z.",
				"It has decrypted about 5 different encryption contexts within an hour.",
			},
		},
		{
			name: "somebody new after weeks", learnt: daily(1),
			events: []object{record("Decrypt", by("thief"))}, want: []string{low},
			says: []string{
				"role/thief called Decrypt on alias/payments, which it had never used before.",
				"rotd has learnt who uses this key for 28 days.", "The call came from 203.0.113.9.",
				"rotd keys usage " + payARN,
			},
		},
		{
			name: "a stranger signs", learnt: daily(1),
			events: []object{record("Sign", by("thief"))}, want: []string{medium},
		},
		{
			name: "a stranger verifies", learnt: daily(1),
			events: []object{record("Verify", by("thief"))}, want: []string{low},
		},
		{
			name: "a stranger reads the same thing again and again", learnt: daily(1), want: []string{low},
			events: reading(20, func(int) object { return customerNo(1) }, by("thief")),
		},
		{
			name: "a stranger reads nine secrets", learnt: daily(1),
			events: secretsOf(9, 0, by("thief")), want: []string{low},
		},
		{
			name: "a stranger reads ten secrets", learnt: daily(1),
			events: secretsOf(10, 0, by("thief")), want: []string{low, medium},
		},
		{
			name: "a stranger reads as many objects as anybody", learnt: daily(1),
			events: reading(80, objectNo, by("thief")), want: []string{low},
		},
		{
			name: "a stranger reads log files, as tools do", learnt: daily(1), want: []string{low},
			events: reading(50, func(i int) object {
				return object{"aws:cloudtrail:arn": "trail/all", "aws:s3:arn": fmt.Sprint(i)}
			}, by("thief")),
		},
		{
			name: "a stranger decrypts five times without a context", learnt: daily(1),
			events: times(5, time.Second, "Decrypt", by("thief")), want: []string{low, medium},
		},
		{
			name: "a stranger encrypts", learnt: daily(1),
			events: times(20, time.Second, "Encrypt", by("thief")), want: []string{low},
		},
		{
			name: "a stranger reads five things the next day, when it is none any more", learnt: func(t testing.TB, w *world) {
				t.Helper()
				daily(1)(t, w)
				w.learns(t, record("Decrypt", by("thief"), at(-aDay)))
			},
			events: reading(5, customerNo, by("thief")),
		},
		{
			name: "a stranger reads five things within its first day", learnt: func(t testing.TB, w *world) {
				t.Helper()
				daily(1)(t, w)
				w.learns(t, record("Decrypt", by("thief"), at(-23*time.Hour)))
			},
			events: reading(5, customerNo, by("thief")), want: []string{medium},
			says: []string{"which it used for the first time at 2026-11-19 13:00Z."},
		},
		{
			name: "on a key that was learnt just long enough", learnt: keyLearntFor(14 * aDay),
			events: []object{record("Decrypt", by("thief"))}, want: []string{low},
		},
		{
			name: "on a key that was not yet learnt when a stranger came", learnt: func(t testing.TB, w *world) {
				t.Helper()
				keyLearntFor(14*aDay)(t, w)
				w.learns(t, record("Decrypt", by("thief"), at(-23*time.Hour)))
			},
			events: reading(5, customerNo, by("thief")),
		},
		{
			name: "a stranger reads one thing", learnt: daily(1), events: []object{secretOf(0, 0, by("thief"))},
			want: []string{low},
			says: []string{"which it had never used before. rotd has learnt who uses this key for 28 days. The call came from"},
		},
		{
			name: "two newcomers before are not many", learnt: newcomers(2),
			events: reading(5, customerNo, by("thief")), want: []string{low, medium},
		},
		{
			name: "somebody who is known from another key", learnt: func(t testing.TB, w *world) {
				t.Helper()
				daily(1)(t, w)
				daily(1, by("thief"), object{"resources": []object{{"ARN": otherARN}}})(t, w)
			},
			events: reading(5, customerNo, by("thief")), want: []string{low},
			says: []string{"The principal itself is known for 28 days, from one other key."},
		},
		{
			name: "somebody who is known for a week is no stranger", learnt: func(t testing.TB, w *world) {
				t.Helper()
				daily(1)(t, w)
				w.learns(t, record("Decrypt", by("thief"), on(otherARN), at(-7*aDay)))
			},
			events: reading(5, customerNo, by("thief")), want: []string{low},
			says: []string{"The principal itself is known for 7 days, from one other key."},
		},
		{
			name: "somebody who was not known for a week when it came is one", learnt: func(t testing.TB, w *world) {
				t.Helper()
				daily(1)(t, w)
				w.learns(t, record("Decrypt", by("thief"), on(otherARN), at(-7*aDay)))
				w.learns(t, record("Decrypt", by("thief"), at(-23*time.Hour)))
			},
			events: reading(5, customerNo, by("thief")), want: []string{medium},
			says: []string{"rotd has learnt who uses this key for 28 days. The call came from"},
		},
		{
			name: "on a key that many share", learnt: func(t testing.TB, w *world) {
				t.Helper()
				for i := range 10 {
					w.learns(t, record("Decrypt", by(fmt.Sprint("app-", i)), at(-28*aDay)))
				}
			},
			events: reading(5, customerNo, by("thief")), want: []string{low},
		},
		{
			name: "moving to another key of the account, which shows nobody anything", learnt: daily(1),
			events: times(9, time.Second, "ReEncrypt", by("thief"), object{"resources": []object{
				{"ARN": payARN}, {"ARN": otherARN},
			}, "requestParameters": object{"sourceKeyId": payARN, "destinationKeyId": otherARN}}),
			want: []string{low},
		},
		{
			name: "an allowed principal is expected", learnt: daily(1),
			events: []object{record("Decrypt", by("pay-api"))},
			want:   []string{"INFORMATIONAL expected Somebody uses a key for the first time"},
		},
		{name: "who used it before", learnt: daily(1), events: []object{record("Decrypt")}},
		{
			name: "in another session of the same role", learnt: daily(1),
			events: []object{record("Decrypt", inSession("admin", "i-0123456789abcdef0"))},
		},
		{name: "where newcomers are ordinary", learnt: newcomers(3), events: []object{record("Decrypt", by("thief"))}},
		{name: "on a key that is new", events: []object{record("Decrypt"), record("Decrypt", by("thief"))}},
		{
			name: "the second time", learnt: daily(1),
			events: []object{record("Decrypt", by("thief"), id("e-1")), record("Decrypt", by("thief"), id("e-2"))},
			want:   []string{low},
		},
		{name: "refused", learnt: daily(1), events: []object{record("Decrypt", by("thief"), failing("AccessDenied"))}},
		{name: "a look at the key", learnt: daily(1), events: []object{record("DescribeKey", by("thief"))}},
		{
			name: "an AWS service's own role", learnt: daily(1),
			events: []object{record("Decrypt", by("aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"))},
		},
		{
			name: "late", world: func(w *world) { w.late = true }, learnt: daily(1),
			events: []object{record("Decrypt", by("thief"))},
		},
	})
}

func TestNetworkFirstSeen(t *testing.T) {
	const title = "MEDIUM A key is used from a network that is new to the caller"
	elsewhere := func(ip string) []object { return []object{record("Decrypt", from(ip))} }
	travels := func(n int) func(t testing.TB, w *world) {
		return func(t testing.TB, w *world) {
			t.Helper()
			daily(1)(t, w)
			for i := range n {
				w.learns(t, record("Decrypt", from(fmt.Sprintf("198.18.%d.1", i)), at(time.Duration(i-10)*aDay)))
			}
		}
	}
	callsFrom := func(n int) func(t testing.TB, w *world) { // from its first day on
		return func(t testing.TB, w *world) {
			t.Helper()
			for i := range n {
				w.learns(t, record("Decrypt", from(fmt.Sprintf("198.18.%d.1", i)), at(-28*aDay)))
			}
		}
	}
	through1, through2 := object{"vpcEndpointId": "vpce-0a1"}, object{"vpcEndpointId": "vpce-0b2"}
	testRule(t, networkFirstSeen(), []ruleTest{
		{
			name: "from elsewhere", learnt: daily(1), events: elsewhere("198.51.100.77"), want: []string{title},
			says: []string{
				"role/admin called Decrypt on alias/payments from 198.51.100.77.",
				"No call of it had come from 198.51.100.0/24; rotd has learnt its calls for 28 days, from one network.",
			},
		},
		{name: "from IPv6", learnt: daily(1), events: elsewhere("2001:db8:1:2::3"), want: []string{title}},
		{
			name: "an allowed principal's credentials can be stolen too", learnt: daily(1, by("pay-api")),
			events: []object{record("Decrypt", by("pay-api"), from("198.51.100.77"))}, want: []string{title},
		},
		{
			name: "somebody of Identity Center moves", learnt: daily(1, by(developer)),
			events: []object{record("Decrypt", by(developer), from("198.51.100.77"))},
			want:   []string{"LOW A key is used from a network that is new to the caller"},
		},
		{
			name: "from another subnet of the VPC", learnt: daily(1), events: elsewhere("10.20.30.40"),
			want: []string{"LOW A key is used from a network that is new to the caller"},
		},
		{
			name: "from a private address in somebody else's VPC", learnt: daily(1),
			events: []object{record("Decrypt", from("10.20.30.40"), throughVPCOf("666600000013"))}, want: []string{title},
			says: []string{"from 10.20.30.40 through a VPC endpoint of account 666600000013, which is none of yours."},
		},
		{
			name: "from a private address in a VPC of one's own", learnt: daily(1),
			events: []object{record("Decrypt", from("10.20.30.40"), throughVPCOf("111122223333"))},
			want:   []string{"LOW A key is used from a network that is new to the caller"},
		},
		{
			name: "from a private address in somebody else's VPC that is one's own as well", want: []string{title},
			learnt: daily(1, from("10.20.30.40")),
			events: []object{record("Decrypt", from("10.20.30.40"), throughVPCOf("666600000013"))},
			says:   []string{"No call of it had come from behind VPC endpoint vpce-0e1;"},
		},
		{
			name:   "through an endpoint that nobody knows, from a private address that is one's own as well",
			learnt: daily(1, from("10.20.30.40"), through1), events: []object{record("Decrypt", from("10.20.30.40"), through2)},
			want: []string{"LOW A key is used from a network that is new to the caller"},
		},
		{
			name:   "through an endpoint that nobody knows, from a public address that is one's own as well",
			learnt: daily(1), events: []object{record("Decrypt", through1)}, want: []string{title},
		},
		{
			name:   "from another subnet behind the same endpoint",
			learnt: daily(1, through1), events: []object{record("Decrypt", from("10.20.30.40"), through1)},
		},
		{name: "another address of the network", learnt: daily(1), events: elsewhere("203.0.113.200")},
		{name: "through a service", learnt: daily(1), events: elsewhere("secretsmanager.amazonaws.com")},
		{name: "from inside AWS", learnt: daily(1), events: elsewhere("AWS Internal")},
		{
			name: "a principal that was learnt just long enough", learnt: keyLearntFor(14 * aDay),
			events: elsewhere("198.51.100.77"), want: []string{title},
		},
		{
			name: "a principal that has always called from eight networks", learnt: callsFrom(8),
			events: elsewhere("198.51.100.77"), want: []string{title}, says: []string{"from 8 networks."},
		},
		{name: "a principal that has always called from nine", learnt: callsFrom(9), events: elsewhere("198.51.100.77")},
		{name: "somebody who travels", learnt: travels(1), events: elsewhere("198.51.100.77")},
		{name: "a principal that is new", learnt: daily(1, by("other")), events: elsewhere("198.51.100.77")},
		{
			name:   "a principal that only services called for",
			learnt: daily(1, from("secretsmanager.amazonaws.com")), events: elsewhere("198.51.100.77"),
		},
	})
}

func TestDecryptSpike(t *testing.T) {
	const title = "HIGH Somebody decrypts far more different things than usual"
	onlyAt := func(hours int) func(t testing.TB, w *world) {
		return func(t testing.TB, w *world) {
			t.Helper()
			for day := -28; day < 0; day++ {
				w.learns(t, secretsOf(40, time.Duration(day)*aDay+time.Duration(hours)*time.Hour)...)
			}
		}
	}
	last := func(n int) (titles []string) { // from the floor of 15 different secrets on
		for range n {
			titles = append(titles, title)
		}
		return titles
	}
	slowly := func(n int) (all []object) { // a secret each quarter of an hour
		for i := range n {
			all = append(all, secretOf(i, time.Duration(i)*15*time.Minute))
		}
		return all
	}
	lows := func(n int) (titles []string) {
		for range n {
			titles = append(titles, "LOW"+strings.TrimPrefix(title, "HIGH"))
		}
		return titles
	}
	workdays := func(each ...int) func(t testing.TB, w *world) { // so many secrets on the working days before
		return func(t testing.TB, w *world) {
			t.Helper()
			for i, day := range []int{-10, -9, -8, -7, -4, -3, -2}[7-len(each):] {
				w.learns(t, secretsOf(each[i], time.Duration(day)*aDay)...)
			}
		}
	}
	byDay := func(each ...int) func(t testing.TB, w *world) { // so many secrets on as many days, ten hours before
		return func(t testing.TB, w *world) {
			t.Helper()
			for i, n := range each {
				w.learns(t, secretsOf(n, time.Duration(i-len(each))*aDay-10*time.Hour, by(developer))...)
			}
		}
	}
	learnt := func(earlier, then func(t testing.TB, w *world)) func(t testing.TB, w *world) {
		return func(t testing.TB, w *world) {
			t.Helper()
			earlier(t, w)
			then(t, w)
		}
	}
	moved := func(n int, to any) (all []object) { // secrets re-encrypted under another key
		for i := range n {
			all = append(all, record("ReEncrypt", id(fmt.Sprint("e-", i)), asking(object{
				"sourceKeyId": payARN, "destinationKeyId": to, "sourceEncryptionContext": object{
					"SecretARN": fmt.Sprintf("arn:aws:secretsmanager:eu-west-1:111122223333:secret:app-%d-AbCdEf", i),
				},
			}), object{"resources": []object{{"ARN": payARN}}}))
		}
		return all
	}
	testRule(t, decryptSpike(), []ruleTest{
		{
			name: "dozens of secrets by who reads two a day", learnt: daily(2), events: secretsOf(15, 0), want: last(1),
			says: []string{
				"Within an hour arn:aws:iam::111122223333:role/admin decrypted about 15 different secrets with alias/payments, " +
					"in 15 calls.",
				"It never read more than 8 of them within an hour.",
				"rotd contain " + payARN + " --dry-run",
			},
		},
		{
			name: "through a service, and over the hour's end", learnt: daily(2, from("secretsmanager.amazonaws.com")),
			events: append(secretsOf(8, 55*time.Minute), func() (more []object) {
				for i := 8; i < 15; i++ {
					more = append(more, secretOf(i, 65*time.Minute))
				}
				return more
			}()...), want: last(1),
		},
		{
			name: "by somebody who never used the key", learnt: daily(2), events: secretsOf(15, 0, by("thief")), want: last(1),
		},
		{
			name: "a batch at another time is no more than its greatest hour", learnt: onlyAt(-10), events: secretsOf(36, 0),
		},
		{
			name: "a person at night, who reads nine by day, and now more than three times as many", want: last(2),
			learnt: learnt(keyLearntFor(28*aDay), byDay(9, 9, 9, 20, 9, 9, 9)), events: secretsOf(29, 0, by(developer)),
		},
		{
			name:   "a person at night, who reads nine by day, and now three times as many",
			learnt: learnt(keyLearntFor(28*aDay), byDay(9, 9, 9, 20, 9, 9, 9)), events: secretsOf(27, 0, by(developer)),
		},
		{
			name:   "a person at night, who reads some on six days, and now less than twice the most ever",
			learnt: learnt(keyLearntFor(28*aDay), byDay(9, 9, 20, 9, 9, 9)), events: secretsOf(29, 0, by(developer)),
		},
		{
			name: "a pipeline at any time, as much as ever", learnt: func(t testing.TB, w *world) {
				t.Helper()
				for i, secrets := range []int{10, 10, 10, 33} {
					w.learns(t, secretsOf(secrets, time.Duration(i-21)*aDay)...)
				}
			},
			events: secretsOf(30, 0),
		},
		{
			name:   "six such days do not outweigh the most ever",
			learnt: learnt(keyLearntFor(28*aDay), workdays(10, 10, 10, 33, 10, 10)), events: secretsOf(33, 0),
		},
		{
			name: "seven such days do, a little", want: lows(3),
			learnt: learnt(keyLearntFor(28*aDay), workdays(10, 10, 10, 33, 10, 10, 10)), events: secretsOf(33, 0),
		},
		{
			name: "as much as ever, one of it twice", learnt: learnt(keyLearntFor(28*aDay), workdays(10, 10, 10, 33)),
			events: append(secretsOf(33, 0), secretOf(0, time.Minute)),
		},
		{
			name:   "on six days eleven, and now more than four times as much",
			learnt: learnt(keyLearntFor(28*aDay), workdays(11, 11, 11, 11, 11, 11)), events: secretsOf(45, 0),
			want: append(lows(10), last(2)...),
		},
		{
			name:   "on seven days eleven, and now more than eight times as much",
			learnt: learnt(keyLearntFor(28*aDay), workdays(11, 11, 11, 11, 11, 11, 11)), events: secretsOf(88, 0),
			want: append(lows(53), last(2)...),
		},
		{
			name: "one day of ten, and now more than twice as much", learnt: learnt(keyLearntFor(28*aDay), workdays(10)),
			events: secretsOf(25, 0), want: last(5),
		},
		{
			name: "one day of ten, each read three times, and now as many calls", events: secretsOf(25, 0),
			learnt: learnt(keyLearntFor(28*aDay), func(t testing.TB, w *world) {
				t.Helper()
				for range 3 {
					w.learns(t, secretsOf(10, -3*aDay)...)
				}
			}),
		},
		{
			name: "on a key that was learnt just long enough", learnt: keyLearntFor(14 * aDay), events: secretsOf(15, 0),
			want: last(1),
		},
		{
			name: "moved to a key of another account", learnt: daily(2), want: last(1),
			events: moved(15, "arn:aws:kms:eu-west-1:999988887777:key/99999999-12ab-34cd-56ef-1234567890ab"),
		},
		{name: "moved within the account", learnt: daily(2), events: moved(15, otherARN)},
		{name: "moved to a key that is not named", learnt: daily(2), events: moved(15, nil)},
		{
			name: "a job that makes up for some nights", learnt: daily(16), events: secretsOf(100, 0),
			want: lows(52), says: []string{"In hours like this it reads about 16 of them"},
		},
		{
			name: "a person who reads as much, and does so daily", learnt: daily(16, by(developer)),
			events: secretsOf(100, 0, by(developer)), want: last(52),
		},
		{
			name: "a pipeline that deploys something larger than ever", learnt: func(t testing.TB, w *world) {
				t.Helper()
				w.learns(t, secretOf(0, -28*aDay))
				for i, secrets := range []int{12, 10} {
					w.learns(t, secretsOf(secrets, time.Duration(i-21)*aDay)...)
				}
			},
			events: secretsOf(30, 0), want: lows(6),
		},
		{name: "the batch as ever", learnt: daily(40), events: secretsOf(44, 0)},
		{name: "the batch an hour later", learnt: onlyAt(-1), events: secretsOf(44, 0)},
		{name: "fewer than anybody would ask about", learnt: daily(2), events: secretsOf(13, 0)},
		{
			name: "the same few secrets again and again", learnt: daily(2), events: func() (all []object) {
				for i := range 60 {
					all = append(all, secretOf(i%5, time.Duration(i)*time.Second))
				}
				return all
			}(),
		},
		{
			name: "hundreds of log files", learnt: daily(2), events: func() (all []object) {
				for i := range 300 {
					all = append(all, record("Decrypt", id(fmt.Sprint(i)), asking(object{"encryptionContext": object{
						"aws:cloudtrail:arn": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all",
						"aws:s3:arn":         fmt.Sprint("arn:aws:s3:::logs/AWSLogs/", i),
					}})))
				}
				return all
			}(),
		},
		{name: "29 over a day", learnt: daily(2), events: slowly(29)},
		{
			name: "30 over a day", learnt: daily(2), events: slowly(31), want: last(2),
			says: []string{
				"Within a day arn:aws:iam::111122223333:role/admin decrypted about 31 different secrets with alias/payments, " +
					"in 31 calls.",
			},
		},
		{name: "30 over a day by who reads 20 every day", learnt: func(t testing.TB, w *world) {
			t.Helper()
			for day := -28; day < 0; day++ {
				for i := range 20 {
					w.learns(t, secretOf(i, time.Duration(day)*aDay+time.Duration(i)*20*time.Minute))
				}
			}
		}, events: slowly(31)},
		{
			name: "30 over two days", learnt: daily(2),
			events: append(slowly(18), func() (more []object) {
				for i := range 18 {
					more = append(more, secretOf(18+i, aDay+time.Duration(i)*15*time.Minute))
				}
				return more
			}()...),
		},
		{name: "on a key that is new", events: secretsOf(30, 0)},
		{name: "written, not read", learnt: daily(2), events: secretsOf(30, 0, object{"eventName": "GenerateDataKey"})},
		{name: "refused", learnt: daily(2), events: secretsOf(30, 0, failing("AccessDenied"))},
	})
}

func TestABatchThatGrowsFarIsASpike(t *testing.T) {
	w := newWorld()
	daily(40)(t, w)
	judge := newJudge([]Rule{decryptSpike()}, nil, Settings{Learning: DefaultLearning})
	first := 0
	for i, r := range secretsOf(200, 0) {
		ev, c := decode(t, r), w.context()
		c.Observed = w.observes(ev)
		if found, _ := judge.Event(c, ev); len(found) > 0 && first == 0 {
			first = i + 1
			checkFinding(t, &found[0])
		}
	}
	if first < 120 || first > 140 {
		t.Errorf("found at secret %d, want soon after three times the usual 40", first)
	}
}

func TestContextMissing(t *testing.T) {
	const title = "MEDIUM A call without an encryption context, where there always is one"
	bare := record("Decrypt", asking(object{"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}))
	testRule(t, contextMissing(), []ruleTest{
		{
			name: "where there always was one", learnt: daily(4), events: []object{bare}, want: []string{title},
			says: []string{"called Decrypt on alias/payments without an encryption context.", "None of the calls"},
		},
		{
			name: "encrypting", learnt: daily(4), want: []string{title},
			events: []object{record("GenerateDataKey", asking(object{"keySpec": "AES_256"}))},
		},
		{
			name: "the first only", learnt: daily(4), want: []string{title},
			events: []object{bare, record("Decrypt", id("e-2"), asking(object{}))},
		},
		{name: "where one lacked it before", learnt: func(t testing.TB, w *world) {
			t.Helper()
			daily(4)(t, w)
			w.learns(t, record("Decrypt", at(-aDay), asking(object{})))
		}, events: []object{bare}},
		{name: "where too few calls are known", learnt: daily(3), events: []object{bare}},
		{
			name:   "where just enough calls are known, for just as long as is learnt",
			events: []object{bare}, want: []string{title},
			learnt: func(t testing.TB, w *world) { t.Helper(); w.learns(t, secretsOf(100, -14*aDay)...) },
		},
		{
			name: "where one call too few is known", events: []object{bare},
			learnt: func(t testing.TB, w *world) { t.Helper(); w.learns(t, secretsOf(99, -14*aDay)...) },
		},
		{
			name: "where enough calls are known, for an hour less than is learnt", events: []object{bare},
			learnt: func(t testing.TB, w *world) { t.Helper(); w.learns(t, secretsOf(100, -14*aDay+time.Hour)...) },
		},
		{name: "on a key that is new", events: append(secretsOf(120, -time.Hour), bare)},
		{
			name: "with an asymmetric key, which takes none", learnt: daily(4),
			events: []object{record("Decrypt", asking(object{"encryptionAlgorithm": "RSAES_OAEP_SHA_256"}))},
		},
		{name: "a signature", learnt: daily(4), events: []object{record("Sign")}},
	})
}

func throughVPCOf(account string) object {
	return object{"vpcEndpointId": "vpce-0e1", "vpcEndpointAccountId": account}
}

func TestInstanceCredentialsElsewhere(t *testing.T) {
	const title = "HIGH An EC2 instance's credentials are used somewhere else"
	instance := inSession("pay-worker", "i-0123456789abcdef0")
	other := inSession("pay-worker", "i-0fedcba9876543210")
	elsewhere := from("198.51.100.77")
	testRule(t, instanceCredentialsElsewhere(), []ruleTest{
		{
			name: "from a network that the role has never called from", learnt: daily(1, instance),
			events: []object{record("Decrypt", instance, elsewhere)}, want: []string{title},
			says: []string{
				"The credentials of instance i-0123456789abcdef0, as arn:aws:iam::111122223333:role/pay-worker, called " +
					"Decrypt on alias/payments from 198.51.100.77.",
				"aws ec2 describe-instances --instance-ids i-0123456789abcdef0",
			},
		},
		{
			name:   "from another network than the instance itself, of a role that is new",
			events: []object{record("Decrypt", instance), record("Decrypt", instance, elsewhere, id("e-2"))},
			want:   []string{title}, says: []string{"The same instance has called from 203.0.113.0/24 before."},
		},
		{
			name: "of an instance with an id of the old length", learnt: daily(1, inSession("pay-worker", "i-01234567")),
			events: []object{record("Decrypt", inSession("pay-worker", "i-01234567"), elsewhere)}, want: []string{title},
		},
		{
			name: "a session whose name is a number", learnt: daily(1, inSession("pay-worker", "0123456789abcdef")),
			events: []object{record("Decrypt", inSession("pay-worker", "0123456789abcdef"), elsewhere)},
		},
		{
			name: "an allowed role is no excuse", learnt: daily(1, instance),
			events: []object{record("Sign", instance, elsewhere)}, want: []string{title},
		},
		{name: "from where the role calls", learnt: daily(1, other), events: []object{record("Decrypt", instance)}},
		{
			name: "through a VPC endpoint", learnt: daily(1, instance),
			events: []object{record("Decrypt", instance, elsewhere, object{"vpcEndpointId": "vpce-0123456789abcdef0"})},
		},
		{
			name: "through a VPC endpoint of one's own", learnt: daily(1, instance),
			events: []object{record("Decrypt", instance, from("10.9.8.7"), throughVPCOf("111122223333"))},
		},
		{
			name: "through somebody else's VPC endpoint, from an address that is the instance's as well",
			events: []object{
				record("Decrypt", instance, from("10.9.8.7"), object{"vpcEndpointId": "vpce-0a1"}),
				record("Decrypt", instance, from("10.9.8.7"), throughVPCOf("666600000013"), id("e-2")),
			},
			want: []string{title}, says: []string{
				"through a VPC endpoint of account 666600000013, which is none of yours.",
				"The same instance has called from behind VPC endpoint vpce-0a1 before.",
			},
		},
		{
			name:   "through somebody else's VPC endpoint, from an address of the role's own network",
			learnt: daily(1, other, from("10.9.8.7")),
			events: []object{record("Decrypt", instance, from("10.9.8.7"), throughVPCOf("666600000013"))},
			want:   []string{title},
		},
		{
			name: "from behind one endpoint to behind another, from the same address",
			events: []object{
				record("Decrypt", instance, from("10.9.8.7"), object{"vpcEndpointId": "vpce-0a1"}),
				record("Decrypt", instance, from("10.9.8.7"), object{"vpcEndpointId": "vpce-0b2"}, id("e-2")),
			},
			want: []string{title}, says: []string{"The same instance has called from behind VPC endpoint vpce-0a1 before."},
		},
		{
			name:   "from behind one endpoint to behind another that the role calls through, too",
			learnt: daily(1, other, object{"vpcEndpointId": "vpce-0b2"}),
			events: []object{
				record("Decrypt", instance, from("10.9.8.7"), object{"vpcEndpointId": "vpce-0a1"}),
				record("Decrypt", instance, from("10.9.8.7"), object{"vpcEndpointId": "vpce-0b2"}, id("e-2")),
			},
		},
		{
			name: "an instance whose VPC gets an endpoint",
			events: []object{
				record("Decrypt", instance),
				record("Decrypt", instance, from("10.9.8.7"), object{"vpcEndpointId": "vpce-0a1"}, id("e-2")),
			},
		},
		{
			name:   "from another network than before, from which the role calls as well",
			learnt: func(t testing.TB, w *world) { t.Helper(); daily(1, other)(t, w); daily(1, other, elsewhere)(t, w) },
			events: []object{record("Decrypt", instance), record("Decrypt", instance, elsewhere, id("e-2"))},
		},
		{
			name: "from a private address", learnt: daily(1, instance),
			events: []object{record("Decrypt", instance, from("10.9.8.7"))},
		},
		{
			name: "by a service for the instance", learnt: daily(1, instance),
			events: []object{record("Decrypt", instance, from("secretsmanager.amazonaws.com"))},
		},
		{
			name: "an instance that reaches a service through an endpoint and KMS over the internet",
			events: []object{
				record("Decrypt", instance, from("secretsmanager.amazonaws.com"), object{"vpcEndpointId": "vpce-0a1"}),
				record("Decrypt", instance, elsewhere, id("e-2")),
			},
		},
		{
			name: "another session of the role", learnt: daily(1, instance),
			events: []object{record("Decrypt", inSession("pay-worker", "i-am-ann"), elsewhere)},
		},
		{
			name: "a new instance of a role whose instances come and go", learnt: func(t testing.TB, w *world) {
				t.Helper()
				daily(1, other)(t, w)
				for i := range 4 {
					w.learns(t, record("Decrypt", other, from(fmt.Sprintf("198.18.%d.1", i)), at(-5*aDay)))
				}
			},
			events: []object{record("Decrypt", instance, elsewhere)},
		},
	})
}
