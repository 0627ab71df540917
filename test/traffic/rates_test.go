package traffic_test

import (
	"maps"
	"slices"
	"testing"

	"rotd/test/traffic"
)

// rates are the records a day for 120 keys of a larger organisation: least and most that a seed may make of it.
var rates = map[string][2]float64{
	"all":                      {8500, 25000},
	"analyzer":                 {200, 600},
	"backup":                   {25, 80},
	"batch":                    {750, 3000},
	"cloudtrail":               {35, 95},
	"config":                   {150, 500},
	"deploy":                   {95, 450},
	"dynamodb":                 {600, 2500},
	"ebs":                      {80, 300},
	"envelope":                 {650, 2500},
	"envelope-without-context": {350, 2000},
	"failing":                  {0, 25},
	"forgotten":                {0, 2},
	"hmac":                     {40, 250},
	"kms":                      {0, 2},
	"lambda":                   {50, 200},
	"legacy":                   {0, 9},
	"newcomer":                 {0, 15},
	"on-call":                  {5, 150},
	"partner":                  {0, 50},
	"people":                   {600, 2000},
	"rare":                     {0, 2},
	"rds":                      {25, 95},
	"re-encrypt":               {200, 950},
	"rotd":                     {1500, 5000},
	"s3":                       {700, 2500},
	"s3-bucket-key":            {100, 400},
	"s3-data":                  {25, 200},
	"scanner":                  {350, 1000},
	"secrets":                  {350, 1500},
	"signing":                  {100, 650},
	"sqs":                      {85, 400},
	"ssm":                      {40, 300},
	"terraform":                {0, 40},
}

func TestRatesAreAsStated(t *testing.T) {
	const usual = 120
	w := traffic.World{Seed: 3, Keys: 3 * usual, Weeks: 2}
	counts := map[string]int{"all": 0}
	for source := range rates {
		counts[source] = 0
	}
	for r := range w.Records() {
		counts[r.Source]++
		counts["all"]++
	}
	for _, source := range slices.Sorted(maps.Keys(counts)) {
		perDay := float64(counts[source]) / float64(7*w.Weeks) * usual / float64(w.Keys)
		t.Logf("%-26s %8.1f records a day", source, perDay)
		if bounds := rates[source]; perDay < bounds[0] || perDay > bounds[1] {
			t.Errorf("%s has %.1f records a day, stated are %v to %v", source, perDay, bounds[0], bounds[1])
		}
	}
}
